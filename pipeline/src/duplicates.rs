//! Copies of an event: the window of ids applied, and registers of sources and replays.
//!
//! The window keeps 64-bit keyed hashes in slots of log time, the current and the last one. With n
//! ids in it an event that is no copy is taken for one with probability n / 2^64.

use std::collections::{BTreeMap, HashSet};

use hashbrown::HashTable;

/// Ids applied in the current and the previous slot of log time.
#[derive(Debug, Default)]
pub struct Window {
    slot: i64,
    current: HashTable<u64>,
    previous: HashTable<u64>,
    current_sum: u64,
    previous_sum: u64,
    /// Added since the last checkpoint, with their slot.
    added: Vec<(i64, Vec<u64>)>,
}

impl Window {
    /// Moves on to the slot of `log_time`; slots fall out whole.
    pub fn advance(&mut self, slot: i64) {
        if slot == self.slot {
            return;
        }
        if slot == self.slot + 1 {
            self.previous = std::mem::take(&mut self.current);
            self.previous_sum = self.current_sum;
        } else {
            self.previous = HashTable::new();
            self.current = HashTable::new();
            self.previous_sum = 0;
        }
        self.current_sum = 0;
        self.slot = slot;
        self.added.retain(|(added, _)| *added + 1 >= slot);
    }

    /// Whether the id was applied in this slot or the last.
    pub fn contains(&self, id: u64) -> bool {
        self.current.find(id, |other| *other == id).is_some()
            || self.previous.find(id, |other| *other == id).is_some()
    }

    /// Takes an applied id.
    pub fn insert(&mut self, id: u64) {
        self.current.insert_unique(id, id, |id| *id);
        self.current_sum = self.current_sum.wrapping_add(id);
        match self.added.last_mut() {
            Some((slot, ids)) if *slot == self.slot => ids.push(id),
            _ => self.added.push((self.slot, vec![id])),
        }
    }

    /// The current slot; the previous is one less.
    pub fn slot(&self) -> i64 {
        self.slot
    }

    /// How many ids are kept.
    pub fn len(&self) -> usize {
        self.current.len() + self.previous.len()
    }

    /// Sums of both slots' ids, for the state digest.
    pub fn sums(&self) -> (u64, u64) {
        (self.current_sum, self.previous_sum)
    }

    /// Takes what was added since the last call, by slot.
    pub fn take_added(&mut self) -> Vec<(i64, Vec<u64>)> {
        std::mem::take(&mut self.added)
    }

    /// Puts back what checkpoints kept of the slot `slot` and the one before.
    pub fn restore(&mut self, slot: i64, segments: impl IntoIterator<Item = (i64, Vec<u64>)>) {
        self.slot = slot;
        for (segment, ids) in segments {
            let (table, sum) = if segment == slot {
                (&mut self.current, &mut self.current_sum)
            } else if segment + 1 == slot {
                (&mut self.previous, &mut self.previous_sum)
            } else {
                continue;
            };
            table.reserve(ids.len(), |id| *id);
            for id in ids {
                table.insert_unique(id, id, |id| *id);
                *sum = sum.wrapping_add(id);
            }
        }
    }
}

/// The greatest sequence seen of each source, and the dead letters that were applied after all.
#[derive(Debug, Default)]
pub struct Registers {
    sources: BTreeMap<Box<str>, u64>,
    replayed: HashSet<(u32, u64)>,
}

impl Registers {
    /// Whether a record of this source and sequence was here before.
    pub fn knows_source(&self, source: &str, sequence: u64) -> bool {
        self.sources
            .get(source)
            .is_some_and(|greatest| sequence <= *greatest)
    }

    /// Moves a source's register on; never back.
    pub fn advance(&mut self, source: &str, sequence: u64) {
        match self.sources.get_mut(source) {
            Some(greatest) => *greatest = sequence.max(*greatest),
            None => {
                self.sources.insert(source.into(), sequence);
            }
        }
    }

    /// Whether the dead letter of these coordinates was applied by a replay.
    pub fn knows_replay(&self, coordinates: (u32, u64)) -> bool {
        self.replayed.contains(&coordinates)
    }

    /// Takes the coordinates of a replay that was applied.
    pub fn add_replay(&mut self, coordinates: (u32, u64)) {
        self.replayed.insert(coordinates);
    }

    /// Sources with their greatest sequence, in order of name.
    pub fn sources(&self) -> impl Iterator<Item = (&str, u64)> {
        self.sources.iter().map(|(source, n)| (&**source, *n))
    }

    /// Coordinates of applied replays, in order.
    pub fn replays(&self) -> Vec<(u32, u64)> {
        let mut replays: Vec<_> = self.replayed.iter().copied().collect();
        replays.sort_unstable();
        replays
    }
}
