//! Admission alone: seats and refusals of one activity folded in memory, what they take there, and a snapshot of them.

use std::hint::black_box;
use std::time::Instant;

use pipeline::admission::Admission;
use pipeline::record::{Headers, Record};
use prost::Message;
use schemas::v1::entry_record::Act;
use schemas::v1::{ActivityDefined, EntryRecord, EntryRequested};

use crate::machine;

const ACTIVITY: &str = "lucky-draw";

/// What to measure on.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Seats, all of which are given.
    #[arg(long, default_value_t = 1_000_000)]
    seats: u64,
    /// Requests of other users that come after.
    #[arg(long, default_value_t = 1_000_000)]
    refusals: u64,
}

/// Folds, measures, prints.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let load_before = machine::load();
    let mut fold = Admission::new(0, 1);
    let defined = Act::Defined(ActivityDefined {
        activity_id: ACTIVITY.to_owned(),
        capacity: args.seats,
        opens_at_ms: machine::now_ms(),
        ..ActivityDefined::default()
    });
    append(&mut fold, defined);
    let mut text = format!(
        "User ids of 16 bytes, request ids of 36; {}; load before {load_before}\n\n| what | how many | ns each | bytes each in memory |\n|---|---:|---:|---:|\n",
        machine::describe()
    );
    for (what, from, count) in [
        ("seats", 0, args.seats),
        ("refusals", args.seats, args.refusals),
    ] {
        let (before, start) = (machine::resident_mib(), Instant::now());
        (from..from + count).for_each(|n| append(&mut fold, requested(n)));
        let nanoseconds = start.elapsed().as_nanos() / u128::from(count.max(1));
        let bytes = (machine::resident_mib() - before) * 1024 * 1024 / count.max(1);
        text += &format!("| {what} | {count} | {nanoseconds} | {bytes} |\n");
    }
    let start = Instant::now();
    let bytes = fold.to_bytes();
    let wrote = start.elapsed();
    let start = Instant::now();
    let again = Admission::from_bytes(&bytes, 0, 1)?;
    let read = start.elapsed();
    anyhow::ensure!(
        again.digest() == fold.digest(),
        "the snapshot is another fold"
    );
    text += &format!(
        "\nA snapshot of them is {} MiB, written in {wrote:.1?}, read in {read:.1?}.\n",
        bytes.len() / 1024 / 1024
    );
    machine::print(&text);
    Ok(())
}

fn requested(n: u64) -> Act {
    // No order of theirs: users come as they come.
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Act::Requested(EntryRequested {
        activity_id: ACTIVITY.to_owned(),
        user_id: format!("{mixed:016x}"),
        request_id: format!("{mixed:016x}-request-{n:011}"),
        ..EntryRequested::default()
    })
}

fn append(fold: &mut Admission, act: Act) {
    let value = EntryRecord { act: Some(act) }.encode_to_vec();
    black_box(fold.fold(&Record {
        offset: fold.next_offset(),
        appended_at: machine::now_ms(),
        key: ACTIVITY.as_bytes(),
        value: &value,
        headers: Headers(&[]),
    }));
}
