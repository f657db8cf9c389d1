//! How far each partition's admissions are told: a file a partition, with the fold of all before.
//!
//! What a file says is told was acknowledged before it was written. So any of them is right: an old one, or none, only has
//! more told again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use log::{NoStart, Positions};
use pipeline::admission::Admission;

/// The files of one generation of the entries topic, and the folds that were read from them.
pub(super) struct Files {
    files: kept::Files,
    opened: Mutex<BTreeMap<u32, Admission>>,
}

impl Files {
    pub fn new(folder: &Path, generation: u32, partitions: u32) -> Self {
        Self {
            files: kept::Files::new(folder, generation, partitions),
            opened: Mutex::default(),
        }
    }

    /// Takes the fold that [`Positions::start`] read.
    pub fn take(&self, partition: u32) -> Option<Admission> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.remove(&partition)
    }

    /// Keeps a fold of which everything is told.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn keep(&self, admission: &Admission) -> std::io::Result<()> {
        self.files.keep(admission).map(drop)
    }

    /// What is kept of a partition, else the fold before the first record.
    fn read(&self, partition: u32) -> Result<Admission, kept::Error> {
        let kept = match self.files.read(partition) {
            Err(error @ kept::Error::Unusable { .. }) => {
                tracing::error!(partition, %error, "admissions are told again from the log's start; none counts twice");
                None
            }
            read => read?,
        };
        Ok(kept.unwrap_or_else(|| Admission::new(partition, self.files.partitions())))
    }
}

impl Positions for Files {
    /// The last record folded is read once more, to know the log again.
    fn start(&self, partition: u32) -> Result<u64, NoStart> {
        let admission = self.read(partition);
        let admission = admission.map_err(|error| NoStart::Passing(error.to_string()))?;
        let start = admission.last_offset().unwrap_or(0);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(partition, admission);
        Ok(start)
    }
}
