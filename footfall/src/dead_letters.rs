//! `footfall dead-letters`: what was set aside, why, and how to give it another try.
//!
//! Listing reads the embedded log beside a running demo. Replaying is refused there and says to stop
//! the demo: the alternative, a route by which the demo appends what it is told, would be a second way
//! into the log, for something that can wait until it was stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::{Context, bail};
use clap::builder::PossibleValuesParser;
use log::NewRecord;
use pipeline::event_json;
use pipeline::record::{Headers, Record};
use pipeline::rejection::Reason;
use prost::Message;
use schemas::{headers, v1};
use serde::Serialize;

use crate::config::Config;
use crate::set::Log;

/// Records appended in one call.
const BATCH: usize = 1000;

/// What to do with dead letters.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// List them, one of each record: coordinates, tries, reason, waiting or replayed, detail, with tabs. One that was
    /// replayed and set aside again waits again.
    List {
        /// Only those with this reason.
        #[arg(long, value_parser = reasons())]
        reason: Option<String>,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one whole, as JSON.
    Show {
        /// PARTITION/OFFSET where it first stood.
        coordinates: String,
    },
    /// Append them to the events topic again, keyed by their user_id. Each is applied once, however
    /// often it is replayed, and none is too late. Stop a running demo first: it appends to its log alone.
    Replay {
        /// PARTITION/OFFSET of each; without any, those waiting that --reason names.
        coordinates: Vec<String>,
        /// All waiting with this reason.
        #[arg(long, conflicts_with = "coordinates", value_parser = reasons())]
        reason: Option<String>,
        /// All waiting.
        #[arg(long, conflicts_with_all = ["coordinates", "reason"])]
        all: bool,
        /// With --reason or --all: also those replayed before.
        #[arg(long)]
        again: bool,
    },
}

fn reasons() -> PossibleValuesParser {
    PossibleValuesParser::new(Reason::ALL.map(Reason::as_str))
}

/// A record set aside: its first try's bytes, its last try's reason.
#[derive(Debug, Clone, Serialize)]
struct Letter {
    coordinates: String,
    /// How often the record was set aside.
    tries: u32,
    /// Whether it was replayed since it was last set aside.
    replayed: bool,
    reason: String,
    detail: String,
    appended_at_ms: i64,
    key: String,
    value_hex: String,
    /// The event, where the value is one.
    event: Option<serde_json::Value>,
    headers: BTreeMap<String, String>,
    /// The trace of who sent the record, if it came with one.
    trace_id: Option<String>,
    #[serde(skip)]
    raw: NewRecord,
}

impl Letter {
    /// The record, to be tried again.
    fn record(&self) -> NewRecord {
        let mut record = self.raw.clone();
        Headers::push(
            &mut record.headers,
            headers::REPLAY_OF,
            self.coordinates.as_bytes(),
        );
        record
    }

    /// Says that it was replayed. Written after the record: what is said twice or not at all harms nothing.
    fn note(&self) -> NewRecord {
        let mut packed = Vec::new();
        let tries = self.tries.to_string();
        Headers::push(&mut packed, headers::REPLAYED, tries.as_bytes());
        NewRecord {
            partition: None,
            key: self.coordinates.clone().into_bytes(),
            value: Vec::new(),
            headers: packed,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When the log can't be read or written, or no letter has these coordinates.
pub fn run(command: &Command, config: &Config) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match command {
        Command::List { reason, json } => {
            let letters = read(&Log::open_read_only(config)?, config)?;
            for letter in letters
                .values()
                .filter(|letter| is(letter, reason.as_deref()))
            {
                if *json {
                    writeln!(out, "{}", serde_json::to_string(letter)?)?;
                } else {
                    writeln!(
                        out,
                        "{}\t{}\t{}\t{}\t{}",
                        letter.coordinates,
                        letter.tries,
                        letter.reason,
                        if letter.replayed {
                            "replayed"
                        } else {
                            "waiting"
                        },
                        letter.detail
                    )?;
                }
            }
        }
        Command::Show { coordinates } => {
            let letters = read(&Log::open_read_only(config)?, config)?;
            let letter = find(&letters, coordinates)?;
            writeln!(out, "{}", serde_json::to_string_pretty(letter)?)?;
        }
        Command::Replay {
            coordinates,
            reason,
            all,
            again,
        } => {
            if coordinates.is_empty() && reason.is_none() && !all {
                bail!("name dead letters by PARTITION/OFFSET, or choose with --reason or --all");
            }
            let log = Log::open(config)
                .context("dead letters can't be replayed, for that appends to the log")?;
            let letters = read(&log, config)?;
            let chosen: Vec<&Letter> = if coordinates.is_empty() {
                letters
                    .values()
                    .filter(|letter| is(letter, reason.as_deref()) && (*again || !letter.replayed))
                    .collect()
            } else {
                let found = coordinates.iter().map(|name| find(&letters, name));
                found.collect::<anyhow::Result<_>>()?
            };
            let topics = config.topics();
            let (events, notes) = (
                log.producer(&topics.events)?,
                log.producer(&topics.dead_letters)?,
            );
            for chunk in chosen.chunks(BATCH) {
                events.append(chunk.iter().map(|letter| letter.record()).collect())?;
                notes.append(chunk.iter().map(|letter| letter.note()).collect())?;
            }
            writeln!(out, "replayed {}", chosen.len())?;
        }
    }
    Ok(())
}

fn is(letter: &Letter, reason: Option<&str>) -> bool {
    reason.is_none_or(|reason| letter.reason == reason)
}

type Letters = BTreeMap<Coordinates, Letter>;

fn find<'a>(letters: &'a Letters, coordinates: &str) -> anyhow::Result<&'a Letter> {
    parse(coordinates)
        .and_then(|coordinates| letters.get(&coordinates))
        .with_context(|| {
            format!(
                "no dead letter stands at {coordinates}; `footfall dead-letters list` shows all"
            )
        })
}

