//! How far each partition's documents go at least, as its checkpoint document says.

use serde_json::Value;

use super::{Store, documents};
use crate::{Error, Stamp, Stored};

impl Store {
    /// How far the partition's documents go at least.
    pub(super) async fn read_checkpoint(&self, partition: u32) -> Result<Stored, Error> {
        let Some(checkpoint) = self.checkpoint(partition).await? else {
            return Ok(Stored::Missing);
        };
        let offset = checkpoint["offset"].as_u64().ok_or_else(|| {
            Error::Fatal(format!(
                "the checkpoint document {} in {} has no offset; delete the index so that it is filled anew",
                documents::checkpoint_id(partition),
                self.names.index
            ))
        })?;
        Ok(Stored::At(offset))
    }

    /// How far each partition is stored at least; `None` for one that is not there. In their order.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn stamps(&self) -> Result<Vec<Option<Stamp>>, Error> {
        let mut stamps = Vec::with_capacity(self.partitions as usize);
        for partition in 0..self.partitions {
            let checkpoint = self.checkpoint(partition).await?;
            let stamp = checkpoint.and_then(|checkpoint| {
                Some(Stamp {
                    partition,
                    offset: checkpoint["offset"].as_u64()?,
                    log_time: checkpoint["log_time"].as_i64().unwrap_or(0),
                })
            });
            stamps.push(stamp);
        }
        Ok(stamps)
    }

    /// The partition's checkpoint document; none where there is none.
    async fn checkpoint(&self, partition: u32) -> Result<Option<Value>, Error> {
        let id = documents::checkpoint_id(partition);
        let path = format!("/{}/_doc/{id}", self.names.index);
        let routing = partition.to_string();
        let query = [("routing", routing.as_str())];
        let found = self.http.find(&path, &query, "read a checkpoint").await?;
        Ok(found.map(|mut found| found["_source"].take()))
    }
}
