//! The log in one SQLite file.

use std::path::Path;
use std::sync::Arc;

use crate::{Consumer, Error, Positions, Producer, Reader};

/// Milliseconds since the epoch, when asked.
pub type Clock = Box<dyn Fn() -> i64 + Send + Sync>;

/// Several topics in one SQLite file, held by one process.
pub struct Log {}

impl Log {
    /// Opens or creates the log at `path`, for this process alone. Every topic has `partitions` partitions.
    ///
    /// # Errors
    /// When another process holds it, or it was made with another number of partitions.
    pub fn open(_path: &Path, _partitions: u32) -> Result<Arc<Self>, Error> {
        Err(Error::Fatal("not written yet".into()))
    }

    /// [`Log::open`] with a clock of one's own, for tests.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_with_clock(
        _path: &Path,
        _partitions: u32,
        _clock: Clock,
    ) -> Result<Arc<Self>, Error> {
        Err(Error::Fatal("not written yet".into()))
    }

    /// Opens an existing log for reading while no process appends; several may read at once.
    ///
    /// # Errors
    /// When it is missing, or a process holds it for appending.
    pub fn open_read_only(_path: &Path) -> Result<Arc<Self>, Error> {
        Err(Error::Fatal("not written yet".into()))
    }

    /// A producer; the topic is made when it is new.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn producer(self: &Arc<Self>, _topic: &str) -> Result<Arc<dyn Producer>, Error> {
        Err(Error::Fatal("not written yet".into()))
    }

    /// The one consumer of all partitions; the topic is made when it is new.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn consumer(
        self: &Arc<Self>,
        _topic: &str,
        _positions: Arc<dyn Positions>,
    ) -> Result<Box<dyn Consumer>, Error> {
        Err(Error::Fatal("not written yet".into()))
    }

    /// A reader of any range.
    ///
    /// # Errors
    /// When the topic is not there.
    pub fn reader(self: &Arc<Self>, _topic: &str) -> Result<Box<dyn Reader>, Error> {
        Err(Error::Fatal("not written yet".into()))
    }
}
