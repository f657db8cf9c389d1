//! `footfall verify --live`: reads Redis' image of every partition again and again, then holds each against the log.
//!
//! A look at the end alone would pass a store that was wrong meanwhile: each image says by its offset of what prefix of
//! the log it must be the fold (I3), also in the midst of a failover.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use processor::images::{Image, Prefixes};
use serde::Serialize;
use tokio::task::JoinSet;
use views::redis::Store;

use crate::config::Config;
use crate::set::{self, Log};
use crate::stopping::stop_requested;

/// Images that disagree with the log are listed up to this number; all are counted.
const SHOWN: usize = 20;

/// What was read, and how it ended.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Images read and judged.
    images: u64,
    /// Images a second, all partitions together.
    images_per_second: f64,
    /// Different offsets among them.
    offsets: u64,
    /// Reads that Redis did not answer, or answered that it can't now.
    unanswered: u64,
    /// The longest time in which no partition could be read, seconds.
    longest_gap_seconds: f64,
    /// Times that a partition's offset was below the one read before, as after a failover.
    went_back: u64,
    /// Images that are not the fold of the log up to their offset.
    wrong: u64,
    /// Some of them.
    shown: Vec<String>,
}

/// One image read.
#[derive(Debug, Clone, Copy, Serialize)]
struct Seen {
    /// Milliseconds since the epoch.
    at_ms: u64,
    partition: u32,
    offset: u64,
    /// Log time at the offset, milliseconds since the epoch.
    log_time: i64,
    #[serde(skip)]
    image: Image,
}

/// What to do.
pub struct Live {
    /// How long to read.
    pub time: Duration,
    /// Time between two images of a partition.
    pub every: Duration,
    /// Where each read is written, a JSON object a line.
    pub journal: Option<PathBuf>,
    /// Print one JSON object.
    pub json: bool,
}

/// Reads for the time given or until it is asked to stop, then judges.
///
/// # Errors
/// When an image is wrong, none was read, or the log can't be read from its start.
pub async fn run(live: &Live, config: &Config) -> anyhow::Result<()> {
    let store = set::redis(config).await?;
    let store = store.context("--live reads Redis' images: name it with --redis")?;
    let (seen, mut report) = read(live, config, store).await?;
    ensure!(!seen.is_empty(), "no image could be read in all that time");
    let task_config = config.clone();
    let judged = tokio::task::spawn_blocking(move || judge(&task_config, &seen));
    let (wrong, offsets) = judged.await??;
    report.offsets = offsets;
    report.wrong = wrong.len() as u64;
    report.shown = wrong.into_iter().take(SHOWN).collect();
    let mut out = std::io::stdout().lock();
    if live.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        print(&mut out, &report)?;
    }
    if report.wrong > 0 {
        bail!(
            "{} images are not the fold of the log up to their offset",
            report.wrong
        );
    }
    Ok(())
}

