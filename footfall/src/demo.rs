//! `footfall demo`: the whole of it in one process, with nothing to install.
//!
//! The shipped access log is imported beside generated traffic dated now; the fold's views are
//! served with the page. What it holds stays in the data folder; running it again goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use pipeline::cell::Kind;
use pipeline::device::DeviceClass;
use processor::{Parts, Processor};
use serde::Serialize;
use views::{Answer, Question, Views};

use crate::config::Config;
use crate::generate::{self, Traffic};
use crate::length::length;
use crate::replay;
use crate::running;
use crate::set::{self, Log};
use crate::status::process::Process;
use crate::stopping::stop_requested;
use crate::{enters, gateway};

/// 10,000 requests to a public site in May 2015; source and licence in `data/README.md`.
const SAMPLE: &[u8] = include_bytes!("../data/access-2015-05.log");
/// Time the fold may take to catch up before the summary is made.
const CATCH_UP: Duration = Duration::from_secs(180);

/// How the demo runs.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// End by itself after so long, for example 20s or 2m.
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    pub length: Option<Duration>,
    /// Print the summary as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Generated events a second; 0 generates none.
    #[arg(long, default_value_t = 50.0)]
    pub rate: f64,
    /// Don't import the access log.
    #[arg(long)]
    pub no_import: bool,
}

/// What the demo did.
#[derive(Debug, Serialize)]
struct Summary {
    /// Records consumed, and how they ended.
    consumed: u64,
    applied: u64,
    duplicate: u64,
    late: u64,
    dead_lettered: u64,
    /// Applied events by kind, bots' among them.
    events: Counts,
    /// Applied events by device class; `bot` is one.
    devices: Counts,
    /// Distinct people; bots are none.
    people: usize,
    /// What became of each line of the sample, if it was imported.
    import: Option<Import>,
    /// The view digest: equal wherever the same events were folded.
    digest: String,
    /// The definition of the views.
    definition: String,
}

/// Events by label.
type Counts = BTreeMap<&'static str, u64>;

/// The lines of the sample: those that became events, and the others by reason.
#[derive(Debug, Serialize)]
struct Import {
    lines: u64,
    events: u64,
    skipped: Counts,
}

impl Import {
    fn of(summary: &replay::Summary) -> Self {
        let files = &summary.files;
        let skipped = |reason: &str| {
            let of = |file: &replay::FileSummary| file.skipped.get(reason).copied();
            files.iter().filter_map(of).sum()
        };
        Self {
            lines: files.iter().map(|file| file.lines).sum(),
            events: files.iter().map(replay::FileSummary::imported).sum(),
            skipped: replay::Skip::ALL
                .map(|skip| (skip.as_str(), skipped(skip.as_str())))
                .into(),
        }
    }
}

