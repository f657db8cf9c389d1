//! Follows `footfall.entries` and folds it, so that every gateway finds what the log has decided.
//!
//! Nothing is answered from a fold that has not reached where the log ended when the following began.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use log::{Appended, Batch, Consumer, Delivery, NoStart, Positions};
use pipeline::admission::Admission;
use schemas::partition::partition_of;
use tokio::sync::watch;

/// How long a poll waits for records; a stop is noticed after it.
const POLL: Duration = Duration::from_millis(100);
/// Pause after a poll that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The fold of each partition.
pub struct Folds(Vec<Fold>);

struct Fold {
    state: Mutex<State>,
    /// The first offset not folded yet.
    next: watch::Sender<u64>,
}

struct State {
    admission: Admission,
    /// Where the log ended when the following began; unknown before.
    end: Option<u64>,
    /// Why the partition is not followed any further.
    halted: Option<String>,
}

/// Why a partition's fold can't be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Behind {
    /// It has not reached the end yet that the log had at the start.
    #[error("partition {partition} of the entries is folded up to {folded}, not yet to its end")]
    Folding {
        /// The partition.
        partition: u32,
        /// How far.
        folded: u64,
    },
    /// It is not followed any further.
    #[error("partition {partition} of the entries can't be followed: {why}")]
    Halted {
        /// The partition.
        partition: u32,
        /// Why.
        why: String,
    },
}

impl Folds {
    /// Folds of a topic with so many partitions, from its first record on.
    pub fn new(partitions: u32) -> Arc<Self> {
        let fold = |partition| Fold {
            state: Mutex::new(State {
                admission: Admission::new(partition, partitions),
                end: None,
                halted: None,
            }),
            next: watch::Sender::new(0),
        };
        Arc::new(Self((0..partitions).map(fold).collect()))
    }

    /// Whether every partition may be asked.
    ///
    /// # Errors
    /// The first that may not.
    pub fn ready(&self) -> Result<(), Behind> {
        let all = (0u32..).zip(&self.0);
        all.into_iter()
            .try_for_each(|(partition, fold)| fold.state().check(partition))
    }

    /// The partition of an activity.
    pub(crate) fn partition_of(&self, activity: &str) -> u32 {
        partition_of(activity.as_bytes(), self.partitions())
    }

    pub(crate) fn partitions(&self) -> u32 {
        self.0.len() as u32
    }

    /// What the fold of an activity's partition says.
    pub(crate) fn look<T>(
        &self,
        activity: &str,
        look: impl FnOnce(&Admission) -> T,
    ) -> Result<T, Behind> {
        let partition = self.partition_of(activity);
        let state = self.0[partition as usize].state();
        state.check(partition)?;
        Ok(look(&state.admission))
    }

    /// Waits until the record at that place is folded.
    pub(crate) async fn folded(&self, at: Appended) {
        let Some(fold) = self.0.get(at.partition as usize) else {
            return;
        };
        // The sender lives as long as the fold.
        let _ = fold
            .next
            .subscribe()
            .wait_for(|next| *next > at.offset)
            .await;
    }

    fn fold(&self, batch: &Batch) {
        let Some(fold) = self.0.get(batch.partition as usize) else {
            return;
        };
        let mut state = fold.state();
        for record in batch.records() {
            state.admission.fold(&record);
        }
        let next = state.admission.next_offset();
        drop(state);
        fold.next.send_replace(next);
    }

    fn halt(&self, partition: u32, why: &str) {
        tracing::error!(partition, why, "the entries can't be followed");
        if let Some(fold) = self.0.get(partition as usize) {
            fold.state().halted = Some(why.to_owned());
        }
    }
}

impl Fold {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(&self, partition: u32) -> Result<(), Behind> {
        let folded = self.admission.next_offset();
        if let Some(why) = &self.halted {
            let why = why.clone();
            return Err(Behind::Halted { partition, why });
        }
        match self.end {
            Some(end) if end <= folded => Ok(()),
            _ => Err(Behind::Folding { partition, folded }),
        }
    }
}

/// A consumer of the topic begins where the folds end.
impl Positions for Folds {
    fn start(&self, partition: u32) -> Result<u64, NoStart> {
        let fold = self.0.get(partition as usize);
        fold.map(|fold| fold.state().admission.next_offset())
            .ok_or_else(|| {
                let known = self.0.len();
                NoStart::Fatal(format!(
                    "the entries had {known} partitions and have more; start the gateway again"
                ))
            })
    }
}

/// A thread that follows; it ends when this is dropped.
pub struct Following {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Following {
    /// Follows with a consumer of all partitions that begins where `folds` says.
    ///
    /// # Errors
    /// When the system has no further thread.
    pub fn start(folds: Arc<Folds>, consumer: Box<dyn Consumer>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("follow-entries".to_owned())
            .spawn(move || follow(&folds, consumer, &told))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that follows the entries panicked");
        }
    }
}

fn follow(folds: &Folds, mut consumer: Box<dyn Consumer>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match consumer.poll(POLL) {
            Ok(deliveries) => deliveries.iter().for_each(|said| take(folds, said)),
            Err(error) => {
                tracing::warn!(%error, "the entries can't be followed for now");
                std::thread::sleep(PAUSE);
            }
        }
        learn_ends(folds, consumer.as_mut());
    }
    consumer.leave();
}

fn take(folds: &Folds, delivery: &Delivery) {
    match delivery {
        Delivery::Batch(batch) => folds.fold(batch),
        Delivery::Halted { partition, error } => folds.halt(*partition, &error.to_string()),
        Delivery::Delayed { partition, why } => {
            tracing::warn!(
                partition,
                why,
                "a partition of the entries is not followed yet"
            );
        }
        Delivery::Assigned(_) | Delivery::Revoked(_) => {}
    }
}

/// Asks where the log ends, once for each partition.
fn learn_ends(folds: &Folds, consumer: &mut dyn Consumer) {
    for (partition, fold) in (0u32..).zip(&folds.0) {
        if fold.state().end.is_some() {
            continue;
        }
        match consumer.bounds(partition) {
            Ok(bounds) => fold.state().end = Some(bounds.end),
            Err(error) => {
                tracing::warn!(partition, %error, "the log does not say how far the entries reach");
                return;
            }
        }
    }
}
