//! What leaves a state: rows for projections and readers, a change set for its checkpoint, its
//! digest; and the way back from a checkpoint.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::aggregate::{Reader, RowId, Rows, Slot};
use crate::body::Body;
use crate::counts::UnknownCell;
use crate::definition::{self, Definition};
use crate::row::{Facet, FrozenRow, Row, RowKey};
use crate::state::{State, Tally};
use crate::users::{Damaged, UserSegment, pack};

/// What a checkpoint adds to the one before it; applied in one transaction (I2).
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeSet {
    /// Members that replace those of the last checkpoint.
    pub head: Head,
    /// Names given since, as campaign and activity, in order.
    pub names: Vec<(String, String)>,
    /// Rows changed since.
    pub rows: Vec<KeptRow>,
    /// Users changed since.
    pub users: Vec<UserSegment>,
    /// Ids applied since, by slot of the dedup window; slots below `head.slot - 1` are gone.
    pub window: Vec<(i64, Vec<u64>)>,
}

/// The members of a checkpoint that are small enough to be written whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The first offset not folded.
    pub next_offset: u64,
    /// Log time there.
    pub log_time: i64,
    /// The state digest there.
    pub digest: u64,
    /// How records ended.
    pub tally: Tally,
    /// The current slot of the dedup window.
    pub slot: i64,
    /// One past the last record that removed rows.
    pub removed_before: u64,
    /// Events counted under `__other__`, and contributions kept out.
    pub limits_met: (u64, u64),
    /// Sources with their registers.
    pub sources: Vec<(String, u64)>,
    /// Coordinates of replays applied.
    pub replays: Vec<(u32, u64)>,
}

/// A row as a checkpoint keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRow {
    /// Its number, of this state only.
    pub id: u64,
    /// The offset of the last record that changed it.
    pub changed_at: u64,
    /// Its bytes; `None` when it is gone.
    pub value: Option<Vec<u8>>,
}

