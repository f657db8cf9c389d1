//! Follows `footfall.entries` and folds it, so that every gateway finds what the log has decided.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use log::{Consumer, Delivery};

use crate::folds::Folds;
use crate::keep::{self, Keeping};

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
        let (told, of) = (Arc::clone(&stop), Arc::clone(&folds));
        let following = thread("follow-entries").spawn(move || follow(&of, consumer, &told))?;
        // From here on a failure ends the thread.
        let mut started = Self {
            folds: Arc::clone(&folds),
            stop: Arc::clone(&stop),
            threads: vec![following],
        };
        let kept = thread("keep-entries").spawn(move || keep::run(&folds, &keeping, &stop))?;
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
    for partition in folds.endless() {
        match consumer.bounds(partition) {
            Ok(bounds) => folds.ends_at(partition, bounds.end),
            Err(error) => {
                tracing::warn!(partition, %error, "the log does not say how far the entries reach");
                return;
            }
        }
    }
}
