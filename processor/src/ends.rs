//! How far the log reaches, asked on a thread of its own: with every broker frozen one question takes minutes,
//! and neither the metrics nor a stop wait for it.
//!
//! It also tells a log that was made anew from one that is quiet (I9).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use log::{Bounds, Cut};
use metrics::counter;

use crate::metrics as names;
use crate::status::Status;

const EVERY: Duration = Duration::from_secs(1);
/// A question that takes so long counts as unanswered; a look that failed for so long asks no further partition.
const ASKING: Duration = Duration::from_secs(5);
/// How long a stop waits for the question under way.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// The log's last answers.
#[derive(Clone, Default)]
pub(crate) struct Ends(Arc<Mutex<Asked>>);

#[derive(Default)]
struct Asked {
    /// The last answer by partition.
    answers: BTreeMap<u32, Answer>,
    cut: Cut,
    /// Since when the question under way waits.
    waiting: Option<Instant>,
    /// Whether a question of the last look failed.
    failed: bool,
    /// The next look asks from this partition on, so that one which doesn't answer keeps no other from being asked.
    first: u32,
}

struct Answer {
    end: u64,
    /// Why it is not the log that was folded.
    cut: Option<log::Error>,
}

/// The thread that asks.
pub(crate) struct Asking {
    thread: JoinHandle<()>,
    stop: Arc<AtomicBool>,
}

