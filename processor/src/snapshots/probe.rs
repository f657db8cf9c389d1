//! Whether a store can be used, found by using it: what a person asks before a partition has to move.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, PutPayload};
use tokio::time::Instant;

use super::{Error, Kept, Name, Snapshots};

/// The newest snapshot of each partition that has one.
pub type Newest = BTreeMap<u32, Kept>;

impl Snapshots {
    /// Whether the store is a folder that isn't there yet; who makes it by mistake hides a share that was to be mounted.
    pub fn lacks_folder(&self) -> bool {
        let folder = self.store.folder.as_ref();
        folder.is_some_and(|folder| !folder.is_dir())
    }

    /// The newest snapshot of each partition, by one listing of all.
    ///
    /// # Errors
    /// When the store doesn't answer by `until`.
    pub fn newest(&self, until: Instant) -> Result<Newest, Error> {
        let folder = self.store.prefix.clone().join(self.definition.id());
        self.within(until, async {
            let mut objects = self.store.objects.list(Some(&folder));
            let mut newest = Newest::new();
            while let Some(object) = objects.try_next().await? {
                let Some(name) = Name::of(&object.location, self.definition.partitions) else {
                    continue;
                };
                let taken_at = object.last_modified.timestamp();
                let kept = Kept { name, taken_at };
                let of = newest.entry(name.partition).or_insert(kept);
                *of = kept.max(*of);
            }
            Ok(newest)
        })
    }

    /// Puts a small object beside the snapshots and removes it again.
    ///
    /// # Errors
    /// When the store refuses either, or doesn't answer by `until`.
    pub fn try_out(&self, until: Instant) -> Result<(), Error> {
        let name = format!("footfall-doctor-{}", uuid::Uuid::new_v4().simple());
        let path = self.store.prefix.clone().join(name);
        self.within(until, async {
            let objects = &self.store.objects;
            objects.put(&path, PutPayload::from_static(b"x")).await?;
            objects.delete(&path).await?;
            Ok(())
        })
    }
}
