//! A partition's checkpoint: one SQLite file, moved on in one transaction (I2).
//!
//! What it holds is fold(log[0..n)) for some n: rows, users, dedup ids, registers, letters not yet
//! delivered, n, and the hash of the last record. A crash at any moment leaves the transaction
//! before or the one after.

mod error;
mod place;
mod read;
mod seal;
mod write;

use std::fmt::Display;
use std::hash::Hasher;
use std::path::{Path, PathBuf};

use pipeline::definition::Definition;
use pipeline::freeze::{ChangeSet, Head};
use pipeline::record::Record;
use pipeline::rejection::DeadLetter;
use pipeline::state::State;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

pub use self::error::Error;
use self::error::{damaged, failed};
pub use self::place::Place;
use crate::survey::Kept;

/// Of the tables below; a file of another format is refused.
const FORMAT: i64 = 1;
/// Of the file, in memory while its partition is ours.
const CACHE_KIB: i64 = 8 << 10;
const SCHEMA: &str = "
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), head TEXT NOT NULL, last TEXT, seal INTEGER NOT NULL);
CREATE TABLE names (id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, activity TEXT NOT NULL);
CREATE TABLE rows (id INTEGER PRIMARY KEY, changed_at INTEGER NOT NULL, value BLOB NOT NULL);
CREATE TABLE users (seq INTEGER PRIMARY KEY, shard INTEGER NOT NULL, base INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE INDEX users_by_shard ON users (shard);
CREATE TABLE ids (seq INTEGER PRIMARY KEY, slot INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE outbox (
  offset INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL, appended_at INTEGER NOT NULL,
  key BLOB NOT NULL, value BLOB NOT NULL, headers BLOB NOT NULL);
PRAGMA user_version = 1;
";

/// The last record folded, by which a log is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRecord {
    /// Its offset.
    pub offset: u64,
    /// A hash of its bytes and append time.
    pub fingerprint: u64,
}

impl LastRecord {
    /// Of a record.
    pub fn of(record: &Record<'_>) -> Self {
        let mut hasher = SipHasher13::new();
        for part in [record.key, record.value, record.headers.0] {
            hasher.write_u64(part.len() as u64);
            hasher.write(part);
        }
        hasher.write_i64(record.appended_at);
        Self {
            offset: record.offset,
            fingerprint: hasher.finish(),
        }
    }
}

/// A state read from a checkpoint, with the letters that were not delivered.
pub struct Restored {
    /// The state; that before the first record when there was no checkpoint.
    pub state: State,
    /// Letters to deliver.
    pub outbox: Vec<DeadLetter>,
    /// The last record folded.
    pub last: Option<LastRecord>,
}

/// The head as it stands in the file.
struct Written {
    head: String,
    last: Option<String>,
    seal: i64,
}

/// A partition's checkpoint file, held by this process.
pub struct Checkpoint {
    path: PathBuf,
    partition: u32,
    connection: Connection,
    /// `None` where it is only read.
    place: Option<Place>,
}

impl Checkpoint {
    /// Where a partition's checkpoint usually lies in a state folder.
    pub fn path(folder: &Path, definition: &Definition, partition: u32) -> PathBuf {
        Place::usual(folder, definition, partition)
    }

    /// Opens or creates a partition's usual file and locks it.
    ///
    /// # Errors
    /// [`Error::Held`] while another process has it; [`Error::Damaged`] when SQLite finds it so.
    pub fn open(folder: &Path, definition: &Definition, partition: u32) -> Result<Self, Error> {
        let place = Place::hold(Place::usual(folder, definition, partition))?;
        Self::open_at(place, partition)
    }

    /// Opens or creates a file that is held.
    ///
    /// # Errors
    /// [`Error::Damaged`] when SQLite finds it so.
    pub fn open_at(place: Place, partition: u32) -> Result<Self, Error> {
        let open = || {
            let connection = Connection::open(place.path())?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            Ok(connection)
        };
        let mut checkpoint = Self {
            connection: open().map_err(|error| failed(place.path(), error))?,
            path: place.path().to_owned(),
            partition,
            place: Some(place),
        };
        checkpoint.check()?;
        checkpoint.prepare()?;
        Ok(checkpoint)
    }

    /// Opens a file that exists, to read it, whoever holds it.
    ///
    /// # Errors
    /// [`Error::Damaged`] when SQLite finds it so, or it is no checkpoint.
    pub fn open_to_read(path: &Path, partition: u32) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags);
        let checkpoint = Self {
            connection: connection.map_err(|error| failed(path, error))?,
            path: path.to_owned(),
            partition,
            place: None,
        };
        checkpoint.check()?;
        match checkpoint.format()? {
            FORMAT => Ok(checkpoint),
            format => Err(checkpoint.is_of_format(format)),
        }
    }

    /// Opens a file that exists, while nobody writes it. `None` when there is none.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn open_existing(
        folder: &Path,
        definition: &Definition,
        partition: u32,
    ) -> Result<Option<Self>, Error> {
        if !Self::path(folder, definition, partition).exists() {
            return Ok(None);
        }
        // A write-ahead log is read by who may also write: the lock is what keeps others away.
        Self::open(folder, definition, partition).map(Some)
    }

    /// How far a partition's file goes, read without taking it: its owner may be writing. `None` before the first
    /// checkpoint.
    ///
    /// # Errors
    /// When the file can't be read, or is not what was written.
    pub fn peek(
        folder: &Path,
        definition: &Definition,
        partition: u32,
    ) -> Result<Option<Kept>, Error> {
        let path = Self::path(folder, definition, partition);
        if !path.exists() {
            return Ok(None);
        }
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let peeked = Self {
            connection: connection.map_err(|error| failed(&path, error))?,
            path,
            partition,
            place: None,
        };
        let tables = peeked.number("SELECT count(*) FROM sqlite_schema")?;
        // Its owner has made the file and not yet its tables.
        let Some(head) = (tables > 0).then(|| peeked.head()).transpose()?.flatten() else {
            return Ok(None);
        };
        let (head, last) = peeked.parse(&head)?;
        Ok(Some(Kept {
            next_offset: head.next_offset,
            log_time: head.log_time,
            last,
        }))
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.path
    }

    /// Whose checkpoint it is.
    pub fn partition(&self) -> u32 {
        self.partition
    }

    /// Closes the file and gives its place back; nothing when it was only read.
    pub fn close(self) -> Option<Place> {
        let Self {
            connection, place, ..
        } = self;
        // What SQLite can't move out of the write-ahead log now stays there.
        drop(connection);
        place
    }

    fn check(&self) -> Result<(), Error> {
        let found: String = self
            .connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|error| self.failed(error))?;
        if found != "ok" {
            return Err(self.damaged(found));
        }
        Ok(())
    }

    /// Makes the tables of a new file; refuses those of another format.
    fn prepare(&mut self) -> Result<(), Error> {
        let tables = self.number("SELECT count(*) FROM sqlite_schema")?;
        match (self.format()?, tables) {
            (0, 0) => make_tables(&mut self.connection).map_err(|error| failed(&self.path, error)),
            (FORMAT, _) => Ok(()),
            (format, _) => Err(self.is_of_format(format)),
        }
    }

    fn format(&self) -> Result<i64, Error> {
        self.number("PRAGMA user_version")
    }

    fn is_of_format(&self, format: i64) -> Error {
        self.damaged(format!("its format is {format}, not {FORMAT}"))
    }

    fn number(&self, query: &str) -> Result<i64, Error> {
        let number = self.connection.query_row(query, [], |row| row.get(0));
        number.map_err(|error| self.failed(error))
    }

    fn damaged(&self, detail: impl Display) -> Error {
        damaged(&self.path, detail)
    }

    fn failed(&self, error: rusqlite::Error) -> Error {
        failed(&self.path, error)
    }

    /// The first offset not folded and the last record folded; `None` before the first checkpoint.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn position(&self) -> Result<Option<(u64, Option<LastRecord>)>, Error> {
        let Some(kept) = self.head()? else {
            return Ok(None);
        };
        let (head, last) = self.parse(&kept)?;
        Ok(Some((head.next_offset, last)))
    }

    fn head(&self) -> Result<Option<Written>, Error> {
        let query = "SELECT head, last, seal FROM head WHERE id = 1";
        let kept = self.connection.query_row(query, [], |row| {
            Ok(Written {
                head: row.get(0)?,
                last: row.get(1)?,
                seal: row.get(2)?,
            })
        });
        let kept = kept.optional().map_err(|error| self.failed(error))?;
        if kept.is_none() && !self.is_empty()? {
            return Err(self.damaged("its head is missing"));
        }
        Ok(kept)
    }

    fn is_empty(&self) -> Result<bool, Error> {
        let query = "SELECT NOT EXISTS (SELECT 1 FROM rows) AND NOT EXISTS (SELECT 1 FROM names)
            AND NOT EXISTS (SELECT 1 FROM outbox)";
        let empty = self.connection.query_row(query, [], |row| row.get(0));
        empty.map_err(|error| self.failed(error))
    }

    fn parse(&self, kept: &Written) -> Result<(Head, Option<LastRecord>), Error> {
        let last = kept.last.as_deref().map(serde_json::from_str);
        Ok((
            serde_json::from_str(&kept.head).map_err(|error| self.damaged(error))?,
            last.transpose().map_err(|error| self.damaged(error))?,
        ))
    }

    /// Moves the checkpoint on, in one transaction. `outbox` are all letters not yet delivered.
    ///
    /// # Errors
    /// When SQLite can't; the file then holds the checkpoint before, and the same change set may
    /// be written again.
    pub fn write(
        &mut self,
        change: &ChangeSet,
        last: Option<LastRecord>,
        outbox: &[DeadLetter],
    ) -> Result<(), Error> {
        write::checkpoint(&mut self.connection, change, last, outbox)
            .map_err(|error| failed(&self.path, error))
    }
}

fn make_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.commit()
}
