//! Keeps the folds, and tells how far they are, on a thread of its own: whoever asks for a seat waits for neither.
//!
//! A snapshot is made of the one before and of the records since, read once more. So the fold that answers is not held
//! up, however large it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use log::{Cut, Error};

use crate::folds::Folds;
use crate::metrics;
use crate::snapshots::Snapshots;

/// Shortest time between two snapshots of a partition: what a gateway that was killed reads again of the log.
const EVERY: Duration = Duration::from_secs(30);
/// Time between two looks at how far the log reaches.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Keeping a partition takes at most one part in so many of a processor's time.
const REST: u32 = 20;

/// How often folds are kept.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// Shortest time between two snapshots of a partition.
    pub every: Duration,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { every: EVERY }
    }
}

/// Keeps and tells until `stop`.
pub(crate) fn run(mut keeper: Keeper, stop: &AtomicBool) {
    let goes_on = || !stop.load(Ordering::Relaxed);
    while goes_on() {
        keeper.turn(Instant::now, goes_on);
        if goes_on() {
            std::thread::park_timeout(keeper.keeping.every.min(LOOK_EVERY));
        }
    }
}

/// Keeps the folds, a turn at a time.
pub struct Keeper {
    folds: Arc<Folds>,
    keeping: Keeping,
    begun: Instant,
    /// When each partition is kept next.
    due: BTreeMap<u32, Instant>,
    cut: Cut,
}

impl Keeper {
    /// Keeps `folds` as `keeping` says, from now on.
    pub fn new(folds: Arc<Folds>, keeping: Keeping, now: Instant) -> Self {
        Self {
            folds,
            keeping,
            begun: now,
            due: BTreeMap::new(),
            cut: Cut::default(),
        }
    }

    /// Keeps the partitions whose time has come, as long as `goes_on`, and tells how far all are.
    pub fn turn(&mut self, now: impl Fn() -> Instant, goes_on: impl Fn() -> bool) {
        let Self {
            folds,
            keeping,
            cut,
            ..
        } = self;
        tell(folds);
        let Some(snapshots) = folds.snapshots() else {
            return;
        };
        look_at_ends(folds, snapshots, cut, &goes_on);
        for (partition, next) in wanting(folds, snapshots) {
            let first = self.begun + keeping.every;
            let at = self.due.entry(partition).or_insert(first);
            let start = now();
            if goes_on() && *at <= start {
                let kept = snapshots.advance(partition, next, &goes_on);
                tell_kept(snapshots, partition, kept);
                let end = now();
                *at = end + keeping.every.max((end - start) * REST);
            }
        }
    }

    /// Keeps what is not kept yet, when nobody is answered any more.
    pub fn last(&self) {
        last(&self.folds);
    }
}

/// Keeps what is not kept yet, when nobody is answered any more.
pub(crate) fn last(folds: &Folds) {
    let Some(snapshots) = folds.snapshots() else {
        return;
    };
    for (partition, next) in folds.next() {
        if snapshots.kept(partition) >= next {
            continue;
        }
        if let Some(kept) = folds.with(partition, |fold| snapshots.keep(fold)) {
            tell_kept(snapshots, partition, kept);
        }
    }
}

/// The partitions that have gone on since they were kept, and how far. None while the log is read for the first time:
/// to read it twice would take longer.
fn wanting(folds: &Folds, snapshots: &Snapshots) -> Vec<(u32, u64)> {
    if folds.ready().is_err() {
        return Vec::new();
    }
    let has_gone_on = |&(partition, next): &(u32, u64)| snapshots.kept(partition) < next;
    folds.next().filter(has_gone_on).collect()
}

fn tell(folds: &Folds) {
    metrics::set_ready(folds.ready().is_ok());
    for (partition, next) in folds.next() {
        metrics::set_next(partition, next);
    }
}

/// Tells how far the folds are behind; one whose log was made anew is followed no further.
fn look_at_ends(folds: &Folds, snapshots: &Snapshots, cut: &mut Cut, goes_on: impl Fn() -> bool) {
    for (partition, next) in folds.next() {
        if !goes_on() {
            return;
        }
        match snapshots.bounds(partition) {
            Ok(bounds) => {
                metrics::set_lag(partition, bounds.end.saturating_sub(next));
                if let Err(error) = cut.hear(partition, bounds, next) {
                    folds.halt(partition, &error.to_string());
                }
            }
            Err(error) => {
                tracing::warn!(partition, %error, "the log does not say how far the entries reach");
                return;
            }
        }
    }
}

fn tell_kept(snapshots: &Snapshots, partition: u32, kept: Result<(), Error>) {
    metrics::set_failing(partition, kept.is_err());
    if let Err(error) = kept {
        let folder = snapshots.folder().display();
        tracing::error!(partition, %error, %folder, "admissions can't be kept; a gateway that starts again reads more of the log");
    }
}
