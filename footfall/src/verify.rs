//! `footfall verify`: folds the log again, independently, and compares every cell with each store.

use std::io::Write;

use anyhow::bail;
use pipeline::row::NamedCells;
use processor::verify::{Comparison, Oracle, View, compare};
use serde::Serialize;
use views::{AsOf, Stamp};

use crate::config::Config;
use crate::set::Log;
use crate::views::{Store, dump};

/// What to verify.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Which stores; by default all that the configuration names, or the fold without any.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub store: Vec<Store>,
    /// Differences to show.
    #[arg(long, default_value_t = 20)]
    pub show: usize,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What one store was found to hold.
#[derive(Debug, Serialize)]
struct Verdict {
    store: String,
    /// Records of the log that the store's cells were compared with.
    records: u64,
    applied: u64,
    duplicate: u64,
    late: u64,
    dead_lettered: u64,
    cells: u64,
    differences: u64,
    shown: Vec<String>,
    /// Why cells can't be compared, where a limit was met.
    not_comparable: Vec<String>,
    /// Ids that the fold takes for others: what differs may do so because of them.
    collisions: Vec<String>,
}

/// Verifies each store; the log is read once for each, up to what that store is as of. So it may go on
/// growing meanwhile, as beside a running demo.
///
/// # Errors
/// When a store or the log can't be read, when the log was trimmed, or when anything differs.
pub async fn run(args: &Args, config: &Config) -> anyhow::Result<()> {
    let mut verdicts = Vec::new();
    for store in stores(args, config) {
        let (as_of, found) = dump(store, config).await?;
        let task_config = config.clone();
        let verdict = tokio::task::spawn_blocking(move || {
            let oracle = |partition| Oracle::new(&task_config.definition, partition);
            judge(&task_config, store, &as_of, &found, oracle)
        });
        let mut verdict = verdict.await??;
        verdict.store = format!("{store:?}").to_lowercase();
        verdict.shown.truncate(args.show);
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

fn judge(
    config: &Config,
    store: Store,
    as_of: &AsOf,
    found: &NamedCells,
    oracle: impl Fn(u32) -> Result<Oracle, processor::verify::Error>,
) -> anyhow::Result<Verdict> {
    let log = Log::open_read_only(config)?;
    let mut reader = log.reader(&config.topics().events)?;
    let mut verdict = Verdict {
        store: String::new(),
        records: 0,
        applied: 0,
        duplicate: 0,
        late: 0,
        dead_lettered: 0,
        cells: 0,
        differences: 0,
        shown: Vec::new(),
        not_comparable: Vec::new(),
        collisions: Vec::new(),
    };
    let mut expected = View::default();
    for stamp in &as_of.partitions {
        let bounds = reader.bounds(stamp.partition)?;
        if bounds.start > 0 {
            bail!(
                "partition {} starts at offset {}: the log was trimmed, and what is gone can't be verified",
                stamp.partition,
                bounds.start
            );
        }
        if as_of.kind == views::AsOfKind::AtLeast && bounds.end != stamp.offset {
            bail!(
                "partition {} has {} records and the history holds at least {}: wait until it is quiet",
                stamp.partition,
                bounds.end,
                stamp.offset
            );
        }
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
    verdict.not_comparable = expected
        .limits_met
        .iter()
        .map(ToString::to_string)
        .collect();
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
        applied,
        duplicate,
        late,
        dead_lettered,
        cells,
        differences,
        ..
    } = verdict;
    writeln!(
        out,
        "{store}: {records} records = {applied} applied + {duplicate} duplicate + {late} late + {dead_lettered} dead-lettered; {cells} cells compared, {differences} differ"
    )?;
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

    #[test]
    fn a_difference_between_ids_of_one_hash_is_reported_with_both_ids() {
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
        drop(producer);
        let as_of = AsOf {
            kind: AsOfKind::Exact,
            partitions: vec![Stamp {
                partition: 0,
                offset: 2,
                log_time: 0,
            }],
        };
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
        let mut printed = Vec::new();
        print(&mut printed, &verdict).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains(&verdict.collisions[0]), "{printed}");

        let own = |partition| Oracle::new(&config.definition, partition);
        let verdict = judge(&config, Store::Fold, &as_of, &found, own).unwrap();
        assert!(verdict.collisions.is_empty(), "{verdict:?}");
    }
}
