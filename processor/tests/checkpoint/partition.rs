//! One partition: its log in memory, its state, its checkpoint file, and what each must be.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use log::NewRecord;
use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use pipeline::record::{Headers, Record};
use pipeline::rejection::DeadLetter;
use pipeline::row::{FrozenRow, RowKey};
use pipeline::state::State;
use processor::checkpoint::{Checkpoint, Error, LastRecord, Restored};

use crate::random::Random;
use crate::traffic::Traffic;

/// 2026-11-22T09:00:00Z.
const START: i64 = 1_795_338_000_000;

pub fn definition() -> Arc<Definition> {
    Arc::new(Definition {
        partitions: 1,
        hash_key: "000102030405060708090a0b0c0d0e0f".to_owned(),
        dedup_slot_ms: 600_000,
        hot_days: Some(3),
        ..Definition::default()
    })
}

/// A log of so many records; each seed has its own.
pub fn log(seed: u64, records: usize, users: u64) -> Vec<(i64, NewRecord)> {
    let mut traffic = Traffic::new(seed, 1, users);
    let mut random = Random::new(seed ^ 0x5eed);
    let mut now = START;
    (0..records)
        .map(|_| {
            now += random.within(0, 600_000);
            (now, traffic.take(1, now).remove(0))
        })
        .collect()
}

/// A state on its way through a log, with the letters it has set aside.
pub struct Worker {
    pub state: State,
    pub last: Option<LastRecord>,
    pub outbox: Vec<DeadLetter>,
}

impl Worker {
    pub fn new(restored: Restored) -> Self {
        Self {
            state: restored.state,
            last: restored.last,
            outbox: restored.outbox,
        }
    }

    pub fn empty() -> Self {
        let state = State::with_readers(definition(), 0, &[Reader::Checkpoint]).unwrap();
        Self {
            state,
            last: None,
            outbox: Vec::new(),
        }
    }

    /// Folds the log up to an offset.
    pub fn fold(&mut self, log: &[(i64, NewRecord)], to: usize) {
        let from = self.state.next_offset() as usize;
        for (offset, (appended_at, sent)) in log.iter().enumerate().take(to).skip(from) {
            let record = Record {
                offset: offset as u64,
                appended_at: *appended_at,
                key: &sent.key,
                value: &sent.value,
                headers: Headers(&sent.headers),
            };
            self.state.apply(record);
            self.last = Some(LastRecord::of(&record));
        }
        self.outbox.append(&mut self.state.take_letters());
        // Some letters have been delivered since.
        let waiting = self.outbox.len().saturating_sub(5);
        self.outbox.drain(..waiting);
    }

    pub fn write(&mut self, file: &mut Checkpoint) -> Result<(), Error> {
        file.write(&self.state.take_change_set(), self.last, &self.outbox)
    }
}

pub fn open(folder: &Path) -> Result<Checkpoint, Error> {
    Checkpoint::open(folder, &definition(), 0)
}

pub fn load(file: &Checkpoint) -> Result<Restored, Error> {
    file.load(definition(), &[Reader::Checkpoint])
}

fn rows(state: &State) -> BTreeMap<RowKey, FrozenRow> {
    let rows = state.all_rows().into_iter();
    rows.map(|row| (row.key.clone(), row)).collect()
}

/// Asserts that what was restored is the fold of the log up to where it says it is; that offset.
pub fn check(restored: &Restored, log: &[(i64, NewRecord)], every: usize) -> u64 {
    let state = &restored.state;
    let to = state.next_offset();
    let mut expected = Worker::empty();
    // Letters are dropped where the writer dropped them.
    for stop in (every..=to as usize).step_by(every) {
        expected.fold(log, stop);
    }
    expected.fold(log, to as usize);
    let at = format!("at {to}");
    assert_eq!(state.digest(), expected.state.digest(), "{at}");
    assert_eq!(state.log_time(), expected.state.log_time(), "{at}");
    assert_eq!(state.tally(), expected.state.tally(), "{at}");
    assert_eq!(state.limits_met(), expected.state.limits_met(), "{at}");
    assert_eq!(state.sizes(), expected.state.sizes(), "{at}");
    assert_eq!(rows(state), rows(&expected.state), "{at}");
    assert_eq!(restored.last, expected.last, "{at}");
    assert_eq!(restored.outbox, expected.outbox, "{at}");
    to
}
