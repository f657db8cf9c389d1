//! Sends frozen rows to a store until it answers, each partition apart from the others.
//!
//! What was sent is sent again, the same, as long as the answer is unknown: the store's range
//! guard makes that harmless (I3).

use std::sync::{Arc, Weak};
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
}

impl Projector {
    /// A projector of `sink`, on `runtime`.
    pub fn new(sink: Arc<dyn Sink>, runtime: Handle) -> Self {
        Self {
            sink,
            runtime,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
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
                Ok(stored) => return Some(Ok(stored)),
                Err(Error::Fatal(sentence)) => return Some(Err(sentence)),
                Err(error) => {
                    tracing::warn!(%error, partition, store = self.name(), "sending again");
                    ::metrics::counter!(metrics::RETRIES, "what" => self.name()).increment(1);
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_RETRY);
        }
        None
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
