//! Ids that the fold can't tell apart, because it knows them by hashes of 64 bits.
//!
//! Two events of one window: the fold takes the second for a copy. Two people: it takes them for one.

use std::collections::HashMap;
use std::fmt;

use pipeline::identity::{of_event, of_user};
use schemas::v1::Event;

use super::store::{Applied, Store};

/// Collisions of each kind that are kept. Unless the hash is broken there is hardly ever one.
const MAX_LISTED: usize = 1_000;

/// What the fold would know ids by: the hash of the parts one after the other.
pub(super) type Hash = Box<dyn Fn(&[&[u8]]) -> u64 + Send>;

/// Two ids with one hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collision {
    /// Of events, both within the window.
    Events {
        /// Their partition.
        partition: u32,
        /// The one that the fold applied.
        first: Known,
        /// The one that it takes for a copy.
        second: Known,
    },
    /// Of people.
    People {
        /// Their partition.
        partition: u32,
        /// An event of one.
        first: Known,
        /// An event of the other.
        second: Known,
    },
}

/// An applied event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its offset.
    pub offset: u64,
    /// Its `user_id`.
    pub user: String,
    /// Its `event_id`.
    pub event: String,
}

impl fmt::Display for Collision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events {
                partition,
                first,
                second,
            } => write!(
                f,
                "hash collision: event {:?} of user {:?} at {partition}/{} is no copy of event {:?} of user {:?} at {partition}/{}, \
                 but has its hash under hash_key: the fold counts it as a duplicate",
                second.event, second.user, second.offset, first.event, first.user, first.offset
            ),
            Self::People {
                partition,
                first,
                second,
            } => write!(
                f,
                "hash collision: users {:?}, first at {partition}/{}, and {:?}, first at {partition}/{}, \
                 have one hash under hash_key: the fold counts them as one person",
                first.user, first.offset, second.user, second.offset
            ),
        }
    }
}

/// Collisions of events found so far, and the window by which they are found.
pub(super) struct Collisions {
    partition: u32,
    slot: i64,
    /// Offsets of applied events by hash, of this slot and of the last.
    current: HashMap<u64, u64>,
    previous: HashMap<u64, u64>,
    found: Vec<Collision>,
}

impl Collisions {
    pub fn new(partition: u32) -> Self {
        Self {
            partition,
            slot: 0,
            current: HashMap::new(),
            previous: HashMap::new(),
            found: Vec::new(),
        }
    }

    /// Takes an applied event, hence no copy of any other in the window; `store` has it already.
    pub fn applied(
        &mut self,
        hash: &Hash,
        event: &Event,
        offset: u64,
        slot: i64,
        store: &Store,
    ) -> rusqlite::Result<()> {
        self.advance(slot);
        let user = of_user(hash, &event.user_id);
        let id = of_event(hash, user, &event.event_id);
        let other = self.current.get(&id).or_else(|| self.previous.get(&id));
        let Some(first) = other.copied() else {
            self.current.insert(id, offset);
            return Ok(());
        };
        if self.found.len() < MAX_LISTED {
            self.found.push(Collision::Events {
                partition: self.partition,
                first: known(store, first)?,
                second: known(store, offset)?,
            });
        }
        Ok(())
    }

    fn advance(&mut self, slot: i64) {
        if slot == self.slot {
            return;
        }
        let current = std::mem::take(&mut self.current);
        self.previous = if slot == self.slot + 1 {
            current
        } else {
            HashMap::new()
        };
        self.slot = slot;
    }

    /// All of them, those of these people among them.
    pub fn with(&self, people: People<'_>, store: &Store) -> rusqlite::Result<Vec<Collision>> {
        let mut all = self.found.clone();
        for (first, second) in people.same() {
            all.push(Collision::People {
                partition: self.partition,
                first: known(store, first)?,
                second: known(store, second)?,
            });
        }
        Ok(all)
    }
}

fn known(store: &Store, offset: u64) -> rusqlite::Result<Known> {
    let (user, event) = store.ids_at(offset)?;
    Ok(Known {
        offset,
        user,
        event,
    })
}

/// Every person of a partition, by hash, with the offset of their first event as one.
pub(super) struct People<'a> {
    hash: &'a Hash,
    seen: Vec<(u64, u64)>,
}

impl<'a> People<'a> {
    pub fn new(hash: &'a Hash) -> Self {
        Self {
            hash,
            seen: Vec::new(),
        }
    }

    /// Takes a user with all that they did. Who was only ever a bot is no person.
    pub fn add(&mut self, user: &str, history: &[Applied]) {
        if let Some(event) = history.iter().find(|event| event.is_human()) {
            self.seen.push((of_user(self.hash, user), event.offset));
        }
    }

    /// Offsets of those that share a hash: of the first, and of each other.
    fn same(mut self) -> Vec<(u64, u64)> {
        self.seen.sort_unstable();
        let shared = self.seen.chunk_by(|(one, _), (other, _)| one == other);
        shared
            .flat_map(|same| same[1..].iter().map(|(_, other)| (same[0].1, *other)))
            .take(MAX_LISTED)
            .collect()
    }
}
