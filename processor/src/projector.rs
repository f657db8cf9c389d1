//! Sends frozen rows to a store until it answers, each partition apart from the others.
//!
//! What was sent is sent again, the same, as long as the answer is unknown: the store's range
//! guard makes that harmless (I3).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crossbeam_channel::Sender;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use views::{Change, Error, Sink, Stored};

use crate::metrics;
use crate::worker::Control;

/// Calls to one store at a time.
const AT_ONCE: usize = 4;
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(2);
/// Reasons logged of one outage; further ones are only counted.
const REASONS: usize = 16;

/// What to ask of the store.
#[derive(Debug)]
pub enum Call {
    /// How far it holds the partition.
    Stored,
    /// Apply the change.
    Apply(Change),
    /// Replace what it holds.
    Fill(Change),
}

/// Sends calls to one store.
#[derive(Clone)]
pub struct Projector {
    sink: Arc<dyn Sink>,
    runtime: Handle,
    permits: Arc<Semaphore>,
    outage: Arc<Mutex<Outage>>,
}

/// What is failing, so that a reason is logged once and not once a partition and try.
#[derive(Default)]
struct Outage {
    partitions: BTreeSet<u32>,
    reasons: BTreeSet<String>,
}

impl Outage {
    /// Whether the reason is a new one.
    fn begins(&mut self, partition: u32, reason: &str) -> bool {
        self.partitions.insert(partition);
        self.reasons.len() < REASONS && self.reasons.insert(reason.to_owned())
    }

    /// Whether it was the last partition that failed.
    fn ends(&mut self, partition: u32) -> bool {
        let ends = self.partitions.remove(&partition) && self.partitions.is_empty();
        if ends {
            self.reasons.clear();
        }
        ends
    }
}

impl Projector {
    /// A projector of `sink`, on `runtime`.
    pub fn new(sink: Arc<dyn Sink>, runtime: Handle) -> Self {
        Self {
            sink,
            runtime,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            outage: Arc::default(),
        }
    }

    /// The store's name.
    pub fn name(&self) -> &'static str {
        self.sink.name()
    }

    /// Makes the call; the answer comes to `done` as [`Control::Stored`] of projection `number`.
    /// Nothing is sent again once the worker, who holds `alive`, has gone.
    pub fn send(
        &self,
        number: usize,
        partition: u32,
        call: Call,
        done: Sender<Control>,
        alive: &Arc<()>,
    ) {
        let this = self.clone();
        let alive = Arc::downgrade(alive);
        self.runtime.spawn(async move {
            if let Some(result) = this.until_answered(partition, &call, &alive).await {
                // The worker may have gone meanwhile.
                let _ = done.send(Control::Stored { number, result });
            }
        });
    }

    async fn until_answered(
        &self,
        partition: u32,
        call: &Call,
        alive: &Weak<()>,
    ) -> Option<Result<Stored, String>> {
        let mut pause = FIRST_RETRY;
        while alive.strong_count() > 0 {
            match self.once(partition, call).await {
                Ok(stored) => {
                    if self.outage().ends(partition) {
                        tracing::info!(store = self.name(), "it answers again, for all partitions");
                    }
                    return Some(Ok(stored));
                }
                Err(Error::Fatal(sentence)) => return Some(Err(sentence)),
                Err(error) => {
                    if self.outage().begins(partition, &error.to_string()) {
                        tracing::warn!(%error, store = self.name(), "sending again until it answers");
                    }
                    ::metrics::counter!(metrics::RETRIES, "what" => self.name()).increment(1);
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_RETRY);
        }
        None
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn once(&self, partition: u32, call: &Call) -> Result<Stored, Error> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        match call {
            Call::Stored => self.sink.stored(partition).await,
            Call::Apply(change) => self.sink.apply(change).await,
            Call::Fill(change) => self.sink.fill(change).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outage;

    #[test]
    fn a_reason_is_logged_once_an_outage_whatever_the_partitions_and_tries() {
        let mut outage = Outage::default();
        assert!(outage.begins(0, "refused"));
        assert!(!outage.begins(0, "refused") && !outage.begins(1, "refused"));
        assert!(outage.begins(1, "loading"), "another reason");
        assert!(!outage.begins(0, "refused"), "by turns");
        assert!(!outage.ends(0) && !outage.ends(2), "one is left");
        assert!(outage.ends(1) && !outage.ends(1));
        assert!(outage.begins(0, "refused"), "another outage");
    }
}