impl Asking {
    /// Asks `bounds` for those of each partition that `status` has, once a second.
    pub(crate) fn start(
        ends: Ends,
        status: Status,
        bounds: impl Fn(u32) -> Result<Bounds, log::Error> + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::<AtomicBool>::default();
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("ends".to_owned())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let folded = status.partitions().into_iter();
                    ends.ask(
                        folded
                            .map(|(partition, of)| (partition, of.next_offset))
                            .collect(),
                        &bounds,
                    );
                    std::thread::park_timeout(EVERY);
                }
            })?;
        Ok(Self { thread, stop })
    }

    /// Ends the thread. One that the log keeps waiting is left behind: it holds nothing but a reader of the log.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        let asked = Instant::now();
        while !self.thread.is_finished() && asked.elapsed() < LAST_ANSWER {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Ends {
    /// The end of a partition, as the log last said it.
    pub(crate) fn of(&self, partition: u32) -> Option<u64> {
        let asked = self.asked();
        asked.answers.get(&partition).map(|of| of.end)
    }

    /// The partitions whose log ends before what was folded of it, and stays so.
    pub(crate) fn cut(&self) -> Vec<(u32, log::Error)> {
        let asked = self.asked();
        let answers = asked.answers.iter();
        answers
            .filter_map(|(partition, of)| Some((*partition, of.cut.clone()?)))
            .collect()
    }

    /// Whether the log doesn't say how far it reaches.
    pub(crate) fn unanswered(&self, now: Instant) -> bool {
        let asked = self.asked();
        let waits = asked.waiting.map(|since| now.duration_since(since));
        asked.failed || waits.is_some_and(|waits| waits >= ASKING)
    }

    /// Asks for the bounds of each of `partitions`, which are folded up to so far, for so long as the log answers.
    pub(crate) fn ask(
        &self,
        partitions: Vec<(u32, u64)>,
        bounds: impl Fn(u32) -> Result<Bounds, log::Error>,
    ) {
        let start = Instant::now();
        let mut failed = false;
        for (partition, next_offset) in self.in_turn(partitions) {
            self.asked().waiting = Some(Instant::now());
            let answer = bounds(partition);
            let mut asked = self.asked();
            asked.waiting = None;
            match answer {
                Ok(bounds) => {
                    let cut = asked.cut.hear(partition, bounds, next_offset).err();
                    let end = bounds.end;
                    asked.answers.insert(partition, Answer { end, cut });
                }
                Err(error) => {
                    tracing::debug!(%error, partition, "the log does not say how far it reaches");
                    counter!(names::RETRIES, "what" => "log").increment(1);
                    failed = true;
                    // Said at once: the next question may take minutes.
                    asked.failed = true;
                    asked.first = partition + 1;
                }
            }
            if failed && start.elapsed() >= ASKING {
                break;
            }
        }
        self.asked().failed = failed;
    }

    /// Whom to ask, in this order. Forgets the ends of all others. A process that has no partition, as one has none that
    /// lost its group, asks for the first: whether the log is there is to be known all the same.
    fn in_turn(&self, mut partitions: Vec<(u32, u64)>) -> Vec<(u32, u64)> {
        let mut asked = self.asked();
        let is_ours = |of: &u32| partitions.iter().any(|(partition, _)| partition == of);
        asked.answers.retain(|of, _| is_ours(of));
        asked.cut.retain(|of| is_ours(&of));
        let first = partitions.iter().position(|(of, _)| *of >= asked.first);
        partitions.rotate_left(first.unwrap_or(0));
        if partitions.is_empty() {
            partitions.push((0, 0));
        }
        partitions
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crossbeam_channel::bounded;
    use log::SHORT_ANSWERS;

    use super::*;

    fn away(_: u32) -> Result<Bounds, log::Error> {
        Err(log::Error::Transient("for a test".to_owned()))
    }

    fn to(end: u64) -> Result<Bounds, log::Error> {
        Ok(Bounds { start: 0, end })
    }

    #[test]
    fn a_partition_that_does_not_answer_keeps_no_other_from_being_asked() {
        let ends = Ends::default();
        ends.ask(vec![(0, 0), (1, 0)], |partition| match partition {
            0 => away(0),
            _ => to(6),
        });
        assert_eq!((ends.of(0), ends.of(1)), (None, Some(6)));
        assert!(ends.unanswered(Instant::now()));
        let turn = ends.in_turn(vec![(0, 0), (1, 0)]);
        assert_eq!(turn, [(1, 0), (0, 0)], "the other one is first");
        ends.ask(vec![(0, 0), (1, 0)], |_| to(7));
        assert_eq!((ends.of(0), ends.of(1)), (Some(7), Some(7)));
        assert!(!ends.unanswered(Instant::now()));
        ends.ask(vec![(1, 0)], |_| to(8));
        assert_eq!((ends.of(0), ends.of(1)), (None, Some(8)), "0 is another's");
    }

    #[test]
    fn a_partition_whose_log_ends_before_what_was_folded_is_cut() {
        let ends = Ends::default();
        for _ in 0..SHORT_ANSWERS {
            assert!(ends.cut().is_empty());
            ends.ask(vec![(2, 4), (3, 7)], |_| to(4));
        }
        let cut: Vec<u32> = ends
            .cut()
            .into_iter()
            .map(|(partition, _)| partition)
            .collect();
        assert_eq!(cut, [3]);
    }

    #[test]
    fn a_process_that_lost_all_its_partitions_sees_that_the_log_is_away() {
        let ends = Ends::default();
        ends.ask(Vec::new(), away);
        assert!(ends.unanswered(Instant::now()));
        ends.ask(Vec::new(), |_| to(7));
        assert!(!ends.unanswered(Instant::now()));
    }

    #[test]
    fn a_question_that_never_ends_is_no_answer_and_keeps_no_stop_waiting() {
        let (ends, status) = (Ends::default(), Status::default());
        status.update(3, |_| {});
        let (asked, is_asked) = bounded(1);
        let (answer, answered) = bounded(1);
        let asking = Asking::start(ends.clone(), status, move |_| {
            asked.send(()).unwrap();
            answered.recv().unwrap()
        });
        is_asked.recv().unwrap();
        let now = Instant::now();
        assert!(!ends.unanswered(now));
        assert!(ends.unanswered(now + ASKING));
        asking.unwrap().stop();
        answer.send(to(9)).unwrap();
        while ends.of(3) != Some(9) {
            std::thread::yield_now();
        }
        assert!(!ends.unanswered(now + ASKING));
    }
}
