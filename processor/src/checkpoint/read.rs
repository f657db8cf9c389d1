//! Reads a checkpoint whole.

use std::sync::Arc;

use pipeline::UserSegment;
use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use pipeline::freeze::{KeptRow, Restore, RestoreError};
use pipeline::rejection::{DeadLetter, Reason, Rejection};

use super::{Checkpoint, Error, Restored, seal};

impl Checkpoint {
    /// The definition and the partition that a snapshot says it is of.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it doesn't say.
    pub fn origin(&self) -> Result<(String, u32), Error> {
        let query = "SELECT definition, partition FROM origin";
        let origin = self
            .connection
            .query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)));
        origin.map_err(|error| self.failed(error))
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
}

fn unpack_ids(bytes: &[u8]) -> Vec<u64> {
    let (ids, _) = bytes.as_chunks::<8>();
    ids.iter().map(|id| u64::from_le_bytes(*id)).collect()
}
