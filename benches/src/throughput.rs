//! Events a second through the whole of the processor, beside what consuming alone costs.
//!
//! One topic is filled with generated traffic; then, one after the other and each from offset 0: poll and throw away,
//! poll and decode, the processor without stores, the processor with Redis. All in one run, so
//! that the ratios mean something whatever the machine.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use footfall::config::Config;
use footfall::generate::{self, Traffic};
use footfall::set::{self, Log};
use log::kafka::topics::{Keeps, Layout, create};
use log::{Consumer, Delivery, NoStart, Positions};
use processor::{Parts, Processor};
use prost::Message;
use schemas::v1;
use views::Sink;

use crate::machine;

/// What to measure on.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Kafka's brokers.
    #[arg(long, env = "FOOTFALL_KAFKA")]
    kafka: String,
    /// Redis.
    #[arg(long, env = "FOOTFALL_REDIS")]
    redis: String,
    /// Events to generate.
    #[arg(long, default_value_t = 5_000_000)]
    events: u64,
    /// Users.
    #[arg(long, default_value_t = 1_000_000)]
    users: u32,
    /// Campaigns.
    #[arg(long, default_value_t = 100)]
    campaigns: u16,
    /// Partitions.
    #[arg(long, default_value_t = 4)]
    partitions: u32,
    /// Share of events that must be refused.
    #[arg(long, default_value_t = 0.001)]
    bad: f64,
    /// How often to measure each; the best is shown beside the worst.
    #[arg(long, default_value_t = 2)]
    rounds: u32,
}

/// One measurement.
struct Figure {
    what: &'static str,
    seconds: f64,
    cpu: f64,
    resident_mib: u64,
}

struct Start;

impl Positions for Start {
    fn start(&self, _: u32) -> Result<u64, NoStart> {
        Ok(0)
    }
}

/// Fills a topic, measures, prints.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut config = Config::default();
    config.log.brokers.clone_from(&args.kafka);
    config.log.topic_prefix = format!("bench{:08x}-", rand::random::<u32>());
    config.log.development = true;
    config.redis.url.clone_from(&args.redis);
    config.definition.partitions = args.partitions;
    config.definition.hash_key = format!("{:032x}", rand::random::<u128>());
    let load_before = machine::load();
    let records = fill(args, &config)?;
    let mut figures = Vec::new();
    for _ in 0..args.rounds.max(1) {
        figures.push(consume("poll, throw away", &config, records, |_| {})?);
        let mut event = v1::Event::default();
        figures.push(consume("poll, decode", &config, records, |value| {
            event.clear();
            // Bad records are among them; what they cost is part of it.
            let _ = event.merge(value);
        })?);
        figures.push(process("processor, no store", &config, records, false)?);
        config.definition.hash_key = format!("{:032x}", rand::random::<u128>());
        figures.push(process("processor, Redis", &config, records, true)?);
    }
    print(args, records, &load_before, &figures);
    Ok(())
}

fn fill(args: &Args, config: &Config) -> anyhow::Result<u64> {
    let topics = config.topics();
    for topic in [&topics.events, &topics.dead_letters] {
        let layout = Layout {
            partitions: args.partitions,
            replication: 1,
            min_insync_replicas: 1,
            max_message_bytes: 2 << 20,
            keeps: Keeps::Everything,
        };
        create(&config.kafka(), topic, layout)?;
    }
    let traffic = Traffic {
        count: args.events,
        users: args.users,
        campaigns: args.campaigns,
        bad: args.bad,
        days: Some(7),
        ..Traffic::default()
    };
    let producer = Log::open(config)?.producer(&topics.events)?;
    let never = AtomicBool::new(false);
    let report = generate::to_log(&traffic, producer.as_ref(), args.partitions, &never)?;
    machine::progress(format_args!(
        "generated {} records at {:.0}/s",
        report.journal.records, report.per_second
    ));
    Ok(report.journal.records)
}

