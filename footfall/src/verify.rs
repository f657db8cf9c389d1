//! `footfall verify`: folds the log again, independently, and compares every cell with each store.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use pipeline::row::NamedCells;
use processor::verify::{Comparison, Oracle, View, compare};
use serde::Serialize;
use views::{AsOf, AsOfKind, Sink, Stamp, Stored};

use crate::config::Config;
use crate::length::length;
use crate::live_images::{self, Live};
use crate::set::{self, Log};
use crate::views::{Store, dump};

/// Time between two looks at a store that is waited for.
const POLL: Duration = Duration::from_millis(500);

/// What to verify.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Which stores; by default all that the configuration names, or the fold without any.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub store: Vec<Store>,
    /// Wait up to so long, for example 1m, until each store holds what the log holds now.
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub wait: Option<Duration>,
    /// Differences to show.
    #[arg(long, default_value_t = 20)]
    pub show: usize,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Read Redis' image of every partition for so long, and hold each against the log up to its offset.
    #[arg(long, value_name = "TIME", value_parser = length, conflicts_with_all = ["store", "wait"])]
    pub live: Option<Duration>,
    /// Milliseconds between two images of a partition, with --live.
    #[arg(long, value_name = "MS", default_value_t = 100, requires = "live")]
    pub every: u64,
    /// Write each image's time, partition, offset and log time to a file, as JSON lines, with --live.
    #[arg(long, value_name = "FILE", requires = "live")]
    pub journal: Option<PathBuf>,
}

/// What one store was found to hold.
#[derive(Debug, Default, Serialize)]
struct Verdict {
    store: String,
    /// Records of the log that the store holds.
    records: u64,
    /// Records that the log holds.
    log_records: u64,
    applied: u64,
    duplicate: u64,
    late: u64,
    dead_lettered: u64,
    cells: u64,
    differences: u64,
    shown: Vec<String>,
    /// Why the store can't be held against the log: it is behind, or a limit was met.
    not_comparable: Vec<String>,
    /// Ids that the fold takes for others: what differs may do so because of them.
    collisions: Vec<String>,
}

/// Verifies each store; the log is read once for each, up to what that store is as of. So it may go on
/// growing meanwhile, as beside a running demo.
///
/// # Errors
/// When a store or the log can't be read, when the log was trimmed, when a store holds nothing of it, or when anything differs.
pub async fn run(args: &Args, config: &Config) -> anyhow::Result<()> {
    if let Some(time) = args.live {
        let live = Live {
            time,
            every: Duration::from_millis(args.every.max(1)),
            journal: args.journal.clone(),
            json: args.json,
        };
        return live_images::run(&live, config).await;
    }
    let mut verdicts = Vec::new();
    let awaited = match args.wait {
        Some(wait) => Some(Awaited::now(config, wait).await?),
        None => None,
    };
    for store in stores(args, config) {
        let (as_of, found) = match &awaited {
            Some(awaited) => awaited.dump(store, config).await?,
            None => dump(store, config).await?,
        };
        let is_behind = awaited.as_ref().is_some_and(|of| !of.is_held(&as_of));
        let task_config = config.clone();
        let verdict = tokio::task::spawn_blocking(move || {
            let oracle = |partition| Oracle::new(&task_config.definition, partition);
            judge(&task_config, store, &as_of, &found, oracle)
        });
        let mut verdict = verdict.await??;
        verdict.store = format!("{store:?}").to_lowercase();
        verdict.shown.truncate(args.show);
        if is_behind {
            let reason =
                "the time to wait is over, and it does not hold what the log held when it began";
            verdict.not_comparable.push(reason.to_owned());
        }
        verdicts.push(verdict);
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&verdicts)?)?;
    } else {
        verdicts
            .iter()
            .try_for_each(|verdict| print(&mut out, verdict))?;
    }
    let wrong = verdicts
        .iter()
        .any(|v| v.differences > 0 || !v.not_comparable.is_empty());
    if wrong && verdicts.iter().any(|v| !v.collisions.is_empty()) {
        bail!("the views and the log disagree; ids that share a hash are a cause");
    }
    if wrong {
        bail!("the views and the log disagree, or can't be compared");
    }
    Ok(())
}

fn stores(args: &Args, config: &Config) -> Vec<Store> {
    if !args.store.is_empty() {
        return args.store.clone();
    }
    let named = [
        (Store::Redis, !config.redis.url.is_empty()),
        (Store::Opensearch, !config.opensearch.urls.is_empty()),
    ];
    let mut stores: Vec<_> = named
        .iter()
        .filter(|(_, is)| *is)
        .map(|(s, _)| *s)
        .collect();
    if stores.is_empty() {
        stores.push(Store::Fold);
    }
    stores
}

/// What the stores shall hold before they are compared.
struct Awaited {
    /// The log's ends by partition.
    ends: Vec<u64>,
    until: Instant,
}

