//! How far each partition's admissions are told: a file a partition, with the fold of all before.
//!
//! What a file says is told was acknowledged before it was written, and it is replaced whole. So any of them is right: an
//! old one, or none, only has more told again. Several processes may write one; the last wins.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use log::{NoStart, Positions};
use pipeline::admission::Admission;
use uuid::Uuid;

/// The files of one generation of the entries topic.
pub(super) struct Files {
    folder: PathBuf,
    partitions: u32,
    opened: Mutex<BTreeMap<u32, Admission>>,
}

impl Files {
    pub fn new(folder: &Path, generation: u32, partitions: u32) -> Self {
        Self {
            folder: folder.join(generation.to_string()),
            partitions,
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
        crate::space::make_folder(&self.folder)?;
        let path = self.path(admission.partition());
        let passing = path.with_extension(Uuid::new_v4().simple().to_string());
        // Not synced: what a loss of power leaves is known by its digest, and harmless.
        let written =
            fs::write(&passing, admission.to_bytes()).and_then(|()| fs::rename(&passing, &path));
        if written.is_err() {
            // Full disks are mended sooner without it.
            let _ = fs::remove_file(&passing);
        }
        written
    }

    /// What is kept of a partition, else the fold before the first record.
    fn read(&self, partition: u32) -> std::io::Result<Admission> {
        let path = self.path(partition);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Admission::new(partition, self.partitions));
            }
            Err(error) => return Err(error),
        };
        Ok(
            Admission::from_bytes(&bytes, partition, self.partitions).unwrap_or_else(|error| {
                let path = path.display();
                tracing::error!(partition, %error, %path, "admissions are told again from the log's start; none counts twice");
                Admission::new(partition, self.partitions)
            }),
        )
    }

    fn path(&self, partition: u32) -> PathBuf {
        self.folder.join(format!("{partition:04}.admission"))
    }
}

impl Positions for Files {
    /// The last record folded is read once more, to know the log again.
    fn start(&self, partition: u32) -> Result<u64, NoStart> {
        let admission = self.read(partition).map_err(|error| {
            let path = self.path(partition);
            NoStart::Passing(format!("{}: {error}", path.display()))
        })?;
        let start = admission.last_offset().unwrap_or(0);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(partition, admission);
        Ok(start)
    }
}
