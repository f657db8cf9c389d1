//! Once a second, on a thread of its own: how far the log is ahead, and what the process holds.
//!
//! It asks the log, which may take long when a broker is away; nothing waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use metrics::gauge;

use crate::metrics as names;
use crate::positions::Checkpoints;
use crate::settings::Settings;
use crate::space;
use crate::status::{Partition, Status};

const EVERY: Duration = Duration::from_secs(1);

/// Starts the thread; it ends within a second after `stop`.
pub(crate) fn start(
    checkpoints: Arc<Checkpoints>,
    status: Status,
    settings: Arc<Settings>,
    stop: Arc<AtomicBool>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("lag".to_owned())
        .spawn(move || {
            gauge!(names::MEMORY_LIMIT).set(settings.memory_limit as f64);
            let mut watched = Watched::default();
            while !stop.load(Ordering::Relaxed) {
                gauge!(names::MEMORY).set(status.memory() as f64);
                // Before the first partition there is no folder yet.
                if let Ok(free) = space::free_bytes(&settings.state_folder) {
                    gauge!(names::STATE_FREE).set(free as f64);
                }
                let partitions = status.partitions();
                for (partition, of) in &partitions {
                    report(*partition, of);
                    if let Ok(bounds) = checkpoints.bounds(*partition) {
                        report_lag(*partition, of, bounds.end);
                        watched.look(*partition, of, bounds.end, Instant::now());
                    }
                }
                watched.forget_all_but(&partitions);
                std::thread::park_timeout(EVERY);
            }
        })
}

/// Since when each view lacks a record that the log held, by partition and view; and the partitions of the last look.
#[derive(Default)]
struct Watched(BTreeMap<(u32, &'static str), Awaited>, BTreeSet<u32>);

/// The log's end when the view was last seen to hold all that was then awaited of it.
#[derive(Clone, Copy)]
struct Awaited {
    end: u64,
    since: Instant,
}

impl Watched {
    fn look(&mut self, partition: u32, of: &Partition, end: u64, now: Instant) {
        for view in of.rows_waiting.keys() {
            let stored = of.stored.get(view).copied().unwrap_or(0);
            let behind = self.behind(partition, view, stored, end, now).as_secs_f64();
            gauge!(names::VIEW_BEHIND, "partition" => partition.to_string(), "view" => *view)
                .set(behind);
        }
    }

    /// How long the oldest record that the view lacks has been in the log, at least.
    fn behind(
        &mut self,
        partition: u32,
        view: &'static str,
        stored: u64,
        end: u64,
        now: Instant,
    ) -> Duration {
        let new = Awaited { end, since: now };
        let awaited = self.0.entry((partition, view)).or_insert(new);
        if stored >= awaited.end {
            *awaited = new;
        }
        match stored >= awaited.end {
            true => Duration::ZERO,
            false => now.duration_since(awaited.since),
        }
    }

    /// A partition that another process has now is neither behind nor halted here.
    fn forget_all_but(&mut self, partitions: &BTreeMap<u32, Partition>) {
        let gone: BTreeSet<u32> = self.0.keys().map(|(partition, _)| *partition).collect();
        for partition in gone.into_iter().filter(|of| !partitions.contains_key(of)) {
            self.0.retain(|(of, view), _| {
                let goes = *of == partition;
                if goes {
                    let label = partition.to_string();
                    gauge!(names::VIEW_BEHIND, "partition" => label.clone(), "view" => *view)
                        .set(0.0);
                    gauge!(names::ROWS_WAITING, "partition" => label, "view" => *view).set(0.0);
                }
                !goes
            });
        }
        for partition in std::mem::take(&mut self.1) {
            if !partitions.contains_key(&partition) {
                clear(partition);
            }
        }
        self.1 = partitions.keys().copied().collect();
    }
}

/// Sets what a partition no longer has here.
fn clear(partition: u32) {
    for name in [
        names::HALTED,
        names::LETTERS_WAITING,
        names::LAG_RECORDS,
        names::LAG_SECONDS,
    ] {
        gauge!(name, "partition" => partition.to_string()).set(0.0);
    }
}

fn report(partition: u32, of: &Partition) {
    names::tally(partition, &of.tally);
    let label = partition.to_string();
    let halted = f64::from(u8::from(of.halted.is_some()));
    gauge!(names::HALTED, "partition" => label.clone()).set(halted);
    gauge!(names::LETTERS_WAITING, "partition" => label.clone()).set(of.letters_waiting as f64);
    for (what, held) in &of.held {
        gauge!(names::HELD, "partition" => label.clone(), "what" => *what).set(*held as f64);
    }
    for (view, rows) in &of.rows_waiting {
        gauge!(names::ROWS_WAITING, "partition" => label.clone(), "view" => *view)
            .set(*rows as f64);
    }
    for (limit, met) in &of.limits_met {
        metrics::counter!(names::LIMITS_MET, "partition" => label.clone(), "limit" => *limit)
            .absolute(*met);
    }
}

fn report_lag(partition: u32, of: &Partition, end: u64) {
    let lag = end.saturating_sub(of.next_offset);
    let seconds = if lag == 0 || of.log_time == 0 {
        0.0
    } else {
        (names::now_ms() - of.log_time).max(0) as f64 / 1000.0
    };
    let label = partition.to_string();
    gauge!(names::LAG_RECORDS, "partition" => label.clone()).set(lag as f64);
    gauge!(names::LAG_SECONDS, "partition" => label).set(seconds);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_behind_since_the_log_held_what_it_lacks() {
        let mut watched = Watched::default();
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut behind = |stored, end, seconds| {
            let behind = watched.behind(3, "redis", stored, end, at(seconds));
            behind.as_secs()
        };
        assert_eq!(behind(10, 10, 0), 0);
        // Records that came within the last second are not late.
        assert_eq!(behind(10, 15, 1), 0);
        assert_eq!(behind(10, 20, 2), 1, "15 was there at 1");
        assert_eq!(behind(14, 30, 9), 8);
        assert_eq!(behind(15, 40, 10), 0, "what was awaited is there");
        assert_eq!(behind(39, 50, 11), 1);
        assert_eq!(behind(50, 50, 12), 0);
    }

    #[test]
    fn a_view_that_holds_nothing_is_behind_from_the_first_look_on() {
        let mut watched = Watched::default();
        let start = Instant::now();
        assert_eq!(watched.behind(0, "redis", 0, 5, start), Duration::ZERO);
        let later = start + Duration::from_secs(7);
        let behind = watched.behind(0, "redis", 0, 5, later);
        assert_eq!(behind, Duration::from_secs(7));
    }
}
