//! `footfall demo`: the whole of it in one process, with nothing to install.
//!
//! The shipped access log is imported beside generated traffic dated now; the fold's views are
//! served with the page. What it holds stays in the data folder; running it again goes on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use processor::{Parts, Processor};
use serde::Serialize;
use views::Views;

use crate::config::Config;
use crate::generate::{self, Traffic};
use crate::process::stop_requested;
use crate::replay;
use crate::running;
use crate::set::{self, Log};

/// 10,000 requests to a public site in May 2015; source and licence in `data/README.md`.
const SAMPLE: &[u8] = include_bytes!("../data/access-2015-05.log");
/// Time the fold may take to catch up before the summary is made.
const CATCH_UP: Duration = Duration::from_secs(60);

/// How the demo runs.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// End by itself after so long, for example 20s or 2m.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
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

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "a time is a number with a unit, such as 20s or 2m".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "a time is not negative".to_owned())
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
    /// Distinct people.
    people: usize,
    /// The view digest: equal wherever the same events were folded.
    digest: String,
    /// The definition of the views.
    definition: String,
}

/// Runs until Ctrl-C, SIGTERM, or the time given.
///
/// # Errors
/// When the data folder is held by another process, or the address is taken.
pub async fn run(args: &Args, config: Config) -> anyhow::Result<()> {
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
        runtime: tokio::runtime::Handle::current(),
    };
    let processor = Processor::start(set::settings(&config), parts, |positions| {
        embedded.consumer(&topics.events, positions)
    })?;
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .with_context(|| {
            format!(
                "--listen {}: choose another address, for example 127.0.0.1:0",
                config.listen
            )
        })?;
    let address = listener.local_addr()?;
    tracing::info!("open http://{address} in a browser; Ctrl-C ends it");
    let stop = Arc::new(AtomicBool::new(false));
    let traffic = traffic(args, &config, log.clone(), stop.clone());
    let views: Arc<dyn Views> = Arc::new(processor.views());
    let state = api::State::new(views.clone(), Arc::new(config.definition.clone()))?
        .with_metrics(Arc::new(telemetry::metrics::render));
    let dump_path = running::dump_path();
    let dump = api::dump_router(&dump_path, views, &config.definition);
    let announced = running::announce(&config.data, address, &dump_path)?;
    let length = args.length;
    let until = async move {
        match length {
            Some(length) => tokio::select! {
                () = stop_requested() => {}
                () = tokio::time::sleep(length) => {}
            },
            None => stop_requested().await,
        }
    };
    // A stream that a browser holds open must not keep the demo from ending.
    let served = tokio::spawn(api::serve(
        listener,
        api::router(state).merge(dump),
        std::future::pending(),
    ));
    until.await;
    stop.store(true, Ordering::Relaxed);
    traffic.await?.context("the demo's traffic")?;
    let summary = summarise(&processor, log.as_ref(), &config).await?;
    drop(announced);
    served.abort();
    tokio::task::spawn_blocking(move || processor.stop()).await?;
    print(&summary, args.json)
}

/// Imports the sample, then generates until told to stop, on a thread of its own.
fn traffic(
    args: &Args,
    config: &Config,
    log: Arc<Log>,
    stop: Arc<AtomicBool>,
) -> tokio::task::JoinHandle<anyhow::Result<()>> {
    let (args, data) = (args.clone(), config.data.clone());
    let (events, partitions) = (config.topics().events, config.definition.partitions);
    tokio::task::spawn_blocking(move || {
        let producer = log.producer(&events)?;
        if !args.no_import {
            let import = replay::Args {
                files: vec![sample(&data)?],
                format: replay::Format::AccessLog,
                rules: None,
                site: Vec::new(),
                yes: false,
                dry_run: false,
            };
            replay::run(&import, Some(producer.as_ref()))?;
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
        Ok(())
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
async fn summarise(processor: &Processor, log: &Log, config: &Config) -> anyhow::Result<Summary> {
    let mut reader = log.reader(&config.topics().events)?;
    let start = Instant::now();
    let partitions = loop {
        let partitions = processor.status().partitions();
        let mut behind = 0;
        for partition in 0..config.definition.partitions {
            let next = partitions.get(&partition).map_or(0, |of| of.next_offset);
            behind += reader.bounds(partition)?.end.saturating_sub(next);
        }
        if behind == 0 {
            break partitions;
        }
        if start.elapsed() > CATCH_UP {
            anyhow::bail!("{behind} records are still not folded after {CATCH_UP:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let (_, cells) = processor.views().dump().await?;
    let sum = |count: fn(&pipeline::state::Tally) -> u64| -> u64 {
        partitions.values().map(|of| count(&of.tally)).sum()
    };
    Ok(Summary {
        consumed: sum(|tally| tally.consumed),
        applied: sum(|tally| tally.applied),
        duplicate: sum(|tally| tally.duplicate),
        late: sum(|tally| tally.late),
        dead_lettered: sum(pipeline::state::Tally::all_dead_lettered),
        people: partitions.values().map(|of| of.users).sum(),
        digest: crate::views::digest(&cells),
        definition: config.definition.id(),
    })
}

fn print(summary: &Summary, json: bool) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(summary)?)?;
        return Ok(());
    }
    let Summary {
        consumed,
        applied,
        duplicate,
        late,
        dead_lettered,
        people,
        digest,
        ..
    } = summary;
    writeln!(
        out,
        "{consumed} records = {applied} applied + {duplicate} duplicate + {late} late + {dead_lettered} dead-lettered\n{people} people\nview digest {digest}"
    )?;
    Ok(())
}
