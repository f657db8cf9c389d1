//! Tells admissions to the events topic, within `footfall process`.

use std::sync::Arc;
use std::time::Duration;

use log::Consumer;
use log::kafka;
use processor::emitter::{Emitter, Settings};

use crate::config::Config;
use crate::set::Log;

/// How often it is kept how far admissions are told.
const KEEP_TOLD: Duration = Duration::from_secs(30);

/// What the group's name ends in.
const GROUP: &str = "-emitter";

/// Starts it, as a member of a group of its own, unless the configuration says otherwise.
///
/// # Errors
/// When the log's settings are refused.
pub fn start(
    config: &Config,
    log: &Log,
    client: &kafka::Config,
) -> anyhow::Result<Option<Emitter>> {
    if !config.processor.emit_enters {
        return Ok(None);
    }
    let topics = config.topics();
    let group = format!("{}{GROUP}", config.log.group);
    let events = kafka::Producer::without_gaps(client, &topics.events)?;
    let ends = log.reader(&topics.entries)?;
    let emitter = Emitter::start(settings(config), Arc::new(events), ends, |positions| {
        let member = kafka::Consumer::join(client, &group, &topics.entries, positions)?;
        Ok(Box::new(member) as Box<dyn Consumer>)
    })?;
    Ok(Some(emitter))
}

/// Starts it on a demo's log.
///
/// # Errors
/// When the log can't be read.
pub fn of_demo(config: &Config, log: &Arc<log::embedded::Log>) -> Result<Emitter, log::Error> {
    let topics = config.topics();
    let (events, ends) = (log.producer(&topics.events)?, log.reader(&topics.entries)?);
    Emitter::start(settings(config), events, ends, |positions| {
        log.consumer(&topics.entries, positions)
    })
}

fn settings(config: &Config) -> Settings {
    Settings {
        partitions: config.definition.partitions,
        generation: config.log.entries_generation,
        folder: config.data.join("enters"),
        keep_every: KEEP_TOLD,
    }
}

/// Completes with why, when it has ended by itself; never where there is none.
pub async fn ended(emitter: Option<impl Future<Output = String>>) -> String {
    match emitter {
        Some(ended) => ended.await,
        None => std::future::pending().await,
    }
}
