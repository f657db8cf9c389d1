//! `footfall entry`: the gateway, from HTTP to Kafka.

use std::sync::Arc;

use anyhow::{Context, bail};
use entry::{Entries, Folds, Following, Gateway, Pages, Snapshots, Users};

use crate::checks;
use crate::config::{Config, Entry};
use crate::set::Log;
use crate::stopping::{stop_requested, unless_stopped};

/// Where folds are kept, within the data folder.
const FOLDER: &str = "seats";

/// Serves until it is asked to stop.
///
/// # Errors
/// When a topic can lose acknowledged data, the address can't be had, or users could be anyone.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut stopping = stop_requested();
    let listener = web::Listener::open(&config.listener()).await?;
    let address = listener.address()?;
    let users = users(&config.entry, address.ip().to_canonical().is_loopback())?;
    let (checked, seats) = (config.clone(), users.is_some());
    let checking =
        tokio::task::spawn_blocking(move || checks::topics_of_gateway(&checked, seats).settle());
    let checked = unless_stopped(&mut stopping, async { checking.await? }).await?;
    if checked.is_none() {
        return Ok(());
    }
    let log = Log::open(&config)?;
    let gateway = Gateway::new(
        log.producer(&config.topics().events)?,
        config.definition.partitions,
    )?
    .with_metrics(Arc::new(telemetry::metrics::render))
    .with_guard(listener.guard());
    let (gateway, following) = match users {
        Some(users) => {
            let (gateway, following) = with_seats(gateway, users, &config, &log)?;
            (gateway, Some(following))
        }
        None => (gateway, None),
    };
    let gateway = match config.entry.pages.as_slice() {
        [] => gateway,
        pages => gateway.with_pages(Pages::of(pages)),
    };
    tracing::info!(listen = %address, scheme = listener.scheme(), seats, "taking events");
    listener.serve(entry::router(gateway), stopping).await?;
    // It waits for a poll under way.
    tokio::task::spawn_blocking(|| drop(following)).await?;
    Ok(())
}

/// How it is known who asks for a seat; `None`: no seats are given.
fn users(of: &Entry, is_loopback: bool) -> anyhow::Result<Option<Users>> {
    if !of.user_secret.is_empty() {
        let users = Users::by_hmac(of.user_secret.reveal().as_bytes());
        return users.map(Some).map_err(anyhow::Error::msg);
    }
    match (of.claimed_users, is_loopback) {
        (false, _) => Ok(None),
        (true, true) => Ok(Some(Users::as_claimed())),
        (true, false) => bail!(
            "entry.claimed_users lets anyone enter as anyone, and other machines can reach this address: listen on 127.0.0.1, or set entry.user_secret instead"
        ),
    }
}

/// A demo's gateway, with the page on which seats are tried: users are who they say they are, so that it is to be served
/// on this machine alone.
pub fn of_demo(config: &Config, log: &Log) -> anyhow::Result<(Gateway, Following)> {
    let gateway = Gateway::new(log.producer(&config.topics().events)?, 1)?
        .with_metrics(Arc::new(telemetry::metrics::render))
        .with_pages(Pages::of(&[]))
        .with_trial();
    with_seats(gateway, Users::as_claimed(), config, log)
}

/// The gateway that gives seats too, and the thread that follows the log for it.
fn with_seats(
    gateway: Gateway,
    users: Users,
    config: &Config,
    log: &Log,
) -> anyhow::Result<(Gateway, Following)> {
    let topics = config.topics();
    let partitions = config.definition.partitions;
    let folder = config.data.join(FOLDER);
    let files = kept::Files::new(&folder, config.log.entries_generation, partitions);
    let folds = Folds::kept(
        partitions,
        Snapshots::new(files, log.reader(&topics.entries)?),
    );
    let consumer = log.follow(&topics.entries, partitions, folds.clone())?;
    let following =
        Following::start(folds.clone(), consumer).context("no thread follows the entries")?;
    let entries = Entries::new(
        folds.clone(),
        log.producer(&topics.entries)?,
        log.producer(&topics.campaigns)?,
        users,
    )?;
    let ready: web::Readiness = Arc::new(move || {
        folds.ready().map_err(|behind| web::Unready {
            what: "the log of entries is not read to its end".to_owned(),
            details: behind.to_string(),
        })
    });
    Ok((
        gateway.with_entries(entries).with_readiness(ready),
        following,
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn users_who_only_say_who_they_are_are_for_this_machine() {
        let claimed = Entry {
            claimed_users: true,
            ..Entry::default()
        };
        assert!(users(&claimed, true).unwrap().is_some());
        let said = users(&claimed, false).err().unwrap().to_string();
        assert!(said.contains("entry.user_secret"), "{said}");
        let signed = Entry {
            user_secret: "x".repeat(32).as_str().into(),
            ..Entry::default()
        };
        assert!(users(&signed, false).unwrap().is_some());
        assert!(users(&Entry::default(), false).unwrap().is_none());
    }
}
