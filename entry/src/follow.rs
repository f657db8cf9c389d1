//! Follows `footfall.entries` and folds it, so that every gateway finds what the log has decided.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use log::{Consumer, Delivery, Error};

use crate::folds::Folds;
use crate::keep::{self, Keeper, Keeping};

/// How long a poll waits for records; a stop is noticed after it.
const POLL: Duration = Duration::from_millis(100);
/// Pause after a poll that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Threads that follow, and keep what is folded; they end when this is dropped, and the folds are kept then.
pub struct Following {
    folds: Arc<Folds>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Following {
    /// Follows with a consumer of all partitions that begins where `folds` says.
    ///
    /// # Errors
    /// When the system has no further thread.
    pub fn start(folds: Arc<Folds>, consumer: Box<dyn Consumer>) -> io::Result<Self> {
        Self::keeping(folds, consumer, Keeping::default())
    }

    /// The same, and folds are kept as `keeping` says.
    ///
    /// # Errors
    /// When the system has no further thread.
    pub fn keeping(
        folds: Arc<Folds>,
        consumer: Box<dyn Consumer>,
        keeping: Keeping,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let follower = Follower::new(Arc::clone(&folds), consumer);
        let told = Arc::clone(&stop);
        let following = thread("follow-entries").spawn(move || follow(follower, &told))?;
        // From here on a failure ends the thread.
        let mut started = Self {
            folds: Arc::clone(&folds),
            stop: Arc::clone(&stop),
            threads: vec![following],
        };
        let keeper = Keeper::new(folds, keeping, Instant::now());
        let kept = thread("keep-entries").spawn(move || keep::run(keeper, &stop))?;
        started.threads.push(kept);
        Ok(started)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("a thread that follows or keeps the entries panicked");
            }
        }
        keep::last(&self.folds);
    }
}

fn follow(mut follower: Follower, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = follower.turn(POLL) {
            tracing::warn!(%error, "the entries can't be followed for now");
            std::thread::sleep(PAUSE);
        }
    }
    follower.consumer.leave();
}

/// Follows the entries, a turn at a time.
pub struct Follower {
    folds: Arc<Folds>,
    consumer: Box<dyn Consumer>,
}

impl Follower {
    /// Folds what a consumer of all partitions brings, which begins where `folds` says.
    pub fn new(folds: Arc<Folds>, consumer: Box<dyn Consumer>) -> Self {
        Self { folds, consumer }
    }

    /// Folds what comes within that time.
    ///
    /// # Errors
    /// When the log can't be read for now.
    pub fn turn(&mut self, within: Duration) -> Result<(), Error> {
        let polled = self.consumer.poll(within);
        if let Ok(deliveries) = &polled {
            deliveries.iter().for_each(|said| self.take(said));
        }
        self.learn_ends();
        polled.map(drop)
    }

    fn take(&self, delivery: &Delivery) {
        match delivery {
            Delivery::Batch(batch) => self.folds.fold(batch),
            Delivery::Halted { partition, error } => {
                self.folds.halt(*partition, &error.to_string());
            }
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
    fn learn_ends(&mut self) {
        for partition in self.folds.endless() {
            match self.consumer.bounds(partition) {
                Ok(bounds) => self.folds.ends_at(partition, bounds.end),
                Err(error) => {
                    tracing::warn!(partition, %error, "the log does not say how far the entries reach");
                    return;
                }
            }
        }
    }
}
