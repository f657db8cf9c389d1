//! `footfall verify`: folds the log again, independently, and compares every cell with each store.

use std::io::Write;

use anyhow::bail;
use pipeline::definition::Definition;
use pipeline::row::NamedCells;
use processor::verify::{Comparison, Oracle, View, compare};
use serde::Serialize;
use views::AsOf;

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
        let verdict = tokio::task::spawn_blocking(move || judge(&task_config, &as_of, &found));
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

fn judge(config: &Config, as_of: &AsOf, found: &NamedCells) -> anyhow::Result<Verdict> {
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
        let oracle = fold(
            &config.definition,
            reader.as_mut(),
            stamp.partition,
            stamp.offset,
        )?;
        let tallies = oracle.tallies();
        verdict.records += tallies.consumed;
        verdict.applied += tallies.applied;
        verdict.duplicate += tallies.duplicate;
        verdict.late += tallies.late;
        verdict.dead_lettered += tallies.dead_lettered.values().sum::<u64>();
        expected.add(oracle.view()?);
    }
    verdict.not_comparable = expected
        .limits_met
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

fn fold(
    definition: &Definition,
    reader: &mut dyn log::Reader,
    partition: u32,
    to: u64,
) -> anyhow::Result<Oracle> {
    let mut oracle = Oracle::new(definition, partition)?;
    let mut failed = None;
    reader.read(partition, 0, to, &mut |batch| {
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
    for line in verdict.not_comparable.iter().chain(&verdict.shown) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}
