//! The snapshots of a partition.

use log::Bounds;
use tokio::time::Instant;

use super::{Arrived, Checkpoints, Origin};
use crate::metrics as names;
use crate::snapshots::{Error, Name, Snapshots, image, taker};

impl Checkpoints {
    /// The newest sound snapshot within the log, if it is much further than the checkpoint at hand.
    pub(super) fn fetch(
        &self,
        partition: u32,
        bounds: Bounds,
        at_hand: Option<u64>,
    ) -> Option<Arrived> {
        let snapshots = self.snapshots.as_ref()?;
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
                    return None;
                }
            };
            if let Some(newest) = kept.first() {
                taker::report(*newest);
            }
            let within = |name: &Name| (bounds.start..=bounds.end).contains(&name.offset);
            let names = kept.into_iter().map(|kept| kept.name);
            names
                .filter(|name| within(name) && is_wanted(name.offset))
                .find_map(|name| self.arrived(snapshots, name, until))
        })
    }

    /// A snapshot, fetched and checked. One that can't be used is said and left where it is.
    fn arrived(&self, snapshots: &Snapshots, name: Name, until: Instant) -> Option<Arrived> {
        let Name { partition, offset } = name;
        match self.fetched(snapshots, name, until) {
            Ok(arrived) => match self.log.check(partition, offset, arrived.restored.last) {
                Ok(()) => Some(arrived),
                Err(why) => refused(name, &why),
            },
            Err(error @ (Error::Checkpoint(_) | Error::Foreign { .. })) => {
                refused(name, &error.to_string())
            }
            Err(error) => {
                metrics::counter!(names::RETRIES, "what" => "snapshot").increment(1);
                tracing::error!(partition, offset, %error, "a snapshot can't be fetched");
                None
            }
        }
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

fn refused(name: Name, why: &str) -> Option<Arrived> {
    let Name { partition, offset } = name;
    metrics::counter!(names::SNAPSHOTS_REFUSED).increment(1);
    tracing::error!(
        partition,
        offset,
        why,
        "a snapshot is refused, and the next older one is tried; move it away for a person to look at"
    );
    None
}
