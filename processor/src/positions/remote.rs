//! The snapshots of a partition.

use log::{Bounds, NoStart};
use tokio::time::Instant;

use super::{Arrived, Checkpoints, Origin};
use crate::metrics as names;
use crate::snapshots::{Error, Name, Snapshots, image, taker};

impl Checkpoints {
    /// The newest sound snapshot, if it is much further than the checkpoint at hand.
    ///
    /// # Errors
    /// [`NoStart::Fatal`] when a snapshot was folded from another log, or from more than there is of this one.
    pub(super) fn fetch(
        &self,
        partition: u32,
        bounds: Bounds,
        at_hand: Option<u64>,
    ) -> Result<Option<Arrived>, NoStart> {
        let Some(snapshots) = self.snapshots.as_ref() else {
            return Ok(None);
        };
        let ahead = self.settings.snapshots.ahead;
        let is_wanted = |offset: u64| match at_hand {
            // The log no longer has what follows the checkpoint.
            Some(at) if at >= bounds.start => offset >= at.saturating_add(ahead),
            _ => offset > 0,
        };
        self.fetching.spend(|left| {
            let until = Instant::now() + left;
            let kept = match snapshots.list(partition, until) {
                Ok(kept) => kept,
                Err(error) => {
                    tracing::error!(partition, %error, "snapshots can't be listed; the partition goes on without");
                    return Ok(None);
                }
            };
            if let Some(newest) = kept.first() {
                taker::report(*newest);
                self.within_log(newest.name)?;
            }
            let names = kept.into_iter().map(|kept| kept.name);
            let names = names.filter(|name| name.offset >= bounds.start && is_wanted(name.offset));
            for name in names {
                if let Some(arrived) = self.arrived(snapshots, name, until)? {
                    return Ok(Some(arrived));
                }
            }
            Ok(None)
        })
    }

    /// Asks the log once more, which has grown meanwhile: the snapshot's owner may be at work.
    fn within_log(&self, newest: Name) -> Result<(), NoStart> {
        let Name { partition, offset } = newest;
        let partitions = self.settings.definition.partitions;
        let bounds = self.log.bounds_of(partition, partitions)?;
        if offset <= bounds.end {
            return Ok(());
        }
        Err(NoStart::Fatal(format!(
            "there is a snapshot of partition {partition} at offset {offset}, and the log ends at {}: the log was truncated or re-created. Restore it; or, to fold what there is as a new view, set another definition.hash_key",
            bounds.end
        )))
    }

    /// A snapshot, fetched and checked. One that is damaged is said and left where it is.
    fn arrived(
        &self,
        snapshots: &Snapshots,
        name: Name,
        until: Instant,
    ) -> Result<Option<Arrived>, NoStart> {
        let Name { partition, offset } = name;
        match self.fetched(snapshots, name, until) {
            Ok(arrived) => {
                self.log.check(partition, offset, arrived.restored.last)?;
                return Ok(Some(arrived));
            }
            Err(error @ (Error::Checkpoint(_) | Error::Foreign { .. })) => {
                refused(name, &error.to_string());
            }
            Err(error) => {
                metrics::counter!(names::RETRIES, "what" => "snapshot").increment(1);
                tracing::error!(partition, offset, %error, "a snapshot can't be fetched");
            }
        }
        Ok(None)
    }

    fn fetched(&self, snapshots: &Snapshots, name: Name, until: Instant) -> Result<Arrived, Error> {
        let staged = self
            .staging
            .file(&format!("{:04}.fetched", name.partition))?;
        snapshots.fetch(name, staged.path(), until)?;
        let definition = &self.settings.definition;
        let (_, restored) = image::check_named(staged.path(), definition, name, &self.readers)?;
        Ok(Arrived {
            staged,
            restored,
            from: Origin::Snapshot,
        })
    }
}

fn refused(name: Name, why: &str) {
    let Name { partition, offset } = name;
    metrics::counter!(names::SNAPSHOTS_REFUSED).increment(1);
    tracing::error!(
        partition,
        offset,
        why,
        "a snapshot is refused, and the next older one is tried; move it away for a person to look at"
    );
}
