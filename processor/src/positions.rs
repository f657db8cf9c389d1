//! Where each partition starts: its checkpoint, checked against the log it came from.
//!
//! The checkpoint at hand, else a copy of one whose owner stands still, else the newest snapshot, else the log from
//! offset 0. Each is read whole and compared with the log before it is used.

mod local;
mod log_check;
mod patience;
mod remote;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use log::{NoStart, Positions, Reader};
use metrics::counter;
use mutants::Mutant;
use pipeline::aggregate;

use self::log_check::Log;
pub(crate) use self::log_check::{check_partitions, compare};
use self::patience::Patience;
use crate::checkpoint::{Checkpoint, Error, Place, Restored};
use crate::metrics as names;
use crate::settings::Settings;
use crate::snapshots::Snapshots;
use crate::snapshots::staging::{Staged, Staging};

/// A partition's checkpoint, open, with the state it holds.
pub struct Opened {
    /// The file.
    pub file: Checkpoint,
    /// The state.
    pub restored: Restored,
    from: Origin,
}

impl Opened {
    /// The first offset not folded.
    pub fn position(&self) -> u64 {
        self.restored.state.next_offset()
    }

    /// Where it came from: `checkpoint`, `copy`, `snapshot`, `log`.
    pub fn from(&self) -> &'static str {
        self.from.as_str()
    }
}

/// A whole copy on its way into its place, checked, with the state it holds.
struct Arrived {
    staged: Staged,
    restored: Restored,
    from: Origin,
}

/// Where a state came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Checkpoint,
    Copy,
    Snapshot,
    Log,
}

impl Origin {
    fn as_str(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Copy => "copy",
            Self::Snapshot => "snapshot",
            Self::Log => "log",
        }
    }
}

/// Opens checkpoints as partitions are assigned and keeps them for their workers.
pub struct Checkpoints {
    settings: Arc<Settings>,
    /// Of the states' rows.
    readers: Vec<aggregate::Reader>,
    log: Arc<Log>,
    snapshots: Option<Snapshots>,
    staging: Arc<Staging>,
    handover: Patience,
    fetching: Patience,
    opened: Mutex<BTreeMap<u32, Opened>>,
}

impl Checkpoints {
    /// Of the log that `log` reads.
    pub fn new(
        settings: Arc<Settings>,
        readers: Vec<aggregate::Reader>,
        log: Box<dyn Reader>,
        snapshots: Option<Snapshots>,
        staging: Arc<Staging>,
    ) -> Self {
        Self {
            handover: Patience::new(settings.handover),
            fetching: Patience::new(settings.snapshots.fetching),
            settings,
            readers,
            log: Arc::new(Log::new(log)),
            snapshots,
            staging,
            opened: Mutex::default(),
        }
    }

    /// Takes the checkpoint that [`Positions::start`] opened.
    pub fn take(&self, partition: u32) -> Option<Opened> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.remove(&partition)
    }

    /// The log that they are of.
    pub fn log(&self) -> Arc<Log> {
        self.log.clone()
    }

    fn find(&self, partition: u32) -> Result<Opened, NoStart> {
        let partitions = self.settings.definition.partitions;
        let bounds = self.log.bounds_of(partition, partitions)?;
        let held = self.hold(partition).map_err(no_start)?;
        let (mut found, outrun) = self.local(partition, &held).map_err(no_start)?;
        if !held.is_usual
            && let Some(copy) = self.copy_of_held(partition, found.as_ref())
        {
            found = Some(
                self.install(partition, copy, &held.place, found)
                    .map_err(no_start)?,
            );
        }
        let at_hand = found.as_ref().map(Opened::position);
        if let Some(snapshot) = self.fetch(partition, bounds, at_hand)? {
            found = Some(
                self.install(partition, snapshot, &held.place, found)
                    .map_err(no_start)?,
            );
        }
        let found = match found {
            Some(found) => found,
            None => self.anew(partition, held.place).map_err(no_start)?,
        };
        self.log
            .check(partition, found.position(), found.restored.last)?;
        // Only now: until then one of them might have been all there is of this log.
        outrun.into_iter().for_each(Place::remove);
        Ok(found)
    }

    /// Puts a copy in place of what is at hand.
    fn install(
        &self,
        partition: u32,
        arrived: Arrived,
        place: &Place,
        at_hand: Option<Opened>,
    ) -> Result<Opened, Error> {
        // Its file may be the one that is replaced.
        drop(at_hand);
        place.install(arrived.staged.path())?;
        Ok(Opened {
            file: Checkpoint::open_at(place.clone(), partition)?,
            restored: arrived.restored,
            from: arrived.from,
        })
    }

    /// The state before the first record.
    fn anew(&self, partition: u32, place: Place) -> Result<Opened, Error> {
        let file = Checkpoint::open_at(place, partition)?;
        let restored = file.load(self.settings.definition.clone(), &self.readers)?;
        Ok(Opened {
            file,
            restored,
            from: Origin::Log,
        })
    }
}

/// A damaged file waits for a person; a disk that is full or can't be written is tried again.
fn no_start(error: Error) -> NoStart {
    match error {
        Error::Damaged { .. } => NoStart::Fatal(error.to_string()),
        Error::Held(_) | Error::Io(..) | Error::Sqlite(..) => NoStart::Passing(error.to_string()),
    }
}

impl Positions for Checkpoints {
    fn start(&self, partition: u32) -> Result<u64, NoStart> {
        // One that was opened and not taken would hold its file against ourselves.
        drop(self.take(partition));
        let found = self.find(partition)?;
        let from = found.from.as_str();
        let next_offset = match mutants::is(Mutant::LatestReset) && found.from == Origin::Log {
            true => self.log.bounds(partition).map_or(0, |bounds| bounds.end),
            false => found.position(),
        };
        counter!(names::STARTS, "from" => from).increment(1);
        tracing::info!(partition, next_offset, from, "goes on");
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(partition, found);
        Ok(next_offset)
    }
}
