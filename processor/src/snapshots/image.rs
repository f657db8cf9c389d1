//! A whole copy of a checkpoint in one file, which says what it is.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use rusqlite::{Connection, OpenFlags, params};

use super::{Error, Name};
use crate::checkpoint::{self, Checkpoint, LastRecord, Restored};

/// How long a copy waits for another process that is at the file.
const BUSY: Duration = Duration::from_secs(1);

/// A table that checkpoints have only where they were restored, and don't mind.
const ORIGIN: &str =
    "CREATE TABLE IF NOT EXISTS origin (definition TEXT NOT NULL, partition INTEGER NOT NULL);
    DELETE FROM origin";

/// Copies the checkpoint as it is at this moment, whoever holds it and goes on writing: readers of a write-ahead
/// log see the last transaction that was finished, and hold up no writer.
///
/// # Errors
/// When the file can't be read, or there is no room for the copy.
pub fn copy(from: &Path, to: &Path, definition: &Definition, partition: u32) -> Result<(), Error> {
    let failed = |error| Error::Checkpoint(checkpoint::Error::Sqlite(to.to_owned(), error));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags).map_err(failed)?;
    source.busy_timeout(BUSY).map_err(failed)?;
    let target = to.to_string_lossy();
    source
        .execute("VACUUM INTO ?1", [&target])
        .map_err(failed)?;
    let image = Connection::open(to).map_err(failed)?;
    image.execute_batch(ORIGIN).map_err(failed)?;
    let whose = params![definition.id(), partition];
    image
        .execute("INSERT INTO origin VALUES (?1, ?2)", whose)
        .map_err(failed)?;
    image.close().map_err(|(_, error)| failed(error))
}

/// Where a checkpoint goes on, the last record it folded, and its state; `None` before the first checkpoint.
pub type Checked = Option<(u64, Option<LastRecord>, Restored)>;

/// Reads an image whole and checks everything that can be without the log: pages, seal, digest, whose it is.
///
/// # Errors
/// With what is wrong.
pub fn check(
    path: &Path,
    definition: &Arc<Definition>,
    partition: u32,
    readers: &[Reader],
) -> Result<Checked, Error> {
    let image = Checkpoint::open_to_read(path, partition)?;
    let (found, of) = image.origin()?;
    if (found.as_str(), of) != (definition.id().as_str(), partition) {
        let what = |definition: &str, partition| {
            format!("of definition {definition}, partition {partition}")
        };
        return Err(Error::Foreign {
            found: what(&found, of),
            wanted: what(&definition.id(), partition),
        });
    }
    let Some((next_offset, last)) = image.position()? else {
        return Ok(None);
    };
    let restored = image.load(definition.clone(), readers)?;
    Ok(Some((next_offset, last, restored)))
}

/// As [`check`], of a snapshot by its name.
///
/// # Errors
/// With what is wrong.
pub fn check_named(
    path: &Path,
    definition: &Arc<Definition>,
    name: Name,
    readers: &[Reader],
) -> Result<(Option<LastRecord>, Restored), Error> {
    let at = |offset: Option<u64>| {
        offset.map_or_else(
            || "of no offset".to_owned(),
            |offset| format!("of offset {offset}"),
        )
    };
    match check(path, definition, name.partition, readers)? {
        Some((offset, last, restored)) if offset == name.offset => Ok((last, restored)),
        other => Err(Error::Foreign {
            found: at(other.map(|(offset, _, _)| offset)),
            wanted: at(Some(name.offset)),
        }),
    }
}
