//! Reads any range of a partition.

use std::sync::Arc;

use rusqlite::Connection;

use super::{Log, Topic, file, load};
use crate::{Batch, Bounds, Error};

pub(super) struct Reader {
    /// Before the log: closed while the lock is still held.
    connection: Connection,
    _log: Arc<Log>,
    topic: Arc<Topic>,
}

impl Reader {
    pub(super) fn new(log: Arc<Log>, topic: Arc<Topic>) -> Result<Self, Error> {
        Ok(Self {
            connection: file::open_reader(&log.path)?,
            _log: log,
            topic,
        })
    }
}

impl crate::Reader for Reader {
    fn partitions(&mut self) -> Result<u32, Error> {
        Ok(self.topic.partitions())
    }

    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        self.topic.bounds(&self.connection, partition)
    }

    fn read(
        &mut self,
        partition: u32,
        from: u64,
        to: u64,
        visit: &mut dyn FnMut(&Batch) -> bool,
    ) -> Result<(), Error> {
        let bounds = self.bounds(partition)?;
        bounds.check(partition, from)?;
        bounds.check(partition, to)?;
        let mut next = from;
        while next < to {
            let batch = load::batch(&self.connection, self.topic.id, partition, next, to)?;
            next = batch.next_offset().unwrap_or(to);
            if !visit(&batch) {
                break;
            }
        }
        Ok(())
    }
}
