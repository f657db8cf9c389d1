//! Many requests' records, handed to the log together by partition and answered each by itself: who waits for the log waits
//! beside others, not behind them.
//!
//! Records of one request to one partition stay together and in order. What there is no room for is refused at once.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use crossbeam_channel::Receiver;
use futures::future::join_all;
use log::{Appended, Caller, NewRecord, Producer};
use schemas::partition::partition_of;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::lanes::{Lanes, Turn};
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

/// Appends the records of many requests. Cheap to clone; its [`Calls`] end with the last one.
#[derive(Clone)]
pub struct Appender {
    lanes: Arc<Lanes<Waiting>>,
    places: Arc<Semaphore>,
    topic: &'static str,
}

/// An appender's calls to the log: whoever has this makes them.
pub struct Calls {
    lanes: Weak<Lanes<Waiting>>,
    turns: Receiver<usize>,
    producer: Arc<dyn Producer>,
    topic: &'static str,
    is_failing: Arc<AtomicBool>,
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
pub(crate) type Held = Box<dyn Send + Sync>;

type Answer = Result<Acknowledged, NotAppended>;

/// The records of one request to one partition.
struct Waiting {
    records: Vec<NewRecord>,
    answer: oneshot::Sender<Answer>,
    /// What the request takes, given back when all of it is answered.
    held: Arc<(OwnedSemaphorePermit, UnderWay, Option<Held>)>,
}

impl Appender {
    /// Starts a thread that makes the calls. `topic` is the label of its metrics, `partitions` are what calls are made apart
    /// for: one where a call is dear and no partition can be without a leader.
    ///
    /// # Errors
    /// When the system has no further thread.
    pub fn start(
        topic: &'static str,
        producer: Arc<dyn Producer>,
        partitions: u32,
    ) -> io::Result<Self> {
        let (appender, calls) = Self::new(topic, producer, partitions);
        std::thread::Builder::new()
            .name(format!("append-{topic}"))
            .spawn(move || calls.run())?;
        Ok(appender)
    }

    /// The same without a thread: its calls are made by whoever has them.
    pub fn new(topic: &'static str, producer: Arc<dyn Producer>, partitions: u32) -> (Self, Calls) {
        let (lanes, turns) = Lanes::new(partitions as usize);
        metrics::begin_topic(topic);
        let calls = Calls {
            lanes: Arc::downgrade(&lanes),
            turns,
            producer,
            topic,
            is_failing: Arc::default(),
        };
        let appender = Self {
            lanes,
            places: Arc::new(Semaphore::new(WAITING)),
            topic,
        };
        (appender, calls)
    }

    /// Appends the records and waits until every one is acknowledged; `room` is held until then, even when nobody waits any
    /// longer. The answers are in the order of the records.
    ///
    /// # Errors
    /// When there is no room, or the log did not acknowledge.
    pub async fn append(&self, records: Vec<NewRecord>, room: Option<Held>) -> Answer {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| NotAppended::Full)?;
        let held = Arc::new((place, UnderWay::at_log(self.topic), room));
        let parts = self.parts(records).into_iter();
        let answers = parts.map(|(lane, (numbers, records))| {
            let (answer, answered) = oneshot::channel();
            let held = Arc::clone(&held);
            let taken = self.lanes.wait(
                lane,
                Waiting {
                    records,
                    answer,
                    held,
                },
            );
            async move {
                let answer = if taken { answered.await.ok() } else { None };
                (numbers, answer.unwrap_or_else(|| Err(ended())))
            }
        });
        put_together(join_all(answers).await)
    }

    /// The records by lane, with their numbers in the request.
    fn parts(&self, records: Vec<NewRecord>) -> BTreeMap<usize, (Vec<usize>, Vec<NewRecord>)> {
        let mut parts: BTreeMap<usize, (Vec<usize>, Vec<NewRecord>)> = BTreeMap::new();
        for (number, record) in records.into_iter().enumerate() {
            let lane = partition_of(&record.key, self.lanes.count() as u32) as usize;
            let (numbers, records) = parts.entry(lane).or_default();
            numbers.push(number);
            records.push(record);
        }
        parts
    }
}

/// The answers of all parts as one, in the order of the records.
fn put_together(parts: Vec<(Vec<usize>, Answer)>) -> Answer {
    let (mut places, mut last) = (Vec::new(), None);
    for (numbers, answer) in parts {
        let acknowledged = answer?;
        last = last.max(Some(acknowledged.at));
        places.extend(numbers.into_iter().zip(acknowledged.places));
    }
    places.sort_unstable_by_key(|(number, _)| *number);
    Ok(Acknowledged {
        places: places.into_iter().map(|(_, place)| place).collect(),
        // Without records there was nothing to wait for.
        at: last.unwrap_or_else(Instant::now),
    })
}

fn ended() -> NotAppended {
    NotAppended::Refused("no thread appends any more; restart it".to_owned())
}

impl Calls {
    /// Makes each call when it is its turn, until the last appender is gone.
    fn run(self) {
        while let Ok(lane) = self.turns.recv() {
            self.make(lane);
        }
    }

    /// Makes those calls whose turn it is.
    pub fn make_due(&self) {
        self.turns.try_iter().for_each(|lane| self.make(lane));
    }

    fn make(&self, lane: usize) {
        let Some(lanes) = self.lanes.upgrade() else {
            return;
        };
        let mut records = 0;
        let (waiting, turn) = lanes.take(lane, |next: &Waiting| {
            records += next.records.len();
            records <= CALL_RECORDS
        });
        let callers = waiting
            .into_iter()
            .map(|waiting| waiting.caller(self.topic, &self.is_failing, &turn));
        self.producer.append_each(callers.collect());
    }
}

impl Waiting {
    /// Who has gone meanwhile is told nothing.
    fn caller(
        self,
        topic: &'static str,
        is_failing: &Arc<AtomicBool>,
        turn: &Arc<Turn<Self>>,
    ) -> Caller {
        let Self {
            records,
            answer,
            held,
        } = self;
        let (count, start) = (records.len(), Instant::now());
        let (is_failing, turn) = (Arc::clone(is_failing), Arc::clone(turn));
        let told = move |appended: Result<Vec<Appended>, log::Error>| {
            let at = Instant::now();
            metrics::count_append(topic, count, appended.is_ok(), at - start);
            say(topic, appended.as_ref().err(), &is_failing);
            let acknowledged = appended.map(|places| Acknowledged { places, at });
            let _ = answer.send(acknowledged.map_err(not_appended));
            drop((held, turn));
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
