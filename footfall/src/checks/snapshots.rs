//! Whether snapshots can be kept where the configuration says.

use std::sync::Arc;
use std::time::Duration;

use processor::snapshots::{Error, Newest, Snapshots};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::Checks;
use crate::config::Config;
use crate::set;

/// The store may take this long for all that is asked of it.
const ANSWER: Duration = Duration::from_secs(15);

/// Lists, writes and deletes there. Without snapshots, and with some that can't be had, a process starts all the same.
/// Waits for the store, outside of the runtime.
pub(super) fn check(config: &Config, runtime: Handle) -> Checks {
    let mut checks = Checks::of("snapshots");
    let store = match set::snapshots(config) {
        Ok(Some(store)) => store,
        Ok(None) if config.is_embedded() => return checks,
        Ok(None) => {
            checks.ok("none are kept, for snapshots.url is empty: a machine that has never seen a partition folds it from offset 0");
            return checks;
        }
        Err(error) => {
            checks.refused(error.to_string());
            return checks;
        }
    };
    let snapshots = Snapshots::new(store, Arc::new(config.definition.clone()), runtime);
    let url = config.without_secrets().snapshots.url;
    if snapshots.lacks_folder() {
        checks.warning(format!(
            "snapshots.url is {url}, a folder that is not there, and the first snapshot would make it: if a share is to be mounted there, mount it"
        ));
        return checks;
    }
    match look(&snapshots) {
        Ok(newest) => checks.ok(format!(
            "{url} can be listed, written and deleted in; {}",
            ages(&newest, config.definition.partitions)
        )),
        Err(error) if error.is_silence() => checks.unasked(error.to_string()),
        Err(error) => checks.warning(format!("{error}. Until then no snapshot is kept or used")),
    }
    checks
}

fn look(snapshots: &Snapshots) -> Result<Newest, Error> {
    let until = Instant::now() + ANSWER;
    let newest = snapshots.newest(until)?;
    snapshots.try_out(until)?;
    Ok(newest)
}

/// How many partitions have one, and how old they are. A partition that gets no records needs no newer one.
fn ages(newest: &Newest, partitions: u32) -> String {
    let now = processor::metrics::now_ms() / 1000;
    let oldest = newest.values().min_by_key(|kept| kept.taken_at);
    match oldest {
        None => "no partition of this definition has a snapshot yet".to_owned(),
        Some(oldest) => format!(
            "{} of {partitions} partitions have a snapshot, of which partition {}'s is the oldest, taken {} s ago",
            newest.len(),
            oldest.name.partition,
            (now - oldest.taken_at).max(0)
        ),
    }
}
