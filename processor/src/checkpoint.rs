//! A partition's checkpoint: one SQLite file, moved on in one transaction (I2).
//!
//! What it holds is fold(log[0..n)) for some n: rows, users, dedup ids, registers, letters not yet
//! delivered, n, and the hash of the last record. A crash at any moment leaves the transaction
//! before or the one after.

mod seal;
mod write;

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipeline::UserSegment;
use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use pipeline::freeze::{ChangeSet, Head, KeptRow, Restore, RestoreError};
use pipeline::record::Record;
use pipeline::rejection::{DeadLetter, Reason, Rejection};
use pipeline::state::State;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

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

/// What went wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process holds the file.
    #[error("{0} is held by another process; stop it, or give this one a state folder of its own")]
    Held(PathBuf),
    /// The folder can't be used.
    #[error("state file {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// SQLite can't go on: a full disk, a file that can't be written.
    #[error("checkpoint {0}: {1}; see that its disk has room and can be written")]
    Sqlite(PathBuf, rusqlite::Error),
    /// The file is not what was written.
    #[error(
        "checkpoint {path}: {detail}; move the file away and the partition is folded again from the log's start"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

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
    _lock: Option<File>,
}

impl Checkpoint {
    /// Where a partition's checkpoint lies in a state folder.
    pub fn path(folder: &Path, definition: &Definition, partition: u32) -> PathBuf {
        folder
            .join(definition.id())
            .join(format!("{partition:04}.sqlite"))
    }

    /// Opens or creates a partition's file and locks it.
    ///
    /// # Errors
    /// [`Error::Held`] while another process has it; [`Error::Damaged`] when SQLite finds it so.
    pub fn open(folder: &Path, definition: &Definition, partition: u32) -> Result<Self, Error> {
        let path = Self::path(folder, definition, partition);
        let io = |error| Error::Io(path.clone(), error);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io)?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.with_extension("lock"))
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(Error::Held(path)),
            Err(std::fs::TryLockError::Error(error)) => return Err(io(error)),
        }
        let open = || {
            let connection = Connection::open(&path)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            Ok(connection)
        };
        let mut checkpoint = Self {
            connection: open().map_err(|error| failed(&path, error))?,
            path,
            partition,
            _lock: Some(lock),
        };
        checkpoint.check()?;
        checkpoint.prepare()?;
        Ok(checkpoint)
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
            _lock: None,
        };
        let tables: i64 = peeked
            .connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(|error| peeked.failed(error))?;
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
        let number = |query| {
            let number = self.connection.query_row(query, [], |row| row.get(0));
            number.map_err(|error| self.failed(error))
        };
        let format: i64 = number("PRAGMA user_version")?;
        let tables: i64 = number("SELECT count(*) FROM sqlite_schema")?;
        if (format, tables) == (0, 0) {
            return make_tables(&mut self.connection).map_err(|error| failed(&self.path, error));
        }
        if format != FORMAT {
            return Err(self.damaged(format!("its format is {format}, not {FORMAT}")));
        }
        Ok(())
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

    /// The state of this checkpoint, whole.
    ///
    /// # Errors
    /// [`Error::Damaged`] when its parts don't add up to the digest kept with them.
    pub fn load(&self, definition: Arc<Definition>, readers: &[Reader]) -> Result<Restored, Error> {
        let damaged = |error: RestoreError| self.damaged(error);
        let mut restore = Restore::new(definition, self.partition, readers).map_err(damaged)?;
        let Some(kept) = self.head()? else {
            return Ok(Restored {
                state: restore.finish_empty(),
                outbox: Vec::new(),
                last: None,
            });
        };
        let (head, last) = self.parse(&kept)?;
        let outbox = self.outbox()?;
        if seal::of(&kept.head, kept.last.as_deref(), &outbox) != kept.seal {
            return Err(self.damaged("its head or its letters are not those that were written"));
        }
        self.each("SELECT campaign, activity FROM names ORDER BY id", |row| {
            restore.name(row.get(0)?, row.get(1)?);
            Ok(Ok(()))
        })?;
        self.each("SELECT id, changed_at, value FROM rows", |row| {
            Ok(restore
                .row(&KeptRow {
                    id: row.get::<_, i64>(0)? as u64,
                    changed_at: row.get::<_, i64>(1)? as u64,
                    value: Some(row.get(2)?),
                })
                .map_err(damaged))
        })?;
        self.each("SELECT shard, base, bytes FROM users ORDER BY seq", |row| {
            Ok(restore
                .users(&UserSegment {
                    shard: row.get(0)?,
                    base: row.get(1)?,
                    bytes: row.get(2)?,
                })
                .map_err(damaged))
        })?;
        self.each("SELECT slot, bytes FROM ids ORDER BY seq", |row| {
            let bytes: Vec<u8> = row.get(1)?;
            restore.ids(row.get(0)?, unpack_ids(&bytes));
            Ok(Ok(()))
        })?;
        Ok(Restored {
            state: restore.finish(head).map_err(damaged)?,
            outbox,
            last,
        })
    }

    fn each(
        &self,
        query: &str,
        mut visit: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<Result<(), Error>>,
    ) -> Result<(), Error> {
        let failed = |error| self.failed(error);
        let mut statement = self.connection.prepare(query).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            visit(row).map_err(failed)??;
        }
        Ok(())
    }

    fn outbox(&self) -> Result<Vec<DeadLetter>, Error> {
        let mut letters = Vec::new();
        self.each(
            "SELECT offset, reason, detail, appended_at, key, value, headers FROM outbox ORDER BY offset",
            |row| {
                let reason: String = row.get(1)?;
                letters.push(DeadLetter {
                    rejection: Rejection::new(
                        Reason::parse(&reason).unwrap_or(Reason::BadBytes),
                        row.get::<_, String>(2)?,
                    ),
                    partition: self.partition,
                    offset: row.get::<_, i64>(0)? as u64,
                    appended_at: row.get(3)?,
                    key: row.get(4)?,
                    value: row.get(5)?,
                    headers: row.get(6)?,
                });
                Ok(Ok(()))
            },
        )?;
        Ok(letters)
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

fn damaged(path: &Path, detail: impl Display) -> Error {
    Error::Damaged {
        path: path.to_owned(),
        detail: detail.to_string(),
    }
}

/// What a failed call means: a damaged file, or one that can't be used for now.
fn failed(path: &Path, error: rusqlite::Error) -> Error {
    use rusqlite::Error as E;
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
    let not_ours = match &error {
        // SQLite's plain error: a statement doesn't fit the file's tables.
        E::SqliteFailure(code, _) => {
            matches!(code.code, DatabaseCorrupt | NotADatabase | Unknown)
        }
        E::SqlInputError { .. } => true,
        _ => matches!(
            error,
            E::FromSqlConversionFailure(..)
                | E::IntegralValueOutOfRange(..)
                | E::InvalidColumnType(..)
                | E::Utf8Error(..)
                | E::QueryReturnedNoRows
        ),
    };
    match not_ours {
        true => damaged(path, error),
        false => Error::Sqlite(path.to_owned(), error),
    }
}

fn unpack_ids(bytes: &[u8]) -> Vec<u64> {
    let (ids, _) = bytes.as_chunks::<8>();
    ids.iter().map(|id| u64::from_le_bytes(*id)).collect()
}
