//! Reads a run of records out of the file.

use rusqlite::{Connection, params};

use super::failed;
use super::file::file_of;
use crate::{BATCH_RECORDS, Batch, BatchBuilder, Error};

/// The first records of `partition` from `from` up to `to`, as many as a batch may hold; at least one.
/// The caller knows that the range is held: a record missing from it is fatal.
pub(super) fn batch(
    connection: &Connection,
    topic: i64,
    partition: u32,
    from: u64,
    to: u64,
) -> Result<Batch, Error> {
    let wanted = (to - from).min(BATCH_RECORDS as u64);
    let read = || -> Result<Batch, rusqlite::Error> {
        let mut statement = connection.prepare_cached(
            "SELECT offset, appended_at, key, value, headers FROM records
             WHERE topic = ?1 AND partition = ?2 AND offset >= ?3 ORDER BY offset LIMIT ?4",
        )?;
        let mut rows = statement.query(params![topic, partition, from as i64, wanted as i64])?;
        let mut builder = BatchBuilder::new(partition);
        while let Some(row) = rows.next()? {
            let headers = row.get_ref(4)?.as_blob()?;
            builder.push(
                row.get::<_, i64>(0)? as u64,
                row.get(1)?,
                row.get_ref(2)?.as_blob()?,
                row.get_ref(3)?.as_blob()?,
                |packed| packed.extend_from_slice(headers),
            );
            if builder.is_full() {
                break;
            }
        }
        Ok(builder.build())
    };
    let batch = read().map_err(|error| failed(&error, file_of(connection)))?;
    let complete = batch
        .records()
        .zip(from..)
        .all(|(record, offset)| record.offset == offset);
    if batch.is_empty() || !complete {
        return Err(Error::Fatal(format!(
            "partition {partition} of {} lacks records from offset {from} on: the file was changed by \
             something else than Footfall; restore it from a copy",
            file_of(connection).display()
        )));
    }
    Ok(batch)
}

/// The first offset of a partition; `None` when it holds nothing.
pub(super) fn first_offset(
    connection: &Connection,
    topic: i64,
    partition: u32,
) -> Result<Option<u64>, Error> {
    let read = || -> Result<Option<i64>, rusqlite::Error> {
        connection
            .prepare_cached("SELECT min(offset) FROM records WHERE topic = ?1 AND partition = ?2")?
            .query_row(params![topic, partition], |row| row.get(0))
    };
    let offset = read().map_err(|error| failed(&error, file_of(connection)))?;
    Ok(offset.map(|offset| offset as u64))
}
