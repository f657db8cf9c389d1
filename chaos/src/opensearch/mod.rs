//! OpenSearch in memory: one cluster with one index, to which requests come when a scheduler says so.
//!
//! It answers the requests by which a [`views::opensearch::Store`] writes and dumps as the server does, and panics at any
//! other. What it has acknowledged it keeps; searches see what was refreshed, a document asked for by its id is
//! seen at once.

mod compare;
mod index;
mod server;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use views::opensearch::{Documents, Failure, Request, Wire};

pub use compare::{behind, differences};
use server::{Sent, Server};

type Answer = Result<(u16, String), Failure>;

/// The cluster. Clones are the same one; as a [`Wire`] it takes the requests of any number of stores.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    inner: Arc<Mutex<Inner>>,
    arrival: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Inner {
    server: Server,
    /// In the order in which they were sent.
    on_their_way: Vec<OnItsWay>,
    ends: u128,
}

#[derive(Debug)]
struct OnItsWay {
    sent: Sent,
    /// None once its sender has been told that it took too long.
    answer: Option<oneshot::Sender<Answer>>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is carried out and answered.
    Good,
    /// It never comes; its sender sees a broken connection.
    LoseRequest,
    /// It is carried out; its sender sees a broken connection.
    LoseReply,
    /// It is carried out twice, unless it is one that is sent only once; the second answer comes.
    Twice,
    /// The cluster has too much to do: 429.
    Throttle,
    /// No primary can take it now: 503.
    Unavailable,
    /// Of a bulk the documents whose bit is set, counted modulo 64, are refused, in turn with 429 and 503; of a refresh
    /// the shards fail. Any other request is carried out.
    Partial(u64),
    /// Its sender hears that it took too long, and it is still on its way: it can be delivered later.
    Slow,
}

impl Cluster {
    /// A cluster that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A cluster that takes older documents over newer ones: what no check may overlook.
    pub fn careless() -> Self {
        let cluster = Self::default();
        cluster.lock().server.is_careless = true;
        cluster
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Names for the makings of the index, each a new one whichever store asks: what `Store::over` wants.
    pub fn ends(&self) -> impl Fn() -> u128 + Send + Sync + use<> {
        let cluster = self.clone();
        move || {
            let mut inner = cluster.lock();
            inner.ends += 1;
            inner.ends
        }
    }

    /// How many requests are on their way.
    pub fn len(&self) -> usize {
        self.lock().on_their_way.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A request on its way, in words.
    pub fn what(&self, index: usize) -> String {
        self.lock().on_their_way[index].sent.to_string()
    }

    /// Whether anybody still waits for the answer to a request.
    pub fn is_awaited(&self, index: usize) -> bool {
        self.lock().on_their_way[index].is_awaited()
    }

    /// Waits until there is a request whose answer is awaited; the first such one.
    pub async fn arrived(&self) -> usize {
        loop {
            let awaited = OnItsWay::is_awaited;
            if let Some(index) = self.lock().on_their_way.iter().position(awaited) {
                return index;
            }
            self.arrival.notified().await;
        }
    }

    /// Lets a request meet its fate.
    ///
    /// # Panics
    /// When no such request is on its way, or it is one that a server in memory doesn't know.
    pub fn deliver(&self, index: usize, fate: Fate) {
        let mut inner = self.lock();
        if fate == Fate::Slow {
            inner.on_their_way[index].tell(Err(Failure::Slow("the answer is late".to_owned())));
            return;
        }
        let mut request = inner.on_their_way.remove(index);
        let sent = &request.sent;
        let server = &mut inner.server;
        let lost = || Failure::Gone("the connection is broken".to_owned());
        let answer = match fate {
            Fate::Good | Fate::Slow => Ok(server.answer(sent, 0)),
            Fate::LoseRequest => Err(lost()),
            Fate::LoseReply => {
                server.answer(sent, 0);
                Err(lost())
            }
            Fate::Twice => {
                let first = server.answer(sent, 0);
                Ok(if sent.comes_once() {
                    first
                } else {
                    server.answer(sent, 0)
                })
            }
            Fate::Throttle => Ok(server::refusal(429, "circuit_breaking_exception")),
            Fate::Unavailable => Ok(server::refusal(503, "unavailable_shards_exception")),
            Fate::Partial(refused) => Ok(server.answer(sent, refused)),
        };
        request.tell(answer);
    }

    /// An operator deletes the index. What is on its way to it will find none.
    pub fn delete_index(&self) {
        self.lock().server.delete();
    }

    /// How far the partition's checkpoint document says that it is held.
    pub fn checkpoint(&self, partition: u32) -> Option<u64> {
        self.lock().server.checkpoint(partition, false)
    }

    /// As [`Self::checkpoint`], of what searches see.
    pub fn seen_checkpoint(&self, partition: u32) -> Option<u64> {
        self.lock().server.checkpoint(partition, true)
    }

    /// The partition's documents but for its checkpoint.
    pub fn documents(&self, partition: u32) -> Documents {
        self.lock().server.documents(partition, false)
    }

    /// As [`Self::documents`], of what searches see.
    pub fn seen_documents(&self, partition: u32) -> Documents {
        self.lock().server.documents(partition, true)
    }

    /// Every document that went back to an older version, or said something else at the same one, and every checkpoint
    /// that went back, while the index was there (I3).
    pub fn went_back(&self) -> Vec<String> {
        self.lock().server.went_back.clone()
    }
}

impl OnItsWay {
    fn is_awaited(&self) -> bool {
        self.answer.as_ref().is_some_and(|to| !to.is_closed())
    }

    /// Whoever sent it may be gone.
    fn tell(&mut self, answer: Answer) {
        if let Some(to) = self.answer.take() {
            to.send(answer).ok();
        }
    }
}

#[async_trait]
impl Wire for Cluster {
    async fn exchange(&self, request: &Request<'_>, within: Duration) -> Answer {
        let (to, answer) = oneshot::channel();
        self.lock().on_their_way.push(OnItsWay {
            sent: Sent::new(request),
            answer: Some(to),
        });
        self.arrival.notify_one();
        match timeout(within, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Failure::Gone("nobody delivers this any more".to_owned())),
            Err(_) => Err(Failure::Slow(format!("no answer in {within:?}"))),
        }
    }
}

#[cfg(test)]
mod tests;
