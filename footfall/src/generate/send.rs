//! Generated records on their way to the log or a file, at the rate asked for.
//!
//! Records are made on one thread and appended on another, a few batches apart; the journal of the report counts
//! records that were acknowledged, all of them or none: an error has no report.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use log::{NewRecord, Producer};
use serde::Serialize;

use super::file::Format;
use super::generator::Generator;
use super::journal::Journal;
use super::options::Traffic;

/// Most records appended together.
const BATCH: usize = 10_000;
/// How often a rate is kept, a second.
const TURNS_PER_SECOND: f64 = 20.0;
/// Below this share of its rate, a report says so.
const NEARLY: f64 = 0.95;
/// Batches made ahead of the log.
const AHEAD: usize = 2;
/// A file has no partitions and no headers, so their number decides nothing.
const NO_PARTITIONS: u32 = 1;
/// Bytes written to a file at a time.
const FILE_BUFFER: usize = 1 << 20;
/// The longest sleep before looking whether to stop.
const NAP: Duration = Duration::from_millis(100);

/// What was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The traffic's name: its event ids begin with it.
    pub stream: String,
    /// The seed.
    pub seed: u64,
    /// How long it took, seconds.
    pub seconds: f64,
    /// Records a second.
    pub per_second: f64,
    /// The rate asked for, records a second.
    pub rate: Option<f64>,
    /// What was made, and what must become of it.
    pub journal: Journal,
}

/// Appends the traffic to a topic of so many partitions, until it is all there or `stop` is set.
///
/// # Errors
/// When the log doesn't take records; those before may be in it.
pub fn to_log(
    traffic: &Traffic,
    producer: &dyn Producer,
    partitions: u32,
    stop: &AtomicBool,
) -> anyhow::Result<Report> {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let (batches, made) = mpsc::sync_channel::<Vec<NewRecord>>(AHEAD);
        let sender = scope.spawn(move || {
            made.into_iter()
                .try_for_each(|batch| producer.append(batch).map(drop))
        });
        let generator = paced(traffic, partitions, stop, |batch| {
            // The log has failed when nobody takes the batch: its error is told below.
            Ok(batches.send(batch).is_ok())
        });
        drop(batches);
        match sender.join() {
            Ok(sent) => sent.context("the log did not take generated records")?,
            Err(_) => bail!("the thread that appends to the log ended early; this is a defect"),
        }
        Ok(Report::new(traffic, &generator?, begun))
    })
}

/// Writes the traffic's events to a file, until they are all there or `stop` is set.
///
/// # Errors
/// When the file can't be written, or bad records are asked for in JSON, which can't hold them.
pub fn to_file(
    traffic: &Traffic,
    path: &Path,
    format: Format,
    stop: &AtomicBool,
) -> anyhow::Result<Report> {
    if format == Format::Json && traffic.bad > 0.0 {
        bail!(
            "--format json can't hold records that must be refused; add --bad 0, or write --format protobuf"
        );
    }
    let name = path.display();
    let file =
        File::create(path).with_context(|| format!("--output {name}: the file can't be made"))?;
    let broken_off = || format!("--output {name}: writing broke off");
    let mut output = BufWriter::with_capacity(FILE_BUFFER, file);
    let begun = Instant::now();
    let generator = paced(traffic, NO_PARTITIONS, stop, |batch| {
        for record in &batch {
            format.write(&mut output, &record.value)?;
        }
        Ok(true)
    })
    .with_context(broken_off)?;
    output.flush().with_context(broken_off)?;
    Ok(Report::new(traffic, &generator, begun))
}

/// Makes the traffic in batches at its rate; `send` says whether to go on. After a slow batch the next is larger.
fn paced(
    traffic: &Traffic,
    partitions: u32,
    stop: &AtomicBool,
    mut send: impl FnMut(Vec<NewRecord>) -> std::io::Result<bool>,
) -> anyhow::Result<Generator> {
    let mut generator = Generator::new(traffic, partitions, now_ms());
    let bar = progress(traffic.count);
    let mut begun = None;
    while !stop.load(Ordering::Relaxed) {
        let mut batch = BATCH;
        if let Some(rate) = traffic.rate {
            let first = *begun.get_or_insert_with(Instant::now);
            let made = generator.made() as f64;
            if !wait_until(first + Duration::from_secs_f64(made / rate), stop) {
                break;
            }
            let turn = rate / TURNS_PER_SECOND;
            let missed = match generator.made() {
                0 => 0.0,
                _ => first.elapsed().as_secs_f64() * rate - made,
            };
            batch = ((turn + missed) as usize).clamp(1, BATCH);
        }
        generator.set_now(now_ms());
        let records: Vec<_> = generator
            .by_ref()
            .take(batch)
            .map(|generated| generated.record)
            .collect();
        let count = records.len() as u64;
        if count == 0 || !send(records)? {
            break;
        }
        bar.inc(count);
    }
    bar.finish_and_clear();
    Ok(generator)
}

/// Waits; false when `stop` was set meanwhile.
fn wait_until(due: Instant, stop: &AtomicBool) -> bool {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if stop.load(Ordering::Relaxed) || left.is_zero() {
            return left.is_zero();
        }
        std::thread::sleep(left.min(NAP));
    }
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A bar on stderr; indicatif hides it where stderr is no terminal.
fn progress(records: u64) -> ProgressBar {
    let bar = ProgressBar::new(records);
    if let Ok(style) =
        ProgressStyle::with_template("[{bar:30}] {human_pos}/{human_len} records, {per_sec} {eta}")
    {
        bar.set_style(style);
    }
    bar
}

