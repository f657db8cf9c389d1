//! Once a second, on a thread of its own: how far the log is ahead, and what the process holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use metrics::gauge;

use crate::ends::Ends;
use crate::metrics as names;
use crate::settings::Settings;
use crate::space;
use crate::status::{Partition, Status};

const EVERY: Duration = Duration::from_secs(1);

/// Starts the thread; it ends within a second after `stop`.
pub(crate) fn start(
    ends: Ends,
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
                watched.look(&status.partitions(), &ends, Instant::now());
                std::thread::park_timeout(EVERY);
            }
        })
}

/// What is kept from one look to the next.
#[derive(Default)]
struct Watched {
    /// Since when each view lacks a record that the log held, by partition and view.
    views: BTreeMap<(u32, &'static str), Awaited>,
    /// The partitions of the last look, with what their states held.
    partitions: BTreeMap<u32, Vec<&'static str>>,
}

/// The log's end when the view was last seen to hold all that was then awaited of it.
#[derive(Clone, Copy)]
struct Awaited {
    end: u64,
    since: Instant,
}

impl Watched {
    /// Says what `partitions`, all of this process, are doing, and how far behind the log they are.
    fn look(&mut self, partitions: &BTreeMap<u32, Partition>, ends: &Ends, now: Instant) {
        let unreachable = f64::from(u8::from(ends.unanswered(now)));
        gauge!(names::LOG_UNREACHABLE).set(unreachable);
        for (partition, of) in partitions {
            report(*partition, of);
            if let Some(end) = ends.of(*partition) {
                report_lag(*partition, of, end);
                self.report_views(*partition, of, end, now);
            }
        }
        self.forget_all_but(partitions);
    }

    fn report_views(&mut self, partition: u32, of: &Partition, end: u64, now: Instant) {
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
        let awaited = self.views.entry((partition, view)).or_insert(new);
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
        self.views.retain(|(partition, view), _| {
            let stays = partitions.contains_key(partition);
            if !stays {
                let label = partition.to_string();
                gauge!(names::VIEW_BEHIND, "partition" => label.clone(), "view" => *view).set(0.0);
                gauge!(names::ROWS_WAITING, "partition" => label, "view" => *view).set(0.0);
            }
            stays
        });
        for (partition, held) in std::mem::take(&mut self.partitions) {
            if !partitions.contains_key(&partition) {
                clear(partition, &held);
            }
        }
        let held = |of: &Partition| of.held.iter().map(|(what, _)| *what).collect();
        let now = partitions.iter().map(|(number, of)| (*number, held(of)));
        self.partitions = now.collect();
    }
}

/// Sets what a partition no longer has here.
fn clear(partition: u32, held: &[&'static str]) {
    for what in held {
        gauge!(names::HELD, "partition" => partition.to_string(), "what" => *what).set(0.0);
    }
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
    for (place, milestone) in of.milestones.iter().enumerate() {
        let Some(milestone) = milestone else { continue };
        let (label, place) = (label.clone(), place.to_string());
        // A gauge is a double: 52 bits of the digest survive in it unrounded.
        gauge!(names::DIGEST, "partition" => label.clone(), "place" => place.clone())
            .set((milestone.digest & ((1 << 52) - 1)) as f64);
        gauge!(names::DIGEST_OFFSET, "partition" => label, "place" => place)
            .set(milestone.offset as f64);
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
    #![allow(clippy::unwrap_used)]
    use log::Bounds;

    use super::*;
    use crate::milestones::Milestone;

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

    /// Whether the metrics have these lines.
    fn has(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(
                text.lines().any(|of| of == *line),
                "{line} is not in\n{text}"
            );
        }
    }

    fn behind() -> Partition {
        Partition {
            next_offset: 5,
            halted: Some("for a test".to_owned()),
            letters_waiting: 2,
            held: vec![("users", 7)],
            rows_waiting: [("redis", 3)].into(),
            ..Partition::default()
        }
    }

    #[test]
    fn a_partition_that_left_says_nothing_but_its_digests() {
        let recorder = telemetry::metrics::recorder().unwrap();
        let _here = metrics::set_default_local_recorder(&recorder);
        let mut watched = Watched::default();
        let milestone = Milestone {
            offset: 4,
            digest: 11,
        };
        let of = Partition {
            milestones: [None, Some(milestone), None, None],
            ..behind()
        };
        let ours = BTreeMap::from([(3, of)]);
        let ends = Ends::default();
        ends.ask(vec![(3, 0)], |_| Ok(Bounds { start: 0, end: 9 }));
        watched.look(&ours, &ends, Instant::now());
        has(
            &recorder.handle().render(),
            &[
                r#"footfall_state_items{partition="3",what="users"} 7"#,
                r#"footfall_partition_halted{partition="3"} 1"#,
                r#"footfall_lag_records{partition="3"} 4"#,
            ],
        );
        watched.look(&BTreeMap::new(), &ends, Instant::now());
        has(
            &recorder.handle().render(),
            &[
                r#"footfall_state_items{partition="3",what="users"} 0"#,
                r#"footfall_partition_halted{partition="3"} 0"#,
                r#"footfall_dead_letters_waiting{partition="3"} 0"#,
                r#"footfall_lag_records{partition="3"} 0"#,
                r#"footfall_projection_rows_waiting{partition="3",view="redis"} 0"#,
                r#"footfall_state_digest{partition="3",place="1"} 11"#,
                r#"footfall_state_digest_offset{partition="3",place="1"} 4"#,
            ],
        );
    }

    #[test]
    fn a_log_that_does_not_answer_is_said_and_counted_beside_lags_of_its_last_answer() {
        let recorder = telemetry::metrics::recorder().unwrap();
        let _here = metrics::set_default_local_recorder(&recorder);
        let (mut watched, ends) = (Watched::default(), Ends::default());
        let ours = BTreeMap::from([(0, behind()), (1, behind())]);
        ends.ask(vec![(0, 0), (1, 0)], |_| Ok(Bounds { start: 0, end: 6 }));
        ends.ask(vec![(0, 0), (1, 0)], |_| {
            Err(log::Error::Transient("for a test".to_owned()))
        });
        watched.look(&ours, &ends, Instant::now());
        has(
            &recorder.handle().render(),
            &[
                "footfall_log_unreachable 1",
                r#"footfall_retries_total{what="log"} 2"#,
                r#"footfall_lag_records{partition="1"} 1"#,
            ],
        );
        ends.ask(vec![(0, 0), (1, 0)], |_| Ok(Bounds { start: 0, end: 5 }));
        watched.look(&ours, &ends, Instant::now());
        has(&recorder.handle().render(), &["footfall_log_unreachable 0"]);
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