/// Every letter by its first coordinates. Deliveries may be doubled: what counts is the record.
fn read(log: &Log, config: &Config) -> anyhow::Result<Letters> {
    let mut reader = log.reader(&config.topics().dead_letters)?;
    let mut letters = Letters::new();
    let mut tries: BTreeMap<Coordinates, BTreeSet<Coordinates>> = BTreeMap::new();
    let mut replayed: BTreeMap<Coordinates, u32> = BTreeMap::new();
    let mut unreadable = 0u64;
    for partition in 0..reader.partitions()? {
        let bounds = reader.bounds(partition)?;
        reader.read(partition, bounds.start, bounds.end, &mut |batch| {
            for record in batch.records() {
                if let Some((first, tries)) = note(&record) {
                    let most = replayed.entry(first).or_default();
                    *most = tries.max(*most);
                    continue;
                }
                let Some((first, this, letter)) = letter(&record) else {
                    unreadable += 1;
                    continue;
                };
                tries.entry(first).or_default().insert(this);
                letters.insert(first, letter);
            }
            true
        })?;
    }
    if unreadable > 0 {
        tracing::warn!(
            unreadable,
            "records of the dead-letter topic that no Footfall wrote"
        );
    }
    for (first, letter) in &mut letters {
        letter.tries = tries.get(first).map_or(1, |tries| tries.len() as u32);
        letter.replayed = replayed
            .get(first)
            .is_some_and(|tries| *tries >= letter.tries);
    }
    Ok(letters)
}

type Coordinates = (u32, u64);

fn parse(coordinates: &str) -> Option<Coordinates> {
    let (partition, offset) = coordinates.split_once('/')?;
    Some((partition.parse().ok()?, offset.parse().ok()?))
}

/// The letter of which a record of the dead-letter topic says that it was replayed, and after how many tries.
fn note(record: &Record<'_>) -> Option<(Coordinates, u32)> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let tries = text(record.headers.get(headers::REPLAYED)?)?;
    Some((parse(text(record.key)?)?, tries.parse().ok()?))
}

/// First coordinates, own coordinates and contents of a record of the dead-letter topic.
fn letter(record: &Record<'_>) -> Option<(Coordinates, Coordinates, Letter)> {
    let text = |name: &str| {
        record
            .headers
            .get(name)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let own = (
        text(headers::PARTITION)?.parse().ok()?,
        text(headers::OFFSET)?.parse().ok()?,
    );
    let first = text(headers::REPLAY_OF)
        .and_then(|of| parse(&of))
        .unwrap_or(own);
    let key = record.headers.get(headers::KEY).unwrap_or_default();
    let event = v1::Event::decode(record.value).ok();
    let letter = Letter {
        coordinates: format!("{}/{}", first.0, first.1),
        tries: 1,
        replayed: false,
        reason: text(headers::REASON)?,
        detail: text(headers::DETAIL).unwrap_or_default(),
        appended_at_ms: text(headers::APPENDED_AT)?.parse().ok()?,
        key: String::from_utf8_lossy(key).into_owned(),
        value_hex: hex::encode(record.value),
        event: event.as_ref().map(event_json::object),
        headers: record
            .headers
            .iter()
            .map(|(name, value)| {
                [name, value]
                    .map(|b| String::from_utf8_lossy(b).into_owned())
                    .into()
            })
            .collect(),
        trace_id: text(headers::TRACE)
            .and_then(|value| Some(telemetry::trace::Trace::parse(&value)?.id().to_owned())),
        raw: NewRecord {
            partition: None,
            key: match event {
                Some(event) if !event.user_id.is_empty() => event.user_id.into_bytes(),
                _ => key.to_vec(),
            },
            value: record.value.to_vec(),
            headers: kept_headers(record.headers),
        },
    };
    Some((first, own, letter))
}

/// The headers the record had before it was set aside, without the mark of an earlier replay.
fn kept_headers(packed: Headers<'_>) -> Vec<u8> {
    let ours = [
        headers::REASON,
        headers::DETAIL,
        headers::KEY,
        headers::PARTITION,
        headers::OFFSET,
        headers::APPENDED_AT,
        headers::REPLAY_OF,
    ];
    let mut kept = Vec::new();
    for (name, value) in packed.iter() {
        let name = String::from_utf8_lossy(name);
        if !ours.contains(&name.as_ref()) {
            Headers::push(&mut kept, &name, value);
        }
    }
    kept
}