/// Why a checkpoint can't be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The definition can't be used.
    #[error(transparent)]
    Definition(#[from] definition::Error),
    /// Users can't be read.
    #[error(transparent)]
    Users(#[from] Damaged),
    /// A row can't be read.
    #[error("row {0:#x} can't be read: {1}")]
    Row(u64, prost::DecodeError),
    /// A row counts something that this version has no name for.
    #[error("row {0:#x}: {1}; go on with the version that wrote it, or a later one")]
    Counter(u64, UnknownCell),
    /// The parts don't add up to the digest that was kept with them.
    #[error("the state digest is {found:016x}, the checkpoint says {kept:016x}: it is damaged")]
    Digest {
        /// The digest of what was read.
        found: u64,
        /// The digest that was kept.
        kept: u64,
    },
}

impl State {
    /// Takes the rows changed since the reader's last call; its store holds what came before.
    pub fn take_rows(&mut self, reader: Reader) -> Vec<FrozenRow> {
        let mut rows = std::mem::replace(&mut self.rows, Rows::new(&[]));
        let mut frozen = Vec::with_capacity(rows.waiting(reader));
        rows.take(reader, |slot| frozen.push(self.frozen_for(reader, slot)));
        self.rows = rows;
        frozen
    }

    /// Takes the rows changed at `since` or later, whatever was taken before: for a store that
    /// has fallen back, or one met for the first time. `None` when rows have been removed since,
    /// so that the store must be filled anew from [`State::take_all_rows`].
    pub fn take_rows_since(&mut self, reader: Reader, since: u64) -> Option<Vec<FrozenRow>> {
        if reader == Reader::Hot && since < self.rows.removed_before() {
            return None;
        }
        self.rows.take(reader, |_| {});
        let changed = self.rows.iter().filter(|slot| slot.changed_at >= since);
        Some(changed.map(|slot| self.frozen_for(reader, slot)).collect())
    }

    /// Takes every row that the reader's store holds.
    pub fn take_all_rows(&mut self, reader: Reader) -> Vec<FrozenRow> {
        self.rows.take(reader, |_| {});
        let rows = self.rows.iter().map(|slot| self.frozen_for(reader, slot));
        rows.filter(|row| row.row.is_some()).collect()
    }

    /// A row as the reader's store holds it: without contents once it has left the hot views.
    fn frozen_for(&self, reader: Reader, slot: &Slot) -> FrozenRow {
        let mut row = slot.freeze(&self.names);
        if reader == Reader::Hot && !self.is_hot(slot.id) {
            row.row = None;
        }
        row
    }

    /// Every row there is.
    pub fn all_rows(&self) -> Vec<FrozenRow> {
        self.rows
            .iter()
            .map(|slot| slot.freeze(&self.names))
            .collect()
    }

    /// The rows that `wanted` names, for a reader in the same process.
    pub fn read(&self, wanted: impl Fn(&RowKey) -> bool) -> Vec<(RowKey, Row)> {
        self.rows
            .iter()
            .filter_map(|slot| {
                let key = slot.id.key(&self.names);
                wanted(&key).then(|| slot.body.to_row().map(|row| (key, row)))?
            })
            .collect()
    }

    /// How many rows a reader has yet to take.
    pub fn rows_waiting(&self, reader: Reader) -> usize {
        self.rows.waiting(reader)
    }

    /// Takes what changed since the last checkpoint.
    pub fn take_change_set(&mut self) -> ChangeSet {
        let mut rows = std::mem::replace(&mut self.rows, Rows::new(&[]));
        let mut kept = Vec::with_capacity(rows.waiting(Reader::Checkpoint));
        let mut rows_digest = self.rows_digest;
        rows.take(Reader::Checkpoint, |slot| {
            let value = slot.body.to_row().map(|row| row.encode());
            let digest = self.row_digest(slot.id, slot.changed_at, value.as_deref());
            rows_digest = rows_digest.wrapping_add(digest).wrapping_sub(slot.digest);
            slot.digest = digest;
            kept.push(KeptRow {
                id: slot.id.0,
                changed_at: slot.changed_at,
                value,
            });
        });
        self.rows = rows;
        self.rows_digest = rows_digest;
        // In the order of the file's tree, neighbours are written together.
        kept.sort_unstable_by_key(|row| row.id);
        let mut all_users = std::mem::take(&mut self.users);
        let (users, difference) = all_users.take_segments(|bytes| self.hash(&[bytes]));
        self.users = all_users;
        self.users_digest = self.users_digest.wrapping_add(difference);
        let names = self.names.pairs().skip(self.names_kept);
        let names = names
            .map(|(campaign, activity)| (campaign.to_string(), activity.to_string()))
            .collect();
        let digest = self.digest_of_names(self.names_kept);
        self.names_digest = self.names_digest.wrapping_add(digest);
        self.names_kept = self.names.len();
        ChangeSet {
            head: self.head(),
            names,
            rows: kept,
            users,
            window: self.window.take_added(),
        }
    }

    fn head(&self) -> Head {
        Head {
            next_offset: self.next_offset,
            log_time: self.log_time,
            digest: self.digest_of(self.rows_digest, self.users_digest, self.names_digest),
            tally: self.tally.clone(),
            slot: self.window.slot(),
            removed_before: self.rows.removed_before(),
            limits_met: (self.names.overflowed(), self.capped),
            sources: self
                .registers
                .sources()
                .map(|(source, n)| (source.to_owned(), n))
                .collect(),
            replays: self.registers.replays(),
        }
    }

    fn row_digest(&self, id: RowId, changed_at: u64, value: Option<&[u8]>) -> u64 {
        value.map_or(0, |value| {
            self.hash(&[&id.0.to_le_bytes(), &changed_at.to_le_bytes(), value])
        })
    }

    /// The part of the names from this number on.
    fn digest_of_names(&self, from: usize) -> u64 {
        let names = self.names.pairs().enumerate().skip(from);
        names.fold(0u64, |sum, (number, (campaign, activity))| {
            let (number, campaign_bytes) = (number.to_le_bytes(), campaign.len().to_le_bytes());
            sum.wrapping_add(self.hash(&[
                &number,
                &campaign_bytes,
                campaign.as_bytes(),
                activity.as_bytes(),
            ]))
        })
    }

    fn digest_of(&self, rows: u64, users: u64, names: u64) -> u64 {
        let mut bytes = Vec::new();
        let (current, previous) = self.window.sums();
        let numbers = [
            self.next_offset,
            self.log_time as u64,
            rows,
            users,
            names,
            current,
            previous,
            self.window.slot() as u64,
            self.tally.consumed,
            self.tally.applied,
            self.tally.duplicate,
            self.tally.late,
            self.names.overflowed(),
            self.capped,
        ];
        for number in numbers.iter().chain(&self.tally.dead_lettered) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for (source, sequence) in self.registers.sources() {
            bytes.extend_from_slice(source.as_bytes());
            bytes.extend_from_slice(&sequence.to_le_bytes());
        }
        for (partition, offset) in self.registers.replays() {
            bytes.extend_from_slice(&partition.to_le_bytes());
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        self.hash(&[&bytes])
    }

    /// The state digest, computed from everything there is: equal states, equal digests (I6).
    pub fn digest(&self) -> u64 {
        let rows = self.rows.iter().fold(0u64, |sum, slot| {
            let value = slot.body.to_row().map(|row| row.encode());
            sum.wrapping_add(self.row_digest(slot.id, slot.changed_at, value.as_deref()))
        });
        let users = self.users.iter().fold(0u64, |sum, (hash, user)| {
            let mut bytes = Vec::new();
            pack(&mut bytes, hash, user);
            sum.wrapping_add(self.hash(&[&bytes]))
        });
        self.digest_of(rows, users, self.digest_of_names(0))
    }

    /// Roughly the bytes this state holds in memory.
    pub fn memory(&self) -> u64 {
        /// A row with its contents and places; a user with the usual handful of entries.
        const ROW: usize = 600;
        const USER: usize = 220;
        const ID: usize = 12;
        (self.rows.len() * ROW + self.users.len() * USER + self.window.len() * ID) as u64
    }

    /// Distinct users, bots apart.
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// Users, rows, ids in the dedup window, campaigns-and-activities: how many there are.
    pub fn sizes(&self) -> [(&'static str, usize); 4] {
        [
            ("users", self.users.len()),
            ("rows", self.rows.len()),
            ("dedup_ids", self.window.len()),
            ("names", self.names.len()),
        ]
    }

    /// Events counted under `__other__`, and first-day contributions kept out, by the limits.
    pub fn limits_met(&self) -> (u64, u64) {
        (self.names.overflowed(), self.capped)
    }
}

/// Puts a state together again from what checkpoints kept, in any number of pieces.
#[derive(Debug)]
pub struct Restore {
    state: State,
    names: Vec<(String, String)>,
    window: Vec<(i64, Vec<u64>)>,
}

impl Restore {
    /// An empty state to restore into.
    ///
    /// # Errors
    /// When the definition can't be used.
    pub fn new(
        definition: Arc<Definition>,
        partition: u32,
        readers: &[Reader],
    ) -> Result<Self, RestoreError> {
        Ok(Self {
            state: State::with_readers(definition, partition, readers)?,
            names: Vec::new(),
            window: Vec::new(),
        })
    }

    /// Adds the next name.
    pub fn name(&mut self, campaign: String, activity: String) {
        self.names.push((campaign, activity));
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When its bytes are not a row.
    pub fn row(&mut self, row: &KeptRow) -> Result<(), RestoreError> {
        let Some(value) = &row.value else {
            return Ok(());
        };
        let id = RowId(row.id);
        let facet: Facet = id.facet();
        let decoded =
            Row::decode(facet, value).map_err(|error| RestoreError::Row(row.id, error))?;
        let body =
            Body::from_row(&decoded).map_err(|error| RestoreError::Counter(row.id, error))?;
        let digest = self.state.row_digest(id, row.changed_at, Some(value));
        self.state.rows_digest = self.state.rows_digest.wrapping_add(digest);
        self.state.rows.restore(id, row.changed_at, digest, body);
        Ok(())
    }

    /// Adds the next segment of users, in the order in which they were kept.
    ///
    /// # Errors
    /// When its bytes are not users.
    pub fn users(&mut self, segment: &UserSegment) -> Result<(), RestoreError> {
        let mut users = std::mem::take(&mut self.state.users);
        let restored = users.restore(segment, |bytes| self.state.hash(&[bytes]));
        self.state.users = users;
        Ok(restored?)
    }

    /// Adds ids of a slot of the dedup window.
    pub fn ids(&mut self, slot: i64, ids: Vec<u64>) {
        self.window.push((slot, ids));
    }

    /// The state before the first record.
    pub fn finish_empty(self) -> State {
        self.state
    }

    /// The state, checked against the digest that was kept.
    ///
    /// # Errors
    /// [`RestoreError::Digest`] when the parts don't add up.
    pub fn finish(mut self, head: Head) -> Result<State, RestoreError> {
        let state = &mut self.state;
        state.names.restore(&self.names, head.limits_met.0);
        state.names_digest = state.digest_of_names(0);
        state.names_kept = state.names.len();
        state.capped = head.limits_met.1;
        state.next_offset = head.next_offset;
        state.tally = head.tally;
        state.window.restore(head.slot, self.window);
        for (source, sequence) in &head.sources {
            state.registers.advance(source, *sequence);
        }
        for coordinates in head.replays {
            state.registers.add_replay(coordinates);
        }
        state.rows.restore_removed_before(head.removed_before);
        state.resume_at(head.log_time);
        state.users_digest = state
            .users
            .iter()
            .fold(0u64, |sum, (_, user)| sum.wrapping_add(user.digest));
        let found = state.digest_of(state.rows_digest, state.users_digest, state.names_digest);
        if found != head.digest {
            return Err(RestoreError::Digest {
                found,
                kept: head.digest,
            });
        }
        Ok(self.state)
    }
}
