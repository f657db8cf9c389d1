//! Many requests' records, handed to the log together and answered each by itself: who waits for the log waits beside others,
//! not behind them.
//!
//! Records of one request stay together and in order. What there is no room for is refused at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use log::{Appended, Caller, NewRecord, Producer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::metrics::{self, UnderWay};

/// Requests that the log has not answered: more than a listener has under way on ten connections of HTTP/2, so that only a
/// log that stands still leaves no room.
const WAITING: usize = 4_096;
/// Records after which a call takes no further request: what they cost is shared, and none waits for many.
const CALL_RECORDS: usize = 1_000;

/// Why records were not appended, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAppended {
    /// There is no room: nothing was appended.
    #[error("{WAITING} requests wait for the log already")]
    Full,
    /// The log did not acknowledge: any of the records may have been appended.
    #[error("{0}")]
    Unacknowledged(String),
    /// The log refuses for good: any of the records may have been appended.
    #[error("{0}")]
    Refused(String),
}

/// Appends the records of many requests. Cheap to clone; its thread ends with the last one.
#[derive(Clone)]
pub struct Appender {
    sender: Sender<Waiting>,
    places: Arc<Semaphore>,
    topic: &'static str,
}

/// What the log acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// Where each record stands, in their order.
    pub places: Vec<Appended>,
    /// When the log said so.
    pub at: Instant,
}

/// Room that a request takes, given back when this is dropped.
pub(crate) type Held = Box<dyn Send>;

type Answer = Result<Acknowledged, NotAppended>;

/// The records of one request.
struct Waiting {
    records: Vec<NewRecord>,
    answer: oneshot::Sender<Answer>,
    /// What they take, given back when they are answered.
    held: (OwnedSemaphorePermit, UnderWay, Option<Held>),
}

impl Appender {
    /// Starts the thread. `topic` is the label of its metrics.
    ///
    /// # Errors
    /// When the system has no further thread.
    pub fn start(topic: &'static str, producer: Arc<dyn Producer>) -> io::Result<Self> {
        let (sender, receiver) = bounded(WAITING);
        metrics::begin_topic(topic);
        std::thread::Builder::new()
            .name(format!("append-{topic}"))
            .spawn(move || serve(topic, &receiver, producer.as_ref()))?;
        Ok(Self {
            sender,
            places: Arc::new(Semaphore::new(WAITING)),
            topic,
        })
    }

    /// Appends the records and waits until every one is acknowledged; `room` is held until then, even when nobody waits any
    /// longer. The answers are in the order of the records.
    ///
    /// # Errors
    /// When there is no room, or the log did not acknowledge.
    pub async fn append(&self, records: Vec<NewRecord>, room: Option<Held>) -> Answer {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| NotAppended::Full)?;
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            records,
            answer,
            held: (place, UnderWay::at_log(self.topic), room),
        };
        self.sender.try_send(waiting).map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }
}

fn ended() -> NotAppended {
    NotAppended::Refused("no thread appends any more; restart it".to_owned())
}

fn serve(topic: &'static str, receiver: &Receiver<Waiting>, producer: &dyn Producer) {
    let is_failing = Arc::new(AtomicBool::new(false));
    while let Ok(first) = receiver.recv() {
        let waiting = gather(first, receiver).into_iter();
        let callers = waiting.map(|waiting| waiting.caller(topic, &is_failing));
        producer.append_each(callers.collect());
    }
}

/// What waits by now: at least one request.
fn gather(first: Waiting, receiver: &Receiver<Waiting>) -> Vec<Waiting> {
    let mut records = first.records.len();
    let mut waiting = vec![first];
    while records < CALL_RECORDS
        && let Ok(next) = receiver.try_recv()
    {
        records += next.records.len();
        waiting.push(next);
    }
    waiting
}

impl Waiting {
    /// Who has gone meanwhile is told nothing.
    fn caller(self, topic: &'static str, is_failing: &Arc<AtomicBool>) -> Caller {
        let Self {
            records,
            answer,
            held,
        } = self;
        let (count, start) = (records.len(), Instant::now());
        let is_failing = Arc::clone(is_failing);
        let told = move |appended: Result<Vec<Appended>, log::Error>| {
            let at = Instant::now();
            metrics::count_append(topic, count, appended.is_ok(), at - start);
            say(topic, appended.as_ref().err(), &is_failing);
            let acknowledged = appended.map(|places| Acknowledged { places, at });
            let _ = answer.send(acknowledged.map_err(not_appended));
            drop(held);
        };
        Caller {
            records,
            told: Box::new(told),
        }
    }
}

/// Says when the log begins to refuse, and when it takes records again: thousands may be refused between.
fn say(topic: &'static str, error: Option<&log::Error>, is_failing: &AtomicBool) {
    let was_failing = is_failing.swap(error.is_some(), Ordering::Relaxed);
    match error {
        Some(error) if !was_failing => {
            tracing::warn!(topic, %error, "records were not acknowledged");
        }
        None if was_failing => tracing::info!(topic, "records are acknowledged again"),
        _ => {}
    }
}

fn not_appended(error: log::Error) -> NotAppended {
    match error {
        log::Error::Transient(_) => NotAppended::Unacknowledged(error.to_string()),
        log::Error::OutOfRange { .. } | log::Error::Fatal(_) => {
            NotAppended::Refused(error.to_string())
        }
    }
}