fn consume(
    what: &'static str,
    config: &Config,
    records: u64,
    mut take: impl FnMut(&[u8]),
) -> anyhow::Result<Figure> {
    let group = format!("bench{:08x}", rand::random::<u32>());
    let topic = config.topics().events;
    let mut consumer =
        log::kafka::Consumer::join(&config.kafka(), &group, &topic, Arc::new(Start))?;
    let (mut seen, mut start, mut cpu) = (0, None, 0.0);
    while seen < records {
        for delivery in consumer.poll(Duration::from_millis(100))? {
            if let Delivery::Batch(batch) = delivery {
                start.get_or_insert_with(|| {
                    cpu = machine::cpu_seconds();
                    Instant::now()
                });
                seen += batch.len() as u64;
                batch.records().for_each(|record| take(record.value));
            }
        }
    }
    let seconds = start.map_or(0.0, |start| start.elapsed().as_secs_f64());
    let cpu = machine::cpu_seconds() - cpu;
    Box::new(consumer).leave();
    Ok(figure(what, seconds, cpu))
}

fn process(
    what: &'static str,
    config: &Config,
    records: u64,
    with_redis: bool,
) -> anyhow::Result<Figure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let folder = tempfile::tempdir()?;
    let log = Log::open(config)?;
    let topics = config.topics();
    let hot = match with_redis {
        true => runtime
            .block_on(set::redis(config))?
            .map(|store| store as Arc<dyn Sink>),
        false => None,
    };
    let parts = Parts {
        reader: log.reader(&topics.events)?,
        dead_letters: log.producer(&topics.dead_letters)?,
        hot,
        history: None,
        snapshots: None,
        runtime: runtime.handle().clone(),
    };
    let mut settings = set::settings(config);
    settings.state_folder = Path::new(folder.path()).to_owned();
    let (kafka, group) = (
        config.kafka(),
        format!("bench{:08x}", rand::random::<u32>()),
    );
    let processor = Processor::start(settings, parts, |positions| {
        let consumer = log::kafka::Consumer::join(&kafka, &group, &topics.events, positions)?;
        Ok(Box::new(consumer) as Box<dyn Consumer>)
    })?;
    let (mut start, mut cpu) = (None, 0.0);
    loop {
        let partitions = processor.status().partitions();
        let done: u64 = partitions
            .values()
            .map(|of| match with_redis {
                true => of.stored.get("redis").copied().unwrap_or(0),
                false => of.next_offset,
            })
            .sum();
        if start.is_none() && partitions.values().any(|of| of.next_offset > 0) {
            start = Some(Instant::now());
            cpu = machine::cpu_seconds();
        }
        if done >= records {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let seconds = start.map_or(0.0, |start| start.elapsed().as_secs_f64());
    let cpu = machine::cpu_seconds() - cpu;
    let figure = figure(what, seconds, cpu);
    processor.stop();
    Ok(figure)
}

fn figure(what: &'static str, seconds: f64, cpu: f64) -> Figure {
    let resident_mib = machine::resident_mib();
    machine::progress(format_args!(
        "{what}: {seconds:.1} s, {cpu:.1} CPU-s, {resident_mib} MiB"
    ));
    Figure {
        what,
        seconds,
        cpu,
        resident_mib,
    }
}

fn print(args: &Args, records: u64, load_before: &str, figures: &[Figure]) {
    let million = records as f64 / 1e6;
    let baseline = figures
        .iter()
        .filter(|figure| figure.what == "poll, decode")
        .map(|figure| figure.seconds)
        .fold(f64::INFINITY, f64::min);
    let mut text = format!(
        "{records} records of {} users, {} campaigns, {} partitions, {} refused; {}; load before {load_before}\n\n| what | events/s | CPU-s per million | resident MiB | of poll and decode |\n|---|---:|---:|---:|---:|\n",
        args.users,
        args.campaigns,
        args.partitions,
        args.bad,
        machine::describe(),
    );
    for figure in figures {
        text += &format!(
            "| {} | {:.0} | {:.2} | {} | {:.2} |\n",
            figure.what,
            records as f64 / figure.seconds,
            figure.cpu / million,
            figure.resident_mib,
            baseline / figure.seconds,
        );
    }
    machine::print(&text);
}
