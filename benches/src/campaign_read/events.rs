//! Campaigns with many activities, folded and put into both stores.

use std::sync::Arc;

use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use pipeline::record::{Headers, Record};
use pipeline::state::State;
use prost::Message;
use schemas::partition::partition_of;
use schemas::v1::{Event, Kind};
use views::{Change, Sink, Stored};

use crate::machine;

const USERS: u32 = 5_000;
const EVENTS_AN_ACTIVITY: u32 = 20;
const DAYS: u32 = 7;
const HOUR_MS: i64 = 3_600_000;
const KINDS: [Kind; 4] = [Kind::Visit, Kind::Visit, Kind::Click, Kind::SignUp];
const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
];

/// The campaign with so many activities.
pub fn campaign(activities: usize) -> String {
    format!("with-{activities}")
}

/// Its activities.
pub fn activities(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("activity-{number:04}"))
        .collect()
}

/// Folds every campaign's events and brings the stores up to them.
pub async fn fill(
    definition: &Definition,
    campaigns: &[usize],
    events: u32,
    sinks: &[&dyn Sink],
) -> anyhow::Result<()> {
    let readers = [Reader::Hot, Reader::History];
    let definition = Arc::new(definition.clone());
    let partitions = 0..definition.partitions;
    let states =
        partitions.map(|partition| State::with_readers(definition.clone(), partition, &readers));
    let mut states: Vec<State> = states.collect::<Result<_, _>>()?;
    let now = machine::now_ms();
    for count in campaigns {
        let names = activities(*count);
        let total = events.max(EVENTS_AN_ACTIVITY * *count as u32);
        for number in 0..total {
            let event = event(&campaign(*count), &names, number, now);
            let key = event.user_id.as_bytes();
            let partition = partition_of(key, definition.partitions) as usize;
            if let Some(state) = states.get_mut(partition) {
                state.apply(Record {
                    offset: state.next_offset(),
                    appended_at: now,
                    key,
                    value: &event.encode_to_vec(),
                    headers: Headers::default(),
                });
            }
        }
    }
    for state in &mut states {
        for (sink, reader) in sinks.iter().zip(readers) {
            let change = Change {
                partition: state.partition(),
                base: 0,
                to: state.next_offset(),
                log_time: state.log_time(),
                rows: state.take_all_rows(reader),
            };
            let stored = sink.fill(&change).await?;
            anyhow::ensure!(
                stored == Stored::At(change.to),
                "{} holds {stored:?}",
                sink.name()
            );
        }
    }
    Ok(())
}

fn event(campaign: &str, activities: &[String], number: u32, now: i64) -> Event {
    // Primes, so that users, activities, kinds and hours mix.
    let pick = |list: usize, prime: u32| (number.wrapping_mul(prime) >> 4) as usize % list;
    Event {
        event_id: format!("{campaign}-{number}"),
        user_id: format!("user-{}", pick(USERS as usize, 2_654_435_761)),
        kind: KINDS[pick(KINDS.len(), 40_503)] as i32,
        occurred_at_ms: now - pick((DAYS * 24) as usize, 2_246_822_519) as i64 * HOUR_MS,
        campaign_id: campaign.to_owned(),
        activity_id: activities[number as usize % activities.len()].clone(),
        user_agent: AGENTS[pick(AGENTS.len(), 3_266_489_917)].to_owned(),
        ..Event::default()
    }
}
