//! Many requests' records, appended together: who waits for the log waits beside others, not behind them.
//!
//! Records of one request stay together and in order. What the queue has no room for is refused at once.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use log::{Appended, NewRecord, Producer};
use tokio::sync::oneshot;

use crate::metrics;

/// Requests that wait for an appending thread: more than a listener has under way on ten connections of HTTP/2, so that only
/// a log that stands still fills it.
const QUEUE: usize = 4_096;
/// Calls to the log under way at a time. Each waits for its acknowledgement, so that one alone would append no more often
/// than the log answers.
const THREADS: usize = 4;
/// Records after which a call takes no further request: what they cost is shared, and none waits for many.
const CALL_RECORDS: usize = 1_000;

/// Why records were not appended, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAppended {
    /// There is no room in the queue: nothing was appended.
    #[error("{QUEUE} requests wait for the log already")]
    Full,
    /// The log did not acknowledge: any of the records may have been appended.
    #[error("{0}")]
    Unacknowledged(String),
    /// The log refuses for good: any of the records may have been appended.
    #[error("{0}")]
    Refused(String),
}

/// Appends the records of many requests. Cheap to clone; its threads end with the last one.
#[derive(Clone)]
pub struct Appender {
    sender: Sender<Waiting>,
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
    /// The room that they take, given back when they are answered.
    _room: Option<Held>,
}

impl Appender {
    /// Starts the threads. `topic` is the label of its metrics.
    ///
    /// # Errors
    /// When the system has no further thread.
    pub fn start(topic: &'static str, producer: Arc<dyn Producer>) -> io::Result<Self> {
        let (sender, receiver) = bounded(QUEUE);
        metrics::begin_topic(topic);
        for number in 0..THREADS {
            let (receiver, producer) = (receiver.clone(), Arc::clone(&producer));
            std::thread::Builder::new()
                .name(format!("append-{topic}-{number}"))
                .spawn(move || serve(topic, &receiver, producer.as_ref()))?;
        }
        Ok(Self { sender, topic })
    }

    /// Appends the records and waits until every one is acknowledged; `room` is held until then, even when nobody waits any
    /// longer. The answers are in the order of the records.
    ///
    /// # Errors
    /// When there is no room, or the log did not acknowledge.
    pub async fn append(&self, records: Vec<NewRecord>, room: Option<Held>) -> Answer {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            records,
            answer,
            _room: room,
        };
        let sent = self.sender.try_send(waiting);
        metrics::set_queue(self.topic, self.sender.len());
        let ended = || NotAppended::Refused("no thread appends any more; restart it".to_owned());
        match sent {
            Ok(()) => answered.await.unwrap_or_else(|_| Err(ended())),
            Err(TrySendError::Full(_)) => Err(NotAppended::Full),
            Err(TrySendError::Disconnected(_)) => Err(ended()),
        }
    }
}

fn serve(topic: &'static str, receiver: &Receiver<Waiting>, producer: &dyn Producer) {
    while let Ok(first) = receiver.recv() {
        let mut waiting = gather(first, receiver);
        metrics::set_queue(topic, receiver.len());
        let mut records = Vec::new();
        let ends: Vec<usize> = waiting
            .iter_mut()
            .map(|waiting| {
                records.append(&mut waiting.records);
                records.len()
            })
            .collect();
        let (count, start) = (records.len(), Instant::now());
        let appended = producer.append(records).map_err(not_appended);
        let at = Instant::now();
        let appended = appended.map(|places| Acknowledged { places, at });
        metrics::count_append(topic, count, appended.is_ok(), at - start);
        if let Err(error) = &appended {
            tracing::warn!(topic, records = count, %error, "records were not acknowledged");
        }
        answer(waiting, &ends, &appended);
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

/// Tells each its part; `ends` are the ends of the parts. Who has gone meanwhile is told nothing.
fn answer(waiting: Vec<Waiting>, ends: &[usize], appended: &Answer) {
    let mut start = 0;
    for (waiting, end) in waiting.into_iter().zip(ends) {
        let part = appended.as_ref().map_err(Clone::clone).and_then(|all| {
            let too_few = || NotAppended::Refused("the log answered for too few records".into());
            let places = all.places.get(start..*end).ok_or_else(too_few)?;
            Ok(Acknowledged {
                places: places.to_vec(),
                at: all.at,
            })
        });
        start = *end;
        let _ = waiting.answer.send(part);
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