/// Runs until Ctrl-C, SIGTERM, or the time given.
///
/// # Errors
/// When the data folder is held by another process, or the address is taken.
pub async fn run(args: &Args, config: Config) -> anyhow::Result<()> {
    let listener = web::Listener::open(&config.listener()).await?;
    let dumps = web::Listener::open(&running::loopback()).await?;
    let seats = web::Listener::open(&beside(&config)).await?;
    let log = Arc::new(Log::open(&config)?);
    let Log::Embedded(embedded) = log.as_ref() else {
        anyhow::bail!(
            "`footfall demo` uses the embedded log; leave out --kafka (`footfall process` works on Kafka)"
        );
    };
    let topics = config.topics();
    let parts = Parts {
        reader: log.reader(&topics.events)?,
        dead_letters: log.producer(&topics.dead_letters)?,
        hot: None,
        history: None,
        snapshots: set::snapshots(&config)?,
        runtime: tokio::runtime::Handle::current(),
    };
    let stopping = stop_requested();
    let processor = Processor::start(set::settings(&config), parts, |positions| {
        embedded.consumer(&topics.events, positions)
    })?;
    let (gateway, following) = gateway::of_demo(&config, &log)?;
    let emitter = enters::of_demo(&config, embedded)?;
    tracing::info!(
        "open {}://{} in a browser, and http://{} to give seats; Ctrl-C ends it",
        listener.scheme(),
        listener.address()?,
        seats.address()?
    );
    let stop = Arc::new(AtomicBool::new(false));
    let traffic = traffic(args, &config, log.clone(), stop.clone());
    let views: Arc<dyn Views> = Arc::new(processor.views());
    let state = api::State::new(views.clone(), Arc::new(config.definition.clone()))?
        .with_metrics(Arc::new(telemetry::metrics::render))
        .with_guard(listener.guard());
    let dump_path = running::dump_path();
    let dump = api::dump_router(&dump_path, views, &config.definition);
    let (status, definition) = (processor.status(), config.definition.id());
    let said: web::Status = Arc::new(move || {
        serde_json::to_value(Process::of(&definition, &status)).unwrap_or_default()
    });
    let dump = dump.merge(web::status_router(
        &running::status_path(&dump_path),
        said,
        &dumps.guard(),
    ));
    let announced = running::announce(&config.data, dumps.address()?, &dump_path)?;
    let length = args.length;
    let until = async move {
        match length {
            Some(length) => tokio::select! {
                () = stopping => {}
                () = tokio::time::sleep(length) => {}
            },
            None => stopping.await,
        }
    };
    // A stream that a browser holds open must not keep the demo from ending.
    let served = tokio::spawn(listener.serve(api::router(state), std::future::pending()));
    let dumped = tokio::spawn(dumps.serve(dump, std::future::pending()));
    let given = tokio::spawn(seats.serve(entry::router(gateway), std::future::pending()));
    until.await;
    given.abort();
    stop.store(true, Ordering::Relaxed);
    let imported = traffic.await?.context("the demo's traffic")?;
    // Who was admitted is to be counted, too.
    tokio::task::spawn_blocking(move || emitter.stop()).await?;
    drop(following);
    let summary = summarise(&processor, log.as_ref(), &config, imported.as_ref()).await?;
    drop(announced);
    served.abort();
    dumped.abort();
    tokio::task::spawn_blocking(move || processor.stop()).await?;
    print(&summary, args.json)
}

/// Where seats are given: beside the page, on this machine alone.
fn beside(config: &Config) -> web::Settings {
    let port = config.listen.port;
    web::Settings {
        port: port.checked_add(u16::from(port > 0)).unwrap_or(0),
        ..running::loopback()
    }
}

/// Imports the sample, then generates until told to stop, on a thread of its own. What became of the sample's lines.
fn traffic(
    args: &Args,
    config: &Config,
    log: Arc<Log>,
    stop: Arc<AtomicBool>,
) -> tokio::task::JoinHandle<anyhow::Result<Option<replay::Summary>>> {
    let (args, data) = (args.clone(), config.data.clone());
    let (events, partitions) = (config.topics().events, config.definition.partitions);
    tokio::task::spawn_blocking(move || {
        let producer = log.producer(&events)?;
        let mut imported = None;
        if !args.no_import {
            let import = replay::Args {
                files: vec![sample(&data)?],
                format: replay::Format::AccessLog,
                rules: None,
                site: Vec::new(),
                yes: false,
                dry_run: false,
            };
            imported = Some(replay::run(&import, Some(producer.as_ref()))?);
        }
        if args.rate > 0.0 {
            let traffic = Traffic {
                seed: rand::random(),
                count: u64::MAX,
                rate: Some(args.rate),
                ..Traffic::default()
            };
            generate::to_log(&traffic, producer.as_ref(), partitions, &stop)?;
        }
        Ok(imported)
    })
}

/// The sample as a file, for the import reads files.
fn sample(data: &std::path::Path) -> anyhow::Result<PathBuf> {
    let path = data.join("access-2015-05.log");
    if !path.exists() {
        std::fs::write(&path, SAMPLE).with_context(|| path.display().to_string())?;
    }
    Ok(path)
}

