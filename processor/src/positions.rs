//! Where each partition starts: its checkpoint, checked against the log it came from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::{Positions, Reader};

use crate::checkpoint::{Checkpoint, Error, LastRecord};
use crate::settings::Settings;

/// Time a new owner waits for the old one, which takes its last checkpoint, to let go of the file.
const HANDOVER: Duration = Duration::from_secs(15);

/// Time the log may fail to answer while a partition is being assigned; a leader's death takes 6 to 11 s. The
/// group waits for a member that is busy with this for five minutes.
const LOG_ANSWERS: Duration = Duration::from_secs(60);
const LOG_PAUSE: Duration = Duration::from_millis(200);

/// Opens checkpoints as partitions are assigned and keeps them for their workers.
pub struct Checkpoints {
    settings: Arc<Settings>,
    log: Mutex<Box<dyn Reader>>,
    opened: Mutex<BTreeMap<u32, Checkpoint>>,
}

impl Checkpoints {
    /// Of the log that `log` reads.
    pub fn new(settings: Arc<Settings>, log: Box<dyn Reader>) -> Self {
        Self {
            settings,
            log: Mutex::new(log),
            opened: Mutex::default(),
        }
    }

    /// Takes the checkpoint that [`Positions::start`] opened.
    pub fn take(&self, partition: u32) -> Option<Checkpoint> {
        self.opened
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&partition)
    }

    /// What the log holds of a partition.
    ///
    /// # Errors
    /// When the log doesn't answer.
    pub fn bounds(&self, partition: u32) -> Result<log::Bounds, log::Error> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bounds(partition)
    }

    fn open(&self, partition: u32) -> Result<Checkpoint, String> {
        let deadline = Instant::now() + HANDOVER;
        loop {
            let settings = &self.settings;
            match Checkpoint::open(&settings.state_folder, &settings.definition, partition) {
                Err(Error::Held(_)) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                opened => return opened.map_err(|error| error.to_string()),
            }
        }
    }

    /// Compares the log with what the checkpoint folded of it, once the log answers. A broker's death in the
    /// moment of an assignment must not halt a partition.
    fn check(
        &self,
        partition: u32,
        next_offset: u64,
        last: Option<LastRecord>,
    ) -> Result<(), String> {
        let deadline = Instant::now() + LOG_ANSWERS;
        loop {
            match self.compare(partition, next_offset, last) {
                Err(log::Error::Transient(why)) if Instant::now() < deadline => {
                    tracing::warn!(partition, %why, "asking the log again");
                    std::thread::sleep(LOG_PAUSE);
                }
                compared => return compared.map_err(|error| error.to_string()),
            }
        }
    }

    fn compare(
        &self,
        partition: u32,
        next_offset: u64,
        last: Option<LastRecord>,
    ) -> Result<(), log::Error> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let partitions = self.settings.definition.partitions;
        compare(log.as_mut(), partitions, partition, next_offset, last)
    }
}

/// Compares the log with what a checkpoint folded of it.
///
/// # Errors
/// [`log::Error::Fatal`] when it is another log, or lacks what comes next; else what the log says.
pub(crate) fn compare(
    log: &mut dyn Reader,
    expected: u32,
    partition: u32,
    next_offset: u64,
    last: Option<LastRecord>,
) -> Result<(), log::Error> {
    let differs = |sentence| Err(log::Error::Fatal(sentence));
    let partitions = log.partitions()?;
    if partitions != expected {
        return differs(format!(
            "the events topic has {partitions} partitions, the definition {expected}: another number is another view; set definition.partitions and rebuild"
        ));
    }
    let bounds = log.bounds(partition)?;
    if bounds.start > next_offset || bounds.end < next_offset {
        return differs(format!(
            "the log holds offsets {} to {}, the checkpoint goes on at {next_offset}: the log was trimmed, truncated or re-created. Restore it, or move the state folder away to fold what is left as a new view",
            bounds.start, bounds.end
        ));
    }
    let Some(last) = last else {
        return Ok(());
    };
    if last.offset < bounds.start {
        tracing::warn!(
            partition,
            offset = last.offset,
            "the log was trimmed behind the checkpoint"
        );
        return Ok(());
    }
    let mut found = None;
    log.read(partition, last.offset, last.offset + 1, &mut |batch| {
        found = batch.records().next().map(|record| LastRecord::of(&record));
        false
    })?;
    if found != Some(last) {
        return differs(format!(
            "the record at offset {} is not the one this checkpoint folded: the log was re-created. Move the state folder away to fold it as a new view",
            last.offset
        ));
    }
    Ok(())
}

impl Positions for Checkpoints {
    fn start(&self, partition: u32) -> Result<u64, String> {
        let checkpoint = self.open(partition)?;
        let (next_offset, last) = checkpoint
            .position()
            .map_err(|error| error.to_string())?
            .unwrap_or((0, None));
        self.check(partition, next_offset, last)?;
        self.opened
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(partition, checkpoint);
        Ok(next_offset)
    }
}