/// Every partition at each tick; a partition whose last read is under way misses the tick.
async fn read(
    live: &Live,
    config: &Config,
    store: Arc<Store>,
) -> anyhow::Result<(Vec<Seen>, Report)> {
    let mut journal = match &live.journal {
        Some(path) => Some(BufWriter::new(
            File::create(path).with_context(|| format!("--journal {}", path.display()))?,
        )),
        None => None,
    };
    let (mut seen, mut report) = (Vec::new(), Report::default());
    let mut last: BTreeMap<u32, u64> = BTreeMap::new();
    let mut under_way: JoinSet<(u32, Result<Seen, views::Error>)> = JoinSet::new();
    let mut idle: BTreeSet<u32> = (0..config.definition.partitions).collect();
    let mut tick = tokio::time::interval(live.every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let stopping = stop_requested();
    tokio::pin!(stopping);
    let start = Instant::now();
    let end = tokio::time::sleep(live.time);
    tokio::pin!(end);
    let mut answered = start;
    loop {
        tokio::select! {
            () = &mut end => break,
            () = &mut stopping => break,
            _ = tick.tick() => for partition in std::mem::take(&mut idle) {
                let store = store.clone();
                under_way.spawn(async move { (partition, image(&store, partition).await) });
            },
            Some(read) = under_way.join_next(), if !under_way.is_empty() => {
                let (partition, image) = read?;
                idle.insert(partition);
                let Ok(image) = image else {
                    report.unanswered += 1;
                    continue;
                };
                report.longest_gap_seconds = report.longest_gap_seconds.max(answered.elapsed().as_secs_f64());
                answered = Instant::now();
                let before = last.insert(partition, image.offset);
                report.went_back += u64::from(before.is_some_and(|before| before > image.offset));
                if let Some(journal) = &mut journal {
                    writeln!(journal, "{}", serde_json::to_string(&image)?)?;
                }
                seen.push(image);
            }
        }
    }
    report.images = seen.len() as u64;
    report.images_per_second = seen.len() as f64 / start.elapsed().as_secs_f64();
    Ok((seen, report))
}

async fn image(store: &Store, partition: u32) -> Result<Seen, views::Error> {
    let (stamp, rows) = store.dump_partition(partition).await?;
    let at = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(Seen {
        at_ms: at.map_or(0, |at| at.as_millis() as u64),
        partition,
        offset: stamp.offset,
        log_time: stamp.log_time,
        image: Image::of(rows.iter().map(|(key, row)| (key, row))),
    })
}

/// The images of one partition by their offsets.
type ByOffset = BTreeMap<u64, Vec<Seen>>;

/// The images that are wrong, and how many offsets there were.
fn judge(config: &Config, seen: &[Seen]) -> anyhow::Result<(Vec<String>, u64)> {
    let log = Log::open_read_only(config)?;
    let mut reader = log.reader(&config.topics().events)?;
    let definition = Arc::new(config.definition.clone());
    let mut partitions: BTreeMap<u32, ByOffset> = BTreeMap::new();
    for image in seen {
        let offsets = partitions.entry(image.partition).or_default();
        offsets.entry(image.offset).or_default().push(*image);
    }
    let offsets = partitions
        .values()
        .map(|offsets| offsets.len() as u64)
        .sum();
    let mut wrong = Vec::new();
    for (partition, images) in partitions {
        ensure!(
            reader.bounds(partition)?.start == 0,
            "partition {partition} was trimmed: what is gone can't be verified"
        );
        let prefixes = Prefixes::new(definition.clone(), partition)?;
        judge_partition(reader.as_mut(), partition, prefixes, images, &mut wrong)?;
    }
    Ok((wrong, offsets))
}

/// Reads the partition once, and stops at each offset that an image was read at.
fn judge_partition(
    reader: &mut dyn log::Reader,
    partition: u32,
    mut prefixes: Prefixes,
    mut images: ByOffset,
    wrong: &mut Vec<String>,
) -> anyhow::Result<()> {
    let end = images.last_key_value().map_or(0, |(offset, _)| *offset);
    let mut compare = |prefixes: &mut Prefixes, images: Vec<Seen>| {
        let expected = prefixes.image();
        for Seen {
            image,
            offset,
            at_ms,
            ..
        } in images.into_iter().filter(|of| of.image != expected)
        {
            wrong.push(format!(
                "partition {partition} at offset {offset}: {} rows of digest {:016x}, the log gives {} of {:016x} (read at {at_ms} ms)",
                image.rows, image.digest, expected.rows, expected.digest
            ));
        }
    };
    reader.read(partition, 0, end, &mut |batch| {
        for record in batch.records() {
            while let Some(next) = images
                .first_entry()
                .filter(|next| *next.key() <= record.offset)
            {
                compare(&mut prefixes, next.remove());
            }
            prefixes.take(record);
        }
        true
    })?;
    images
        .into_values()
        .for_each(|images| compare(&mut prefixes, images));
    Ok(())
}

fn print(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    writeln!(
        out,
        "redis: {} images at {} offsets, {:.1} a second, {} wrong; {} reads unanswered, longest time without an answer {:.1} s; the offset went back {} times",
        report.images,
        report.offsets,
        report.images_per_second,
        report.wrong,
        report.unanswered,
        report.longest_gap_seconds,
        report.went_back,
    )?;
    report
        .shown
        .iter()
        .try_for_each(|line| writeln!(out, "  {line}"))
}
