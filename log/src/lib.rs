//! The log's seam: records appended and acknowledged, partitions consumed in order from an offset.
//!
//! An acknowledged record is read back exactly once at its offset, by every back end; `conformance`
//! holds both back ends to it. Only this crate knows rdkafka.

mod batch;
mod cut;
pub mod embedded;
pub mod kafka;

use std::time::Duration;

pub use batch::{BATCH_BYTES, BATCH_RECORDS, Batch, BatchBuilder};
pub use cut::{Cut, SHORT_ANSWERS};

/// What went wrong with the log.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The log did not answer, or answered that it can't now: the same call may go through later.
    #[error("the log can't be reached or refused for now: {0}")]
    Transient(String),
    /// The records asked for are not there: the log was truncated, trimmed or made anew.
    #[error(
        "partition {partition}: offset {offset} is outside the log, which holds {start} up to {end}; the log was trimmed, truncated or re-created"
    )]
    OutOfRange {
        /// The partition.
        partition: u32,
        /// The offset asked for.
        offset: u64,
        /// First offset held.
        start: u64,
        /// One past the last offset held.
        end: u64,
    },
    /// The log is not what it must be; going on would risk the data.
    #[error("{0}")]
    Fatal(String),
}

/// Which offsets a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset held.
    pub start: u64,
    /// One past the last.
    pub end: u64,
}

impl Bounds {
    /// Whether reading may start at `offset`: at a record held, or where the next one will stand.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when it may not.
    pub fn check(self, partition: u32, offset: u64) -> Result<(), Error> {
        if (self.start..=self.end).contains(&offset) {
            return Ok(());
        }
        Err(Error::OutOfRange {
            partition,
            offset,
            start: self.start,
            end: self.end,
        })
    }
}

/// A record to append.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRecord {
    /// The partition; `None` lets the key decide (murmur2).
    pub partition: Option<u32>,
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
    /// Headers, packed as in `pipeline::record::Headers`.
    pub headers: Vec<u8>,
}

/// Where an acknowledged record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: u64,
}

/// What polling a consumer yields, in order.
#[derive(Debug)]
pub enum Delivery {
    /// These partitions are ours now; their records start where [`Positions::start`] said.
    Assigned(Vec<u32>),
    /// These are no longer ours. Nothing of them is delivered after this.
    Revoked(Vec<u32>),
    /// Records of one partition, in order, following those before.
    Batch(Batch),
    /// A partition has no start yet: it stays ours and is asked for again. [`Delivery::Assigned`] names it once more
    /// when it has one.
    Delayed {
        /// The partition.
        partition: u32,
        /// Why.
        why: String,
    },
    /// A partition can't be read on: it stays ours but stands still until someone decides.
    Halted {
        /// The partition.
        partition: u32,
        /// Why.
        error: Error,
    },
}

/// Why a partition has no start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoStart {
    /// It may have one later: a disk is full, the log does not answer.
    #[error("{0}")]
    Passing(String),
    /// It has none until a person has looked.
    #[error("{0}")]
    Fatal(String),
}

/// How long after a passing failure a partition's start is asked for again.
pub const START_AGAIN: Duration = Duration::from_secs(5);

/// Where consumption of a partition starts. Asked when a partition is assigned, on the polling thread.
pub trait Positions: Send + Sync {
    /// The next offset to read.
    ///
    /// # Errors
    /// A sentence saying why there is none. It is asked for again after a passing failure; another halts the partition.
    fn start(&self, partition: u32) -> Result<u64, NoStart>;
}

/// A member of a consumer group, or a follower: one that has all partitions of a topic beside any number of others
/// (`kafka::Consumer::follow`, `embedded::Log::consumer`).
pub trait Consumer: Send {
    /// Waits up to `timeout` for something to happen.
    ///
    /// # Errors
    /// When the log as a whole can't be read.
    fn poll(&mut self, timeout: Duration) -> Result<Vec<Delivery>, Error>;
    /// Stops delivery of a partition; what was fetched already may still come.
    fn pause(&mut self, partition: u32);
    /// Delivers a paused partition again.
    fn resume(&mut self, partition: u32);
    /// Asks the log what a partition holds.
    ///
    /// # Errors
    /// When the log doesn't answer.
    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error>;
    /// Leaves the group: partitions are handed over at once.
    fn leave(self: Box<Self>);
}

/// Appends records.
pub trait Producer: Send + Sync {
    /// Appends records in order (per partition) and waits until every one is acknowledged,
    /// that is, survives the loss of any single machine (embedded: of power).
    ///
    /// # Errors
    /// When any record was not acknowledged; others of the call may have been, on Kafka even this one:
    /// who appends again must be able to tell a second copy. [`Error::Transient`] when appending again may
    /// go through, else [`Error::Fatal`].
    fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, Error>;

    /// Appends the records of several callers, in their order, and tells each by itself what [`Producer::append`] would
    /// return. One back end appends them together, and they share a failure; another returns at once, tells from a
    /// thread of its own, and none waits for another's acknowledgement. Whoever calls bounds how many are not told yet.
    fn append_each(&self, callers: Vec<Caller>) {
        let (mut all, mut ends, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for mut caller in callers {
            all.append(&mut caller.records);
            ends.push(all.len());
            waiting.push(caller.told);
        }
        let appended = self.append(all);
        let mut start = 0;
        for (told, end) in waiting.into_iter().zip(ends) {
            let part = appended.as_ref().map_err(Clone::clone);
            told(part.and_then(|all| part_of(all, start, end)));
            start = end;
        }
    }
}

/// Where the records of one caller stand.
fn part_of(all: &[Appended], start: usize, end: usize) -> Result<Vec<Appended>, Error> {
    let part = all.get(start..end).map(<[Appended]>::to_vec);
    part.ok_or_else(|| Error::Fatal("the log answered for too few records".to_owned()))
}

/// The records of one caller, and how it is told where they stand.
pub struct Caller {
    /// Appended in order, per partition.
    pub records: Vec<NewRecord>,
    /// Called once, maybe on a thread of the log: it must not wait.
    pub told: Told,
}

/// Takes what [`Producer::append`] would return.
pub type Told = Box<dyn FnOnce(Result<Vec<Appended>, Error>) + Send>;

/// Reads a topic without a group.
pub trait Reader: Send {
    /// How many partitions the topic has.
    ///
    /// # Errors
    /// When the log doesn't answer.
    fn partitions(&mut self) -> Result<u32, Error>;
    /// What a partition holds.
    ///
    /// # Errors
    /// When the log doesn't answer.
    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error>;
    /// Records from `from` up to (not including) `to`, in order, as batches of bounded size.
    /// The visitor returns false to stop early.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when `from` is no longer held or `to` is beyond the end;
    /// [`Error::Transient`] when the log doesn't answer.
    fn read(
        &mut self,
        partition: u32,
        from: u64,
        to: u64,
        visit: &mut dyn FnMut(&Batch) -> bool,
    ) -> Result<(), Error>;
}
