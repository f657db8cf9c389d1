//! Snapshots: whole checkpoints in a folder or an object store, so that a partition can move to a machine that
//! has never seen it.
//!
//! A state is a function of the log, so any snapshot at or below the log's end is valid anywhere. One is made
//! whole beside its place, checked as if it were to be used, and then put there in one step under its name: a
//! crash leaves it whole or not at all. Whoever restores one checks it again and believes nothing it says.

pub mod image;
mod name;
mod open;
mod probe;
mod refusal;
pub mod staging;
pub mod taker;
mod transfer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;
use pipeline::definition::Definition;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

pub use self::name::Name;
pub use self::open::is_secret;
pub use self::probe::Newest;
pub use self::transfer::Kept;

/// Where snapshots are kept when nothing else is said, how often they are taken, and how many are kept.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Time between two snapshots of a partition.
    pub every: Duration,
    /// Snapshots kept of a partition; 1 or more.
    pub keep: usize,
    /// Records by which a snapshot must be ahead of the checkpoint at hand to be fetched.
    pub ahead: u64,
    /// Time that all partitions of one assignment together may spend on fetching.
    pub fetching: Duration,
    /// Time that a process which ends waits for its last snapshots.
    pub last: Duration,
}

/// Fewer records are folded again in less time than a snapshot takes to fetch, check and install: a partition folds some
/// hundred thousand a second.
const WORTH_FETCHING: u64 = 1_000_000;

/// The group waits five minutes for a member that is assigned partitions.
const FETCHING: Duration = Duration::from_secs(180);
/// A process that is told to stop is killed before long.
const LAST: Duration = Duration::from_secs(20);

impl Default for Schedule {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(600),
            keep: 3,
            ahead: WORTH_FETCHING,
            fetching: FETCHING,
            last: LAST,
        }
    }
}

/// What went wrong with a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The setting can't be used.
    #[error("snapshots.{0}")]
    Setting(String),
    /// The store refused, or is away.
    #[error("{}", refusal::sentence(.0))]
    Store(#[from] object_store::Error),
    /// The store didn't answer in time.
    #[error("snapshots.url: no answer in time; see that the store can be reached")]
    Late,
    /// The disk refused.
    #[error("the folder for snapshots on their way, {0}: {1}; see that its disk has room")]
    Io(PathBuf, std::io::Error),
    /// The checkpoint can't be copied, or the snapshot is not what it should be.
    #[error(transparent)]
    Checkpoint(#[from] crate::checkpoint::Error),
    /// The snapshot is another's.
    #[error("it is {found}, not {wanted}")]
    Foreign {
        /// What it says it is.
        found: String,
        /// What its name says it is.
        wanted: String,
    },
}

impl Error {
    /// Whether the store gave no answer: another time it may.
    pub fn is_silence(&self) -> bool {
        match self {
            Self::Late => true,
            Self::Store(error) => !refusal::is_answer(error),
            _ => false,
        }
    }
}

/// A place for snapshots.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Where the objects are files.
    folder: Option<PathBuf>,
    /// Bytes of an upload's parts.
    part: usize,
}

/// What is read of a file at a time, and the size of an upload's parts: S3 takes none below 5 MiB but the last.
const PART: usize = 8 << 20;

impl Store {
    /// With parts of this size, for stores that take smaller ones.
    #[must_use]
    pub fn with_parts(self, part: usize) -> Self {
        Self { part, ..self }
    }
}

/// The snapshots of one definition, in a store.
#[derive(Clone)]
pub struct Snapshots {
    store: Store,
    definition: Arc<Definition>,
    runtime: Handle,
    /// When calls end, whatever their own limit: set when the process ends.
    end: Arc<watch::Sender<Option<Instant>>>,
}

impl Snapshots {
    /// Of this definition. Calls wait for the store, on this runtime; they are made outside of it.
    pub fn new(store: Store, definition: Arc<Definition>, runtime: Handle) -> Self {
        Self {
            store,
            definition,
            runtime,
            end: Arc::default(),
        }
    }

    /// No call waits for the store after this.
    pub fn end_by(&self, end: Instant) {
        self.end.send_replace(Some(end));
    }

    /// Whether the store is waited for no more.
    pub fn have_ended(&self) -> bool {
        self.end.borrow().is_some_and(|end| end <= Instant::now())
    }

    /// The definition.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }
}
