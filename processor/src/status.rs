//! What each partition is doing, for people and for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pipeline::state::Tally;

use crate::milestones::{self, Milestone};

/// One partition as of its worker's last step.
#[derive(Debug, Clone, Default)]
pub struct Partition {
    /// The first offset not folded.
    pub next_offset: u64,
    /// Log time there, milliseconds since the epoch.
    pub log_time: i64,
    /// The first offset not in the checkpoint.
    pub checkpointed: u64,
    /// How far each projection has stored, by the name of its store.
    pub stored: BTreeMap<&'static str, u64>,
    /// Rows each projection has yet to store.
    pub rows_waiting: BTreeMap<&'static str, usize>,
    /// Dead letters not delivered.
    pub letters_waiting: usize,
    /// How records ended.
    pub tally: Tally,
    /// Roughly the bytes of state.
    pub memory: u64,
    /// Distinct users.
    pub users: usize,
    /// Users, rows, dedup ids, names: how many are held.
    pub held: Vec<(&'static str, usize)>,
    /// The state digests at the last milestones.
    pub milestones: [Option<Milestone>; milestones::KEPT],
    /// Where its state came from (`checkpoint`, `copy`, `snapshot`, `log`), and the offset there.
    pub started: Option<(&'static str, u64)>,
    /// Why it stands still, if it does.
    pub halted: Option<String>,
}

/// Every partition this process has.
#[derive(Debug, Clone, Default)]
pub struct Status(Arc<Mutex<BTreeMap<u32, Partition>>>);

impl Status {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Partition>> {
        // A map of plain values is whole whenever a thread could have died.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them.
    pub fn partitions(&self) -> BTreeMap<u32, Partition> {
        self.lock().clone()
    }

    /// Changes one.
    pub fn update(&self, partition: u32, change: impl FnOnce(&mut Partition)) {
        change(self.lock().entry(partition).or_default());
    }

    /// Forgets one that is no longer ours.
    pub fn remove(&self, partition: u32) {
        self.lock().remove(&partition);
    }

    /// Bytes of state, all partitions together.
    pub fn memory(&self) -> u64 {
        self.lock().values().map(|partition| partition.memory).sum()
    }
}