/// Waits until everything appended is folded, and sums up.
async fn summarise(
    processor: &Processor,
    log: &Log,
    config: &Config,
    imported: Option<&replay::Summary>,
) -> anyhow::Result<Summary> {
    let mut reader = log.reader(&config.topics().events)?;
    let start = Instant::now();
    let views = processor.views();
    let (partitions, cells) = loop {
        let partitions = processor.status().partitions();
        let mut behind = 0;
        for partition in 0..config.definition.partitions {
            let next = partitions.get(&partition).map_or(0, |of| of.next_offset);
            behind += reader.bounds(partition)?.end.saturating_sub(next);
        }
        if behind == 0 {
            match views.dump().await {
                // A demo that is stopped as soon as it runs has not taken every partition yet.
                Err(views::Error::Incomplete { .. }) => {}
                dumped => break (partitions, dumped?.1),
            }
        }
        if start.elapsed() > CATCH_UP {
            anyhow::bail!("{behind} records are still not folded after {CATCH_UP:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let (events, devices) = events(&views.ask(&Question::Campaigns).await?);
    let sum = |count: fn(&pipeline::state::Tally) -> u64| -> u64 {
        partitions.values().map(|of| count(&of.tally)).sum()
    };
    Ok(Summary {
        consumed: sum(|tally| tally.consumed),
        applied: sum(|tally| tally.applied),
        duplicate: sum(|tally| tally.duplicate),
        late: sum(|tally| tally.late),
        dead_lettered: sum(pipeline::state::Tally::all_dead_lettered),
        events,
        devices,
        people: partitions.values().map(|of| of.users).sum(),
        import: imported.map(Import::of),
        digest: crate::views::digest(&cells),
        definition: config.definition.id(),
    })
}

/// Events of all campaigns, by kind and by device class.
fn events(answer: &Answer) -> (Counts, Counts) {
    let mut kinds: Counts = Kind::ALL.map(|kind| (kind.as_str(), 0)).into();
    let mut devices: Counts = DeviceClass::ALL.map(|class| (class.as_str(), 0)).into();
    for (cell, count) in answer.scopes.values().flat_map(|of| &of.counts.cells) {
        *kinds.entry(cell.kind.as_str()).or_default() += count;
        *devices.entry(cell.device.as_str()).or_default() += count;
    }
    (kinds, devices)
}

fn print(summary: &Summary, json: bool) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(summary)?)?;
        return Ok(());
    }
    write!(out, "{summary}")?;
    Ok(())
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            consumed,
            applied,
            duplicate,
            late,
            dead_lettered,
            events,
            devices,
            people,
            import,
            digest,
            definition: _,
        } = self;
        writeln!(
            f,
            "{consumed} records = {applied} applied + {duplicate} duplicate + {late} late + {dead_lettered} dead-lettered"
        )?;
        let kinds = Kind::ALL.map(Kind::as_str);
        writeln!(f, "events: {}", listed(events, &kinds, " · "))?;
        let classes = DeviceClass::ALL.map(DeviceClass::as_str);
        writeln!(f, "devices: {}", listed(devices, &classes, " · "))?;
        writeln!(f, "{people} people")?;
        if let Some(import) = import {
            let reasons = replay::Skip::ALL.map(replay::Skip::as_str);
            writeln!(
                f,
                "{} lines imported = {} events + {}",
                import.lines,
                import.events,
                listed(&import.skipped, &reasons, " + ")
            )?;
        }
        writeln!(f, "view digest {digest}")
    }
}

/// `3 visit · 1 click …`, in the order of the labels.
fn listed(counts: &Counts, labels: &[&str], between: &str) -> String {
    let count = |label: &&str| format!("{} {label}", counts.get(label).copied().unwrap_or(0));
    labels.iter().map(count).collect::<Vec<_>>().join(between)
}
