//! Asks the log what it holds, and whether it is the one that a checkpoint folded.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use log::{Bounds, Error, NoStart, Reader};

use super::patience::Patience;
use crate::checkpoint::LastRecord;

/// Time the log may fail to answer while partitions are being assigned, all together; a leader's death takes 6 to
/// 11 s. The group waits for a member that is busy with this for five minutes.
const LOG_ANSWERS: Duration = Duration::from_secs(15);
const LOG_PAUSE: Duration = Duration::from_millis(200);

/// The events topic, read without a group.
pub struct Log {
    reader: Mutex<Box<dyn Reader>>,
    answers: Patience,
}

impl Log {
    pub fn new(reader: Box<dyn Reader>) -> Self {
        Self {
            reader: Mutex::new(reader),
            answers: Patience::new(LOG_ANSWERS),
        }
    }

    fn reader(&self) -> MutexGuard<'_, Box<dyn Reader>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the log holds of a partition.
    pub fn bounds(&self, partition: u32) -> Result<Bounds, Error> {
        self.reader().bounds(partition)
    }

    /// The same once the log answers; a topic with another number of partitions is another view. A broker's death in
    /// the moment of an assignment must not halt a partition.
    pub fn bounds_of(&self, partition: u32, expected: u32) -> Result<Bounds, NoStart> {
        self.until_answered(partition, || {
            let mut log = self.reader();
            check_partitions(log.as_mut(), expected)?;
            log.bounds(partition)
        })
    }

    /// Compares the log with what a checkpoint folded of it.
    pub fn check(
        &self,
        partition: u32,
        next_offset: u64,
        last: Option<LastRecord>,
    ) -> Result<(), NoStart> {
        self.until_answered(partition, || {
            compare(self.reader().as_mut(), partition, next_offset, last)
        })
    }

    fn until_answered<T>(
        &self,
        partition: u32,
        ask: impl Fn() -> Result<T, Error>,
    ) -> Result<T, NoStart> {
        self.answers.spend(|left| {
            let deadline = Instant::now() + left;
            loop {
                match ask() {
                    Ok(answer) => return Ok(answer),
                    Err(Error::Transient(why)) if Instant::now() < deadline => {
                        tracing::warn!(partition, %why, "asking the log again");
                        std::thread::sleep(LOG_PAUSE);
                    }
                    Err(error @ Error::Transient(_)) => {
                        return Err(NoStart::Passing(error.to_string()));
                    }
                    Err(error) => return Err(NoStart::Fatal(error.to_string())),
                }
            }
        })
    }
}

/// Another number of partitions is another view.
///
/// # Errors
/// [`Error::Fatal`] with both numbers and what to do; else what the log says.
pub fn check_partitions(log: &mut dyn Reader, expected: u32) -> Result<(), Error> {
    let partitions = log.partitions()?;
    if partitions == expected {
        return Ok(());
    }
    Err(Error::Fatal(format!(
        "the events topic has {partitions} partitions, the definition {expected}: another number is another view; set definition.partitions and rebuild"
    )))
}

/// Compares the log with what a checkpoint folded of it.
///
/// # Errors
/// [`Error::Fatal`] when it is another log, or lacks what comes next; else what the log says.
pub fn compare(
    log: &mut dyn Reader,
    partition: u32,
    next_offset: u64,
    last: Option<LastRecord>,
) -> Result<(), Error> {
    let differs = |sentence| Err(Error::Fatal(sentence));
    let bounds = log.bounds(partition)?;
    if bounds.start > next_offset && next_offset == 0 {
        return differs(format!(
            "the log begins at offset {}, and there is neither a checkpoint nor a snapshot of what was before: put the state folder back, or set snapshots.url to where snapshots of this definition are. A state without either starts only where the log starts at 0",
            bounds.start
        ));
    }
    if bounds.start > next_offset || bounds.end < next_offset {
        return differs(format!(
            "the log holds offsets {} to {}, the checkpoint goes on at {next_offset}: the log was trimmed, truncated or re-created. Restore it; or, to fold what is left as a new view, set another definition.hash_key",
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
            "the record at offset {} is not the one that was folded: the log was re-created. Restore it; or, to fold this one as a new view, set another definition.hash_key",
            last.offset
        ));
    }
    Ok(())
}