impl Awaited {
    async fn now(config: &Config, wait: Duration) -> anyhow::Result<Self> {
        let until = Instant::now().checked_add(wait);
        let until = until.context("--wait is too long; an hour is 1h")?;
        let config = config.clone();
        let ends = tokio::task::spawn_blocking(move || {
            let log = Log::open_read_only(&config)?;
            let mut reader = log.reader(&config.topics().events)?;
            (0..config.definition.partitions)
                .map(|partition| Ok(reader.bounds(partition)?.end))
                .collect::<anyhow::Result<_>>()
        });
        let ends = ends.await??;
        Ok(Self { ends, until })
    }

    /// The store's cells once it holds what is awaited, or what it has when the time is over.
    async fn dump(&self, store: Store, config: &Config) -> anyhow::Result<(AsOf, NamedCells)> {
        let sink = match store {
            Store::Fold => None,
            Store::Redis => set::redis(config)
                .await?
                .map(|store| store as Arc<dyn Sink>),
            Store::Opensearch => {
                let store = set::opensearch(config).await?;
                store.map(|store| store as Arc<dyn Sink>)
            }
        };
        let is_named = sink.is_some() || store == Store::Fold;
        loop {
            let is_over = Instant::now() >= self.until || !is_named;
            // A dump reads every cell: it is made when the store says that it is far enough.
            if is_over || self.is_stored(sink.as_deref()).await {
                match dump(store, config).await {
                    Ok(dump) if is_over || self.is_held(&dump.0) => return Ok(dump),
                    Err(error) if is_over => return Err(error),
                    // A store or a demo that has just started may not have all partitions yet.
                    Ok(_) | Err(_) => {}
                }
            }
            let left = self.until.saturating_duration_since(Instant::now());
            tokio::time::sleep(left.min(POLL)).await;
        }
    }

    /// Whether the store says that it holds what is awaited; of the fold only its dump can tell.
    async fn is_stored(&self, sink: Option<&dyn Sink>) -> bool {
        let Some(sink) = sink else { return true };
        for (partition, end) in (0..).zip(&self.ends) {
            match sink.stored(partition).await {
                Ok(Stored::At(stored)) if stored >= *end => {}
                _ => return false,
            }
        }
        true
    }

    fn is_held(&self, as_of: &AsOf) -> bool {
        let reaches = |(partition, end): (u32, &u64)| {
            let stamp = as_of.partitions.iter().find(|of| of.partition == partition);
            stamp.is_some_and(|stamp| stamp.offset >= *end)
        };
        (0..).zip(&self.ends).all(reaches)
    }
}

fn judge(
    config: &Config,
    store: Store,
    as_of: &AsOf,
    found: &NamedCells,
    oracle: impl Fn(u32) -> Result<Oracle, processor::verify::Error>,
) -> anyhow::Result<Verdict> {
    let log = Log::open_read_only(config)?;
    let mut reader = log.reader(&config.topics().events)?;
    let mut verdict = Verdict::default();
    for stamp in &as_of.partitions {
        let bounds = reader.bounds(stamp.partition)?;
        if bounds.start > 0 {
            bail!(
                "partition {} starts at offset {}: the log was trimmed, and what is gone can't be verified",
                stamp.partition,
                bounds.start
            );
        }
        verdict.log_records += bounds.end;
        if as_of.kind == AsOfKind::AtLeast && bounds.end != stamp.offset {
            verdict.not_comparable.push(format!(
                "partition {} has {} records and the history holds at least {}: wait until it is quiet, as --wait 1m does",
                stamp.partition, bounds.end, stamp.offset
            ));
        }
    }
    verdict.records = as_of.partitions.iter().map(|stamp| stamp.offset).sum();
    if !verdict.not_comparable.is_empty() {
        return Ok(verdict);
    }
    if verdict.records == 0 && verdict.log_records > 0 {
        let reason = "it holds none of the log's records; see that a processor or a demo runs, and give it time with --wait 1m";
        verdict.not_comparable.push(reason.to_owned());
    }
    verdict.records = 0;
    let mut expected = View::default();
    for stamp in &as_of.partitions {
        let oracle = fold(oracle(stamp.partition)?, reader.as_mut(), stamp)?;
        let tallies = oracle.tallies();
        verdict.records += tallies.consumed;
        verdict.applied += tallies.applied;
        verdict.duplicate += tallies.duplicate;
        verdict.late += tallies.late;
        verdict.dead_lettered += tallies.dead_lettered.values().sum::<u64>();
        // Each partition's window ends at its own log time, so that views are added up after it.
        expected.add(match store {
            Store::Redis => oracle.hot_view()?,
            Store::Fold | Store::Opensearch => oracle.view()?,
        });
    }
    let limits_met = expected.limits_met.iter().map(ToString::to_string);
    verdict.not_comparable.extend(limits_met);
    verdict.collisions = expected
        .collisions
        .iter()
        .map(ToString::to_string)
        .collect();
    let found: NamedCells = crate::views::comparable(found)
        .into_iter()
        .map(|(name, value)| (name.clone(), value))
        .collect();
    let Comparison {
        listed,
        differences,
        compared,
    } = compare(&expected.cells, &found);
    verdict.cells = compared;
    verdict.differences = differences;
    verdict.shown = listed.iter().map(ToString::to_string).collect();
    Ok(verdict)
}

