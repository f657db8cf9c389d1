//! The log in one SQLite file: several topics, appended to by one process.
//!
//! An acknowledged record survives the loss of power: it was committed to a write-ahead log that was
//! synced (`synchronous=FULL`). One process appends at a time, by a lock on a file beside it; any number
//! read meanwhile, for a write-ahead log keeps each read at one moment and no append waiting.

mod append;
mod consumer;
mod file;
mod load;
mod reader;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use crate::{Bounds, Error, Positions};

/// Milliseconds since the epoch, when asked.
pub type Clock = Box<dyn Fn() -> i64 + Send + Sync>;

/// Several topics in one SQLite file, appended to by one process.
pub struct Log {
    path: PathBuf,
    /// How many partitions a new topic gets; `None` when opened for reading.
    partitions: Option<u32>,
    clock: Clock,
    topics: Mutex<BTreeMap<String, Arc<Topic>>>,
    queue: append::Queue,
    /// Appends and makes topics.
    writer: Mutex<Connection>,
    /// Of who appends. Last, so that the connections are closed before another process may come in.
    _lock: Option<File>,
}

/// One topic and where its partitions end.
struct Topic {
    id: i64,
    name: String,
    tails: Mutex<Vec<Tail>>,
    /// Something was appended.
    grown: Condvar,
}

/// The end of a partition.
#[derive(Debug, Clone, Copy, Default)]
struct Tail {
    next_offset: u64,
    /// Of the last record; the next one's is no smaller.
    appended_at: i64,
}

impl Log {
    /// Opens or creates the log at `path`; this process alone appends to it. Every topic has `partitions` partitions,
    /// at least one.
    ///
    /// # Errors
    /// [`Error::Fatal`] when another process holds it, when it was made with another number of
    /// partitions, or when it is not a log.
    pub fn open(path: &Path, partitions: u32) -> Result<Arc<Self>, Error> {
        Self::open_with_clock(path, partitions, Box::new(now))
    }

    /// [`Log::open`] with a clock of one's own, for tests.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_with_clock(path: &Path, partitions: u32, clock: Clock) -> Result<Arc<Self>, Error> {
        if partitions == 0 {
            return Err(Error::Fatal(
                "a log needs at least one partition; give a number above 0".into(),
            ));
        }
        let lock = file::hold(path)?;
        let writer = file::open_writer(path)?;
        let topics = file::topics(&writer)?;
        for topic in topics.values() {
            let made = topic.partitions();
            if made != partitions {
                return Err(Error::Fatal(format!(
                    "topic {} in {} was made with {made} partitions, not {partitions}; open it with {made}, \
                     or start a new log: the number can't change",
                    topic.name,
                    path.display(),
                )));
            }
        }
        Ok(Arc::new(Self {
            path: path.to_owned(),
            partitions: Some(partitions),
            clock,
            topics: Mutex::new(topics),
            queue: append::Queue::default(),
            writer: Mutex::new(writer),
            _lock: Some(lock),
        }))
    }

    /// Opens an existing log for reading, also while a process appends to it: where partitions end is
    /// where they ended when this was called.
    ///
    /// # Errors
    /// [`Error::Fatal`] when it is missing, or is not a log.
    pub fn open_read_only(path: &Path) -> Result<Arc<Self>, Error> {
        file::must_exist(path)?;
        let connection = file::open_reader(path)?;
        let topics = file::topics(&connection)?;
        Ok(Arc::new(Self {
            path: path.to_owned(),
            partitions: None,
            clock: Box::new(now),
            topics: Mutex::new(topics),
            queue: append::Queue::default(),
            writer: Mutex::new(connection),
            _lock: None,
        }))
    }

    /// A producer; the topic is made when it is new.
    ///
    /// # Errors
    /// When the file can't be written, or was opened for reading.
    pub fn producer(self: &Arc<Self>, topic: &str) -> Result<Arc<dyn crate::Producer>, Error> {
        if self.partitions.is_none() {
            return Err(Error::Fatal(format!(
                "{} was opened for reading; nothing can be appended to it",
                self.path.display()
            )));
        }
        let topic = self.topic(topic)?;
        Ok(Arc::new(append::Producer::new(Arc::clone(self), topic)))
    }

    /// A consumer of all partitions; the topic is made when it is new. There is no group to share them out, so that each of
    /// several has all of them, as followers have.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn consumer(
        self: &Arc<Self>,
        topic: &str,
        positions: Arc<dyn Positions>,
    ) -> Result<Box<dyn crate::Consumer>, Error> {
        let topic = self.topic(topic)?;
        Ok(Box::new(consumer::Consumer::new(
            Arc::clone(self),
            topic,
            positions,
        )?))
    }

    /// A reader of any range.
    ///
    /// # Errors
    /// When the file can't be read, or has no such topic and was opened for reading.
    pub fn reader(self: &Arc<Self>, topic: &str) -> Result<Box<dyn crate::Reader>, Error> {
        let topic = self.topic(topic)?;
        Ok(Box::new(reader::Reader::new(Arc::clone(self), topic)?))
    }

    /// The topic of that name, made when it is new.
    fn topic(&self, name: &str) -> Result<Arc<Topic>, Error> {
        let mut topics = lock(&self.topics);
        if let Some(topic) = topics.get(name) {
            return Ok(Arc::clone(topic));
        }
        let Some(partitions) = self.partitions else {
            return Err(Error::Fatal(format!(
                "there is no topic {name} in {}; check the file and the topic prefix",
                self.path.display()
            )));
        };
        let topic = file::create_topic(&lock(&self.writer), name, partitions)?;
        let topic = Arc::new(topic);
        topics.insert(name.to_owned(), Arc::clone(&topic));
        Ok(topic)
    }
}

impl Topic {
    fn new(id: i64, name: &str, tails: Vec<Tail>) -> Self {
        Self {
            id,
            name: name.to_owned(),
            tails: Mutex::new(tails),
            grown: Condvar::new(),
        }
    }

    fn partitions(&self) -> u32 {
        lock(&self.tails).len() as u32
    }

    /// What a partition holds.
    fn bounds(&self, connection: &Connection, partition: u32) -> Result<Bounds, Error> {
        // The end first: it may only grow while the start is asked for.
        let end = lock(&self.tails)
            .get(partition as usize)
            .map(|tail| tail.next_offset)
            .ok_or_else(|| no_partition(partition, &self.name))?;
        let start = load::first_offset(connection, self.id, partition)?;
        Ok(Bounds {
            start: start.unwrap_or(end),
            end,
        })
    }
}

fn no_partition(partition: u32, topic: &str) -> Error {
    Error::Fatal(format!("topic {topic} has no partition {partition}"))
}

/// What a failed call means. Only what may pass by itself is transient.
fn failed(error: &rusqlite::Error, path: &Path) -> Error {
    use rusqlite::ErrorCode;
    let text = format!("{}: {error}", path.display());
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory,
        ) => Error::Transient(text),
        _ => Error::Fatal(format!("the log can't be used: {text}")),
    }
}

/// A panic of another thread leaves values that are still whole: each is changed in one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
