//! A store that need not be there when a process starts: it is connected to meanwhile.
//!
//! Until then its calls answer why it is not there, so that the other store, the checkpoints and
//! the process go on. One task connects, however many ask.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use pipeline::row::NamedCells;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Answer, AsOf, Change, Error, Question, Sink, Stored, Views};

/// Pauses between attempts double from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// A store, or why it is not there yet.
pub struct Connecting<S> {
    name: &'static str,
    shared: Arc<Shared<S>>,
    task: JoinHandle<()>,
}

struct Shared<S> {
    store: OnceLock<S>,
    /// How the last attempt ended.
    failed: Mutex<Error>,
}

impl<S> Drop for Connecting<S> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<S: Send + Sync + 'static> Connecting<S> {
    /// Calls `connect` and, when it fails for now or takes longer than `patience`, goes on in the
    /// background until it has succeeded.
    ///
    /// # Errors
    /// Whatever else the first attempt says: a person must look. Said by a later attempt, the
    /// calls answer it, and attempts go on, for the person may have looked.
    pub async fn start<F, C>(
        name: &'static str,
        patience: Duration,
        connect: F,
    ) -> Result<Self, Error>
    where
        F: Fn() -> C + Send + 'static,
        C: Future<Output = Result<S, Error>> + Send,
    {
        let shared = Arc::new(Shared {
            store: OnceLock::new(),
            failed: Mutex::new(Error::Transient {
                store: name,
                detail: "it is being connected to".to_owned(),
            }),
        });
        let (first, ended) = oneshot::channel();
        // A task of its own, so that no attempt is broken off where an asker loses patience.
        let this = Self {
            name,
            shared: shared.clone(),
            task: tokio::spawn(async move { shared.connect(name, connect, first).await }),
        };
        match tokio::time::timeout(patience, ended).await {
            Ok(Ok(Err(error))) if !may_pass(&error) => return Err(error),
            Ok(_) => {}
            Err(_) => tracing::warn!(
                store = name,
                "it took longer than {patience:?} to connect; going on without it"
            ),
        }
        Ok(this)
    }

    /// The store.
    ///
    /// # Errors
    /// Why it is not there.
    pub fn get(&self) -> Result<&S, Error> {
        self.shared.store.get().ok_or_else(|| {
            let failed = self.shared.failed.lock();
            failed.unwrap_or_else(PoisonError::into_inner).clone()
        })
    }
}

impl<S> Shared<S> {
    async fn connect<C: Future<Output = Result<S, Error>>>(
        &self,
        name: &'static str,
        connect: impl Fn() -> C,
        first: oneshot::Sender<Result<(), Error>>,
    ) {
        let mut first = Some(first);
        let mut pause = FIRST_PAUSE;
        let mut said = String::new();
        loop {
            let error = match connect().await {
                Ok(store) => {
                    // Nobody else sets it.
                    let _ = self.store.set(store);
                    tracing::info!(store = name, "connected");
                    let _ = first.map(|first| first.send(Ok(())));
                    return;
                }
                Err(error) => error,
            };
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = error.clone();
            if let Some(first) = first.take()
                && first.send(Err(error.clone())).is_ok()
                && !may_pass(&error)
            {
                // Who started it is told so and ends.
                return;
            }
            let sentence = error.to_string();
            if sentence != said {
                tracing::warn!(error = sentence, store = name, "not there; trying again");
                said = sentence;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }
}

fn may_pass(error: &Error) -> bool {
    matches!(error, Error::Transient { .. })
}

#[async_trait]
impl<S: Sink + 'static> Sink for Connecting<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn stored(&self, partition: u32) -> Result<Stored, Error> {
        self.get()?.stored(partition).await
    }

    async fn apply(&self, change: &Change) -> Result<Stored, Error> {
        self.get()?.apply(change).await
    }

    async fn fill(&self, change: &Change) -> Result<Stored, Error> {
        self.get()?.fill(change).await
    }
}

#[async_trait]
impl<S: Views + 'static> Views for Connecting<S> {
    async fn ask(&self, question: &Question) -> Result<Answer, Error> {
        self.get()?.ask(question).await
    }

    async fn dump(&self) -> Result<(AsOf, NamedCells), Error> {
        self.get()?.dump().await
    }
}