fn fold(mut oracle: Oracle, reader: &mut dyn log::Reader, stamp: &Stamp) -> anyhow::Result<Oracle> {
    let mut failed = None;
    reader.read(stamp.partition, 0, stamp.offset, &mut |batch| {
        failed = batch.records().find_map(|record| oracle.take(record).err());
        failed.is_none()
    })?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(oracle),
    }
}

fn print(out: &mut impl Write, verdict: &Verdict) -> std::io::Result<()> {
    let Verdict {
        store,
        records,
        log_records,
        applied,
        duplicate,
        late,
        dead_lettered,
        cells,
        differences,
        ..
    } = verdict;
    if *cells == 0 && !verdict.not_comparable.is_empty() {
        writeln!(
            out,
            "{store}: {records} of {log_records} records; not compared"
        )?;
    } else {
        writeln!(
            out,
            "{store}: {records} of {log_records} records = {applied} applied + {duplicate} duplicate + {late} late + {dead_lettered} dead-lettered; {cells} cells compared, {differences} differ"
        )?;
    }
    let reasons = verdict.not_comparable.iter().chain(&verdict.collisions);
    for line in reasons.chain(&verdict.shown) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use log::NewRecord;
    use prost::Message;
    use schemas::v1::{Event, Kind};
    use views::AsOfKind;

    use super::*;

    /// A log of one partition that holds two visits.
    fn two_visits() -> (tempfile::TempDir, Config) {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            data: folder.path().join("data"),
            ..Config::default()
        };
        config.definition.partitions = 1;
        config.definition.hash_key = "0".repeat(32);
        let events = ["one", "two"].map(|id| Event {
            event_id: id.to_owned(),
            user_id: "u".to_owned(),
            kind: Kind::Visit as i32,
            occurred_at_ms: 1_773_100_800_000,
            ..Event::default()
        });
        let producer = Log::open(&config)
            .unwrap()
            .producer(&config.topics().events)
            .unwrap();
        let record = |event: &Event| NewRecord {
            key: b"u".to_vec(),
            value: event.encode_to_vec(),
            ..NewRecord::default()
        };
        producer
            .append(events.iter().map(record).collect())
            .unwrap();
        (folder, config)
    }

    fn stored(kind: AsOfKind, offset: u64) -> AsOf {
        let stamp = Stamp {
            partition: 0,
            offset,
            log_time: 0,
        };
        AsOf {
            kind,
            partitions: vec![stamp],
        }
    }

    fn printed(verdict: &Verdict) -> String {
        let mut printed = Vec::new();
        print(&mut printed, verdict).unwrap();
        String::from_utf8(printed).unwrap()
    }

    #[test]
    fn a_verdict_says_how_much_of_the_log_a_store_holds_and_none_of_it_is_wrong() {
        let (_folder, config) = two_visits();
        let oracle = |partition| Oracle::new(&config.definition, partition);
        let found = NamedCells::new();
        let judged = |kind, offset| {
            let as_of = stored(kind, offset);
            judge(&config, Store::Redis, &as_of, &found, oracle).unwrap()
        };
        let none = judged(AsOfKind::Exact, 0);
        assert_eq!((none.records, none.log_records), (0, 2));
        assert!(none.not_comparable[0].contains("--wait"), "{none:?}");
        assert!(printed(&none).contains(": 0 of 2 records"));
        let half = judged(AsOfKind::Exact, 1);
        assert_eq!((half.records, half.log_records), (1, 2));
        assert!(half.not_comparable.is_empty(), "{half:?}");
        assert!(printed(&half).contains(": 1 of 2 records = 1 applied"));
        // Rows may be newer than what the history claims: it can't be compared on the way.
        let half = judged(AsOfKind::AtLeast, 1);
        assert_eq!((half.records, half.log_records), (1, 2));
        assert!(half.not_comparable[0].contains("--wait"), "{half:?}");
        assert!(printed(&half).contains(": 1 of 2 records; not compared"));
    }

    #[test]
    fn a_difference_between_ids_of_one_hash_is_reported_with_both_ids() {
        let (_folder, config) = two_visits();
        let as_of = stored(AsOfKind::Exact, 2);
        let oracle = |partition| {
            let oracle = Oracle::new(&config.definition, partition)?;
            Ok(oracle.with_hash(|parts| parts.len() as u64))
        };
        let found = NamedCells::new();
        let mut verdict = judge(&config, Store::Fold, &as_of, &found, oracle).unwrap();
        assert!(verdict.differences > 0);
        for word in ["\"one\"", "\"two\"", "0/0", "0/1"] {
            assert!(verdict.collisions[0].contains(word), "{verdict:?}");
        }
        verdict.shown.clear();
        let printed = printed(&verdict);
        assert!(printed.contains(&verdict.collisions[0]), "{printed}");

        let own = |partition| Oracle::new(&config.definition, partition);
        let verdict = judge(&config, Store::Fold, &as_of, &found, own).unwrap();
        assert!(verdict.collisions.is_empty(), "{verdict:?}");
    }
}
