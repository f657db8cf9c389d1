//! Sends the canary's events, each to the next partition.

use std::sync::Arc;
use std::time::Instant;

use ::metrics::counter;
use anyhow::bail;
use log::{Appended, NewRecord, Producer};
use prost::Message;
use schemas::{canary, partition, v1};

use super::view::{View, receiving};
use super::watch::Sent;
use super::{Args, metrics};
use crate::config::Config;
use crate::set::Log;

/// Sends an event, each to the next partition, until the log can't be used any more.
pub(super) async fn send(args: &Args, config: &Config, views: &[Arc<View>]) -> anyhow::Result<()> {
    counter!(metrics::SENT).increment(0);
    counter!(metrics::REFUSED).increment(0);
    let of = config.clone();
    // A log that is away is waited for, here and not where others would wait, too.
    let producer = tokio::task::spawn_blocking(move || {
        let producer = Log::open(&of)?.producer(&of.topics().events)?;
        anyhow::Ok(producer)
    });
    let producer = producer.await??;
    let users = users(config.definition.partitions);
    let run = format!("{:016x}", rand::random::<u64>());
    let mut ticks = tokio::time::interval(args.every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for (number, user) in users.iter().cycle().enumerate() {
        // Who is to see it is known before it is sent: a view that begins meanwhile may count it as there before.
        let receiving = loop {
            ticks.tick().await;
            if let Some(receiving) = receiving(views).await {
                break receiving;
            }
        };
        let record = record(user, &format!("canary-{run}-{number}"));
        let producer: Arc<dyn Producer> = producer.clone();
        let appended = tokio::task::spawn_blocking(move || producer.append(vec![record])).await?;
        match appended {
            Ok(appended) => {
                counter!(metrics::SENT).increment(1);
                if let Some(at) = appended.first() {
                    await_in(&receiving, at).await;
                }
            }
            Err(error @ log::Error::Transient(_)) => {
                counter!(metrics::REFUSED).increment(1);
                tracing::warn!(%error, "an event was not acknowledged; the next one is sent in its turn");
            }
            Err(error) => bail!(error),
        }
    }
    Ok(())
}

async fn await_in(views: &[Arc<View>], at: &Appended) {
    let sent = Sent {
        partition: at.partition,
        offset: at.offset,
        acknowledged: Instant::now(),
    };
    for view in views {
        view.watch.lock().await.sent(sent);
    }
}

/// A user id in each partition.
fn users(partitions: u32) -> Vec<String> {
    (0..partitions)
        .filter_map(|wanted| {
            (0u64..)
                .map(|number| format!("{}-{number}", canary::CAMPAIGN))
                .find(|user| partition::partition_of(user.as_bytes(), partitions) == wanted)
        })
        .collect()
}

fn record(user: &str, id: &str) -> NewRecord {
    let event = v1::Event {
        event_id: id.to_owned(),
        user_id: user.to_owned(),
        kind: v1::Kind::Visit as i32,
        occurred_at_ms: processor::metrics::now_ms(),
        campaign_id: canary::CAMPAIGN.to_owned(),
        user_agent: canary::USER_AGENT.to_owned(),
        ..v1::Event::default()
    };
    NewRecord {
        key: user.as_bytes().to_vec(),
        value: event.encode_to_vec(),
        ..NewRecord::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_a_user_of_its_own() {
        for partitions in [1, 3, 12] {
            let users = users(partitions);
            for (wanted, user) in (0..).zip(&users) {
                let found = partition::partition_of(user.as_bytes(), partitions);
                assert_eq!(found, wanted);
            }
            assert_eq!(users.len(), partitions as usize);
        }
    }

    #[test]
    fn its_events_count_as_nobody() {
        let hints = pipeline::device::Hints::default();
        let device = pipeline::device::classify(canary::USER_AGENT, hints);
        assert_eq!(device.class, pipeline::device::DeviceClass::Bot);
    }
}