impl Report {
    /// Of traffic that is all written by now.
    fn new(traffic: &Traffic, generator: &Generator, begun: Instant) -> Self {
        let seconds = begun.elapsed().as_secs_f64();
        Self {
            stream: generator.stream().to_owned(),
            seed: traffic.seed,
            seconds,
            per_second: generator.made() as f64 / seconds.max(f64::EPSILON),
            rate: traffic.rate,
            journal: generator.journal(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let journal = &self.journal;
        writeln!(
            f,
            "stream {} of seed {}: {} records in {:.1} s, {:.0} a second",
            self.stream, self.seed, journal.records, self.seconds, self.per_second
        )?;
        if let Some(rate) = self.rate.filter(|rate| self.per_second < rate * NEARLY) {
            writeln!(
                f,
                "  slower than the {rate:.0} a second asked for: the log took no more"
            )?;
        }
        writeln!(
            f,
            "  {:>9} to be applied, {} of them late, {} of crawlers, of {} people",
            journal.applied, journal.late, journal.bots, journal.people
        )?;
        for (kind, count) in &journal.kinds {
            writeln!(f, "  {count:>9} {kind}")?;
        }
        writeln!(f, "  {:>9} duplicates", journal.duplicates)?;
        for (reason, count) in &journal.bad {
            writeln!(f, "  {count:>9} to be refused: {reason}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use log::Appended;
    use prost::Message;
    use schemas::v1::Event;

    use super::*;

    #[derive(Default)]
    struct Memory {
        batches: Mutex<Vec<Vec<NewRecord>>>,
        /// After so many batches the log is gone.
        takes: Option<usize>,
    }

    impl Producer for Memory {
        fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, log::Error> {
            let mut batches = self.batches.lock().unwrap();
            if self.takes.is_some_and(|takes| batches.len() >= takes) {
                return Err(log::Error::Transient("it is gone".to_owned()));
            }
            batches.push(records);
            Ok(Vec::new())
        }
    }

    fn traffic(count: u64) -> Traffic {
        Traffic {
            count,
            bad: 0.0,
            from: Some(Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(400_000)),
            ..Traffic::default()
        }
    }

    #[test]
    fn the_log_gets_every_record_in_order() {
        let memory = Memory::default();
        let traffic = traffic(25_000);
        let report = to_log(&traffic, &memory, 4, &AtomicBool::new(false)).unwrap();
        let sent: Vec<_> = memory.batches.into_inner().unwrap().concat();
        assert_eq!(report.journal.records, 25_000);
        assert_eq!(sent.len(), 25_000);
        let mut ids: Vec<_> = sent
            .iter()
            .map(|record| Event::decode(record.value.as_slice()).unwrap().event_id)
            .collect();
        assert!(ids.iter().all(|id| id.starts_with(&report.stream)));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len() as u64, report.journal.applied);
    }

    #[test]
    fn a_log_that_goes_away_is_an_error_and_a_stop_a_short_report() {
        let gone = Memory {
            takes: Some(1),
            ..Memory::default()
        };
        let error = to_log(&traffic(100_000), &gone, 4, &AtomicBool::new(false)).unwrap_err();
        assert!(format!("{error:#}").contains("it is gone"));
        let report = to_log(
            &traffic(100_000),
            &Memory::default(),
            4,
            &AtomicBool::new(true),
        )
        .unwrap();
        assert_eq!(report.journal.records, 0);
    }

    #[test]
    fn a_rate_sends_small_batches() {
        let memory = Memory::default();
        let traffic = Traffic {
            rate: Some(2000.0),
            ..traffic(500)
        };
        to_log(&traffic, &memory, 1, &AtomicBool::new(false)).unwrap();
        let batches = memory.batches.into_inner().unwrap();
        assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 500);
        assert_eq!(batches[0].len(), 100);
    }

    #[test]
    fn what_a_slow_log_missed_is_made_up_for() {
        /// Takes as long for each call, whatever it carries.
        struct Slow(Memory);
        impl Producer for Slow {
            fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, log::Error> {
                std::thread::sleep(Duration::from_millis(200));
                self.0.append(records)
            }
        }
        let slow = Slow(Memory::default());
        let traffic = Traffic {
            rate: Some(20_000.0),
            ..traffic(20_000)
        };
        let report = to_log(&traffic, &slow, 1, &AtomicBool::new(false)).unwrap();
        let batches = slow.0.batches.into_inner().unwrap();
        // 1,000 are a turn's; twenty such calls would take four times as long as the rate allows.
        assert!(batches.len() <= 10, "{} batches", batches.len());
        assert_eq!(report.journal.records, 20_000);
        let waited = Duration::from_millis(200) * batches.len() as u32;
        assert!(report.seconds >= waited.as_secs_f64());
    }

    #[test]
    fn a_file_holds_every_event_in_either_format_and_json_no_bad_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        to_file(
            &traffic(300),
            &path,
            Format::Protobuf,
            &AtomicBool::new(false),
        )
        .unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (mut rest, mut events) = (bytes.as_slice(), 0);
        while !rest.is_empty() {
            Event::decode_length_delimited(&mut rest).unwrap();
            events += 1;
        }
        assert_eq!(events, 300);
        to_file(&traffic(300), &path, Format::Json, &AtomicBool::new(false)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 300);
        let bad = Traffic {
            bad: 0.1,
            ..traffic(300)
        };
        let error = to_file(&bad, &path, Format::Json, &AtomicBool::new(false)).unwrap_err();
        assert!(error.to_string().contains("--bad 0"));
    }
}
