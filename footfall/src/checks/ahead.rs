//! Whether a store holds more than there is of the log: then it was filled from another log, or the log lost records.

use ::views::Stamp;
use log::Reader;

use super::{Checks, Outcome};
use crate::config::Config;
use crate::set::{Log, Stores};

/// How far a store, by its name, holds each partition.
pub(super) type Stored = (&'static str, Vec<Option<Stamp>>);

/// Compares what stores hold with where the log ends; it is asked after them, for it grows.
pub(super) async fn check(config: &Config, stored: Vec<Stored>) -> Checks {
    let of = config.clone();
    let open = move || Ok(Log::open_read_only(&of)?.reader(&of.topics().events)?);
    compare(config.definition.partitions, stored, open).await
}

/// The same for a process that starts, by its reader of the events topic. What does not answer now is no reason to refuse.
pub async fn at_start(config: &Config, stores: &Stores, reader: Box<dyn Reader>) -> Checks {
    let mut stored = Vec::new();
    if let Some(store) = stores.redis.as_ref().and_then(|store| store.get().ok()) {
        stored.extend(store.stamps().await.ok().map(|stamps| ("Redis", stamps)));
    }
    let history = stores.opensearch.as_ref();
    if let Some(store) = history.and_then(|store| store.get().ok()) {
        let stamps = store.stamps().await.ok();
        stored.extend(stamps.map(|stamps| ("OpenSearch", stamps)));
    }
    let partitions = config.definition.partitions;
    let mut checks = compare(partitions, stored, move || Ok(reader)).await;
    checks.made.retain(|of| of.outcome != Outcome::Unasked);
    checks
}

async fn compare(
    partitions: u32,
    stored: Vec<Stored>,
    open: impl FnOnce() -> anyhow::Result<Box<dyn Reader>> + Send + 'static,
) -> Checks {
    let asked = tokio::task::spawn_blocking(move || {
        let mut checks = Checks::of("log");
        match open().and_then(|reader| ends(reader, partitions)) {
            Ok(ends) => stored
                .iter()
                .for_each(|stored| judge(&mut checks, stored, &ends)),
            Err(error) => checks.unasked(format!("where it ends: {error:#}")),
        }
        checks
    });
    asked.await.unwrap_or_else(|error| {
        let mut checks = Checks::of("log");
        checks.unasked(format!("the check died: {error}"));
        checks
    })
}

fn ends(mut reader: Box<dyn Reader>, partitions: u32) -> anyhow::Result<Vec<u64>> {
    (0..partitions)
        .map(|partition| Ok(reader.bounds(partition)?.end))
        .collect()
}

fn judge(checks: &mut Checks, (name, stamps): &Stored, ends: &[u64]) {
    let mut ahead = stamps.iter().flatten().filter(|stamp| {
        let end = ends.get(stamp.partition as usize);
        end.is_some_and(|end| stamp.offset > *end)
    });
    let Some(first) = ahead.next() else { return };
    let more = match ahead.count() {
        0 => String::new(),
        more => format!(" (and so for {more} more)"),
    };
    let (partition, end) = (first.partition, ends[first.partition as usize]);
    checks.refused(format!(
        "{name} holds partition {partition} up to offset {}, and the log ends at {end}{more}: the log was truncated or re-created. Restore it; or, to fold what there is as a new view, set another definition.hash_key",
        first.offset
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(partition: u32, offset: u64) -> Option<Stamp> {
        Some(Stamp {
            partition,
            offset,
            log_time: 0,
        })
    }

    #[test]
    fn a_store_ahead_of_the_log_is_refused_and_one_up_to_it_is_not() {
        let mut checks = Checks::of("log");
        let whole = ("Redis", vec![stamp(0, 7), None, stamp(2, 0)]);
        judge(&mut checks, &whole, &[7, 0, 3]);
        assert!(checks.is_empty());
        let ahead = ("Redis", vec![stamp(0, 7), stamp(1, 1), stamp(2, 4)]);
        judge(&mut checks, &ahead, &[7, 0, 3]);
        let sentence = &checks.made[0].sentence;
        assert_eq!(checks.made[0].outcome, Outcome::Refused);
        assert!(
            sentence
                .contains("partition 1 up to offset 1, and the log ends at 0 (and so for 1 more)"),
            "{sentence}"
        );
    }
}
