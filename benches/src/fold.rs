//! The fold alone: one partition's records, in memory, beside decoding them only.
//!
//! Each round measures all of it once, one after the other, so that ratios mean something on a machine whose pace
//! changes; the best round of each counts.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use footfall::generate::{self, Traffic};
use log::{Appended, Batch, BatchBuilder, NewRecord, Producer};
use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use pipeline::state::State;
use prost::Message;
use schemas::partition::partition_of;
use schemas::v1;

use crate::machine;

/// Partitions of which one is folded.
const PARTITIONS: u32 = 4;

/// What to measure on.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Events to generate; the partition has a quarter of them.
    #[arg(long, default_value_t = 2_000_000)]
    events: u64,
    /// Users.
    #[arg(long, default_value_t = 700_000)]
    users: u32,
    /// Campaigns.
    #[arg(long, default_value_t = 100)]
    campaigns: u16,
    /// Records between two change sets, which a checkpoint would write.
    #[arg(long, default_value_t = 100_000)]
    checkpoint: u64,
    /// How often to measure each.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

/// Keeps one partition's records.
#[derive(Default)]
struct Kept {
    batches: Vec<Batch>,
    filling: BatchBuilder,
    offset: u64,
}

struct Memory(Mutex<Kept>);

impl Producer for Memory {
    fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, log::Error> {
        let mut kept = self.0.lock().map_err(|_| poisoned())?;
        for record in records {
            if partition_of(&record.key, PARTITIONS) != 0 {
                continue;
            }
            let offset = kept.offset;
            kept.offset += 1;
            let headers = |bytes: &mut Vec<u8>| bytes.extend_from_slice(&record.headers);
            let now = machine::now_ms();
            kept.filling
                .push(offset, now, &record.key, &record.value, headers);
            if kept.filling.is_full() {
                let full = kept.filling.take();
                kept.batches.push(full);
            }
        }
        Ok(Vec::new())
    }
}

fn poisoned() -> log::Error {
    log::Error::Fatal("the generating thread died".to_owned())
}

/// Generates, measures, prints.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let load_before = machine::load();
    let batches = generate(args)?;
    let records: u64 = batches.iter().map(|batch| batch.len() as u64).sum();
    let definition = Arc::new(Definition {
        partitions: PARTITIONS,
        hash_key: format!("{:032x}", rand::random::<u128>()),
        ..Definition::default()
    });
    let mut best = [f64::INFINITY; 4];
    let mut memory = 0;
    for _ in 0..args.rounds.max(1) {
        best[0] = best[0].min(timed(|| decode(&batches)));
        let mut state = State::with_readers(definition.clone(), 0, &[])?;
        best[1] = best[1].min(timed(|| fold(&mut state, &batches, u64::MAX)));
        let mut state = State::with_readers(definition.clone(), 0, &[Reader::Checkpoint])?;
        let took = timed(|| fold(&mut state, &batches, args.checkpoint));
        best[2] = best[2].min(took);
        best[3] = best[3].min(timed(|| drop(black_box(state.all_rows()))));
        memory = machine::resident_mib();
    }
    let what = [
        "decode",
        "fold",
        "fold and freeze change sets",
        "freeze every row once, at the end",
    ];
    let mut text = format!(
        "{records} records of one of {PARTITIONS} partitions, {} users and {} campaigns in all, a change set every {}; {memory} MiB resident; {}; load before {load_before}\n\n| what | ns a record | of decode |\n|---|---:|---:|\n",
        args.users,
        args.campaigns,
        args.checkpoint,
        machine::describe()
    );
    for (what, seconds) in what.iter().zip(best) {
        let nanoseconds = seconds * 1e9 / records as f64;
        text += &format!("| {what} | {nanoseconds:.0} | {:.1} |\n", seconds / best[0]);
    }
    machine::print(&text);
    Ok(())
}

fn generate(args: &Args) -> anyhow::Result<Vec<Batch>> {
    let traffic = Traffic {
        count: args.events,
        users: args.users,
        campaigns: args.campaigns,
        bad: 0.001,
        days: Some(7),
        ..Traffic::default()
    };
    let memory = Memory(Mutex::default());
    generate::to_log(&traffic, &memory, PARTITIONS, &AtomicBool::new(false))?;
    let kept = memory.0.into_inner().map_err(|_| poisoned())?;
    let mut batches = kept.batches;
    batches.push(kept.filling.build());
    Ok(batches)
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn decode(batches: &[Batch]) {
    let mut event = v1::Event::default();
    for record in batches.iter().flat_map(Batch::records) {
        event.clear();
        // Bad records are among them; what they cost is part of it.
        let _ = black_box(event.merge(record.value));
    }
}

fn fold(state: &mut State, batches: &[Batch], checkpoint: u64) {
    let mut since = 0;
    for batch in batches {
        for record in batch.records() {
            state.apply(record);
        }
        drop(state.take_letters());
        since += batch.len() as u64;
        if since >= checkpoint {
            since = 0;
            drop(black_box(state.take_change_set()));
        }
    }
}
