//! The folds that answer, kept in files, so that a gateway that starts again reads only what came since.
//!
//! A file is used only if it is of this log: its last record stands there, byte for byte. Else the log is read from its
//! start; and where the log no longer has its start, nothing is answered at all.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kept::Files;
use log::{Bounds, Error, NoStart, Reader};
use pipeline::admission::Admission;

use crate::metrics;

/// The files, and the log that they are held against.
pub struct Snapshots {
    files: Files,
    state: Mutex<State>,
}

struct State {
    log: Box<dyn Reader>,
    /// The first offset that the file of a partition does not know of.
    kept: BTreeMap<u32, u64>,
}

impl Snapshots {
    /// Of the log that `log` reads.
    pub fn new(files: Files, log: Box<dyn Reader>) -> Self {
        let kept = BTreeMap::new();
        let state = Mutex::new(State { log, kept });
        Self { files, state }
    }

    /// The fold that a partition goes on from: the kept one, else that before the first record.
    ///
    /// # Errors
    /// When the log does not answer, or what is needed of it is gone.
    pub(crate) fn beginning(&self, partition: u32) -> Result<Admission, NoStart> {
        self.found(partition).map_err(|error| match error {
            Error::Fatal(why) => NoStart::Fatal(why),
            passing => NoStart::Passing(passing.to_string()),
        })
    }

    fn found(&self, partition: u32) -> Result<Admission, Error> {
        let mut state = self.state();
        let bounds = state.log.bounds(partition)?;
        if let Some(fold) = self.read(partition) {
            match state.doubt(&fold, bounds)? {
                None => {
                    state.kept.insert(partition, fold.next_offset());
                    return Ok(fold);
                }
                Some(why) => refuse(partition, &why),
            }
        }
        if bounds.start > 0 {
            return Err(Error::Fatal(format!(
                "the entries topic begins at offset {}: what was decided before is gone, and no snapshot has it. Seats would be given twice. Restore the records; or make the topic anew and raise log.entries_generation, by which every seat is forgotten",
                bounds.start
            )));
        }
        Ok(Admission::new(partition, self.files.partitions()))
    }

    fn read(&self, partition: u32) -> Option<Admission> {
        self.files.read(partition).unwrap_or_else(|error| {
            refuse(partition, &error.to_string());
            None
        })
    }

    /// How far the file of a partition reaches.
    pub(crate) fn kept(&self, partition: u32) -> u64 {
        self.state().kept.get(&partition).copied().unwrap_or(0)
    }

    /// What the log holds.
    ///
    /// # Errors
    /// When it does not say.
    pub(crate) fn bounds(&self, partition: u32) -> Result<Bounds, Error> {
        self.state().log.bounds(partition)
    }

    /// Keeps a partition up to `to`: what is kept of it, and the records since, which are read beside whoever answers.
    /// `goes_on` is asked now and then; once it says no, nothing is kept.
    ///
    /// # Errors
    /// When the log can't be read, or the file not be written.
    pub(crate) fn advance(
        &self,
        partition: u32,
        to: u64,
        goes_on: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let mut fold = self.found(partition)?;
        let from = fold.next_offset();
        if from >= to {
            return Ok(());
        }
        self.state().log.read(partition, from, to, &mut |batch| {
            batch.records().for_each(|record| {
                fold.fold(&record);
            });
            goes_on()
        })?;
        if !goes_on() {
            return Ok(());
        }
        self.keep(&fold)
    }

    /// Keeps a fold.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn keep(&self, fold: &Admission) -> Result<(), Error> {
        let start = Instant::now();
        let bytes = self
            .files
            .keep(fold)
            .map_err(|error| Error::Transient(format!("the snapshot can't be written: {error}")))?;
        metrics::is_kept(fold.partition(), fold.next_offset(), bytes, start.elapsed());
        let mut state = self.state();
        state.kept.insert(fold.partition(), fold.next_offset());
        Ok(())
    }

    /// Where the files are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.files.folder()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Why a fold is not of this log.
    fn doubt(&mut self, fold: &Admission, bounds: Bounds) -> Result<Option<String>, Error> {
        let (partition, next) = (fold.partition(), fold.next_offset());
        let Bounds { start, end } = bounds;
        if !(start..=end).contains(&next) {
            return Ok(Some(format!(
                "it reaches up to offset {next}, and the log holds {start} up to {end}: the log was cut or made anew"
            )));
        }
        let Some(last) = fold.last_offset() else {
            return Ok(None);
        };
        if last < start {
            tracing::warn!(
                partition,
                start,
                "the entries topic was cut: only this gateway's snapshot still has what was decided before"
            );
            return Ok(None);
        }
        let mut is_same = false;
        self.log.read(partition, last, last + 1, &mut |batch| {
            is_same = batch.records().any(|record| fold.is_last(&record));
            false
        })?;
        let differs = || {
            format!(
                "the record at offset {last} is not the one that was folded: the log was made anew"
            )
        };
        Ok((!is_same).then(differs))
    }
}

fn refuse(partition: u32, why: &str) {
    metrics::count_refused_snapshot();
    tracing::warn!(
        partition,
        why,
        "a snapshot of admissions is not used: the log is read from its start"
    );
}
