//! What a processor is told.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pipeline::definition::Definition;

use crate::snapshots::Schedule;

/// A little more than a worker that stops waits for its last checkpoint.
const HANDOVER: Duration = Duration::from_secs(15);

/// Settings of one processor.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the numbers depend on besides the log.
    pub definition: Arc<Definition>,
    /// Where checkpoints lie.
    pub state_folder: PathBuf,
    /// A checkpoint is taken after this long …
    pub checkpoint_every: Duration,
    /// … or after this many records.
    pub checkpoint_records: u64,
    /// Shortest time between two projections to the hot views.
    pub hot_every: Duration,
    /// Time between two projections to the history.
    pub history_every: Duration,
    /// Bytes of state at which partitions pause, all together.
    pub memory_limit: u64,
    /// Whether to go on where many records are misrouted.
    pub pass_misrouted: bool,
    /// Time a new owner waits for the old one, which takes its last checkpoint, to let go of the file. All partitions
    /// of an assignment together: an owner that stands still holds all of its files.
    pub handover: Duration,
    /// When snapshots are taken, where there is a place for them.
    pub snapshots: Schedule,
}

impl Settings {
    /// The defaults for a definition and a state folder.
    pub fn new(definition: Arc<Definition>, state_folder: PathBuf) -> Self {
        Self {
            definition,
            state_folder,
            checkpoint_every: Duration::from_secs(2),
            checkpoint_records: 1_000_000,
            hot_every: Duration::from_millis(100),
            history_every: Duration::from_secs(30),
            memory_limit: 4 << 30,
            pass_misrouted: false,
            handover: HANDOVER,
            snapshots: Schedule::default(),
        }
    }
}
