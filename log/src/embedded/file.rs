//! The file of the log: its lock, its schema, and what it holds when opened.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

use super::{Tail, Topic, failed};
use crate::Error;

/// Raised when the schema changes; a file of another version is refused.
const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE topics (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    partitions INTEGER NOT NULL
) STRICT;
CREATE TABLE records (
    topic       INTEGER NOT NULL REFERENCES topics (id),
    partition   INTEGER NOT NULL,
    offset      INTEGER NOT NULL,
    appended_at INTEGER NOT NULL,
    key         BLOB NOT NULL,
    value       BLOB NOT NULL,
    headers     BLOB NOT NULL,
    PRIMARY KEY (topic, partition, offset)
) STRICT, WITHOUT ROWID;
";

/// Pages of write-ahead log between moves into the database (16 MiB of 4 KiB pages): a move syncs twice.
const PAGES_BETWEEN_CHECKPOINTS: u32 = 4_096;

/// How long a call waits for SQLite's own locks. Only recovery after a crash holds them.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Holds the log for appending, until the file is dropped.
pub(super) fn hold(path: &Path) -> Result<File, Error> {
    let mut file = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => {
            // For whoever finds it held.
            let written = file
                .set_len(0)
                .and_then(|()| write!(file, "{}", std::process::id()));
            written.map_err(|error| unusable(&side_file(path), &error))?;
            Ok(file)
        }
        Err(error) => Err(held(path, file, error)),
    }
}

/// Refuses to read what was never written: SQLite's own message names no way out.
pub(super) fn must_exist(path: &Path) -> Result<(), Error> {
    if path.exists() {
        return Ok(());
    }
    Err(Error::Fatal(format!(
        "there is no log at {}; check the data folder",
        path.display()
    )))
}

/// A connection that appends; the schema is made when the file is new.
pub(super) fn open_writer(path: &Path) -> Result<Connection, Error> {
    let open = || -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "wal_autocheckpoint", PAGES_BETWEEN_CHECKPOINTS)?;
        if version(&connection)? == 0 {
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            ))?;
        }
        Ok(connection)
    };
    let connection = open().map_err(|error| failed(&error, path))?;
    check_version(&connection, path)?;
    // The names of the new files must survive too.
    if let Some(folder) = path.parent().filter(|folder| folder.is_dir()) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unusable(folder, &error))?;
    }
    Ok(connection)
}

/// A connection that reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let open = || -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(connection)
    };
    let connection = open().map_err(|error| failed(&error, path))?;
    check_version(&connection, path)?;
    Ok(connection)
}

/// The topics and where their partitions end.
pub(super) fn topics(connection: &Connection) -> Result<BTreeMap<String, Arc<Topic>>, Error> {
    let read = || -> Result<BTreeMap<String, Arc<Topic>>, rusqlite::Error> {
        let mut statement = connection.prepare("SELECT id, name, partitions FROM topics")?;
        let mut rows = statement.query([])?;
        let mut topics = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (id, name, partitions): (i64, String, u32) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let tails = (0..partitions)
                .map(|partition| tail(connection, id, partition))
                .collect::<Result<Vec<Tail>, rusqlite::Error>>()?;
            let topic = Arc::new(Topic::new(id, &name, tails));
            topics.insert(name, topic);
        }
        Ok(topics)
    };
    read().map_err(|error| failed(&error, file_of(connection)))
}

/// Makes a topic.
pub(super) fn create_topic(
    connection: &Connection,
    name: &str,
    partitions: u32,
) -> Result<Topic, Error> {
    connection
        .execute(
            "INSERT INTO topics (name, partitions) VALUES (?1, ?2)",
            params![name, partitions],
        )
        .map_err(|error| failed(&error, file_of(connection)))?;
    let tails = vec![Tail::default(); partitions as usize];
    Ok(Topic::new(connection.last_insert_rowid(), name, tails))
}

/// The path a connection was opened with, for messages.
pub(super) fn file_of(connection: &Connection) -> &Path {
    Path::new(connection.path().unwrap_or_default())
}

fn tail(connection: &Connection, topic: i64, partition: u32) -> Result<Tail, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT offset, appended_at FROM records WHERE topic = ?1 AND partition = ?2
         ORDER BY offset DESC LIMIT 1",
    )?;
    let mut rows = statement.query(params![topic, partition])?;
    let Some(row) = rows.next()? else {
        return Ok(Tail::default());
    };
    Ok(Tail {
        next_offset: row.get::<_, i64>(0)? as u64 + 1,
        appended_at: row.get(1)?,
    })
}

fn check_version(connection: &Connection, path: &Path) -> Result<(), Error> {
    let found = version(connection).map_err(|error| failed(&error, path))?;
    if found != SCHEMA_VERSION {
        return Err(Error::Fatal(format!(
            "{} is not a log of this version (it says {found}, expected {SCHEMA_VERSION}); \
             open it with the Footfall that made it, or start a new one",
            path.display()
        )));
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn lock_file(path: &Path) -> Result<File, Error> {
    let side = side_file(path);
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&side)
        .map_err(|error| unusable(&side, &error))
}

/// The log's own file can't carry the lock: SQLite locks parts of it.
fn side_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn held(path: &Path, mut file: File, error: TryLockError) -> Error {
    if let TryLockError::Error(error) = error {
        return unusable(&side_file(path), &error);
    }
    let mut holder = String::new();
    // Only for the message: unreadable is as good as unknown.
    let _ = file.read_to_string(&mut holder);
    let holder = match holder.parse::<u32>() {
        Ok(process) => format!("process {process}"),
        // It has yet to write its number.
        Err(_) => "another process".to_owned(),
    };
    Error::Fatal(format!(
        "the log {} is held by {holder}, most likely a running `footfall demo`, and one process at \
         a time appends: stop it first",
        path.display()
    ))
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::Fatal(format!(
        "{} can't be used: {error}; check that its folder exists and may be written",
        path.display()
    ))
}
