//! Folds of admissions in files, one a partition: where a reader of the entries topic goes on from.
//!
//! A file is replaced whole and carries its digest. So any of them is right: an old one, or none, only has more of the log
//! read again. Several processes may write one; the last wins.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pipeline::admission::{self, Admission};
use uuid::Uuid;

/// The mode of folders: requests are kept with the ids of their users.
const OWNER_ONLY: u32 = 0o700;
/// What the name of a file ends in once it is whole.
const WHOLE: &str = "admission";
/// A file that was not made whole in this time has no writer any more.
const LONGEST_WRITE: Duration = Duration::from_secs(3_600);

/// Why there is no fold of a file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("{path}: {source}")]
    Unread {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What it holds is no such fold.
    #[error("{path}: {source}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: admission::Error,
    },
}

/// The files of one generation of the entries topic.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    partitions: u32,
}

impl Files {
    /// Within `folder`, of a topic with so many partitions. What writers left unfinished long ago is removed.
    pub fn new(folder: &Path, generation: u32, partitions: u32) -> Self {
        let folder = folder.join(generation.to_string());
        sweep(&folder);
        Self { folder, partitions }
    }

    /// How many partitions the topic has.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a fold in the place of what was kept of its partition; its bytes.
    ///
    /// # Errors
    /// When the folder can't be written. What was kept before is kept then.
    pub fn keep(&self, admission: &Admission) -> io::Result<u64> {
        DirBuilder::new()
            .recursive(true)
            .mode(OWNER_ONLY)
            .create(&self.folder)?;
        let path = self.path(admission.partition());
        let passing = path.with_extension(Uuid::new_v4().simple().to_string());
        let bytes = admission.to_bytes();
        let written = write(&passing, &bytes).and_then(|()| fs::rename(&passing, &path));
        if written.is_err() {
            // Full disks are mended sooner without it.
            let _ = fs::remove_file(&passing);
        }
        written.map(|()| bytes.len() as u64)
    }

    /// What is kept of a partition; `None` where nothing is.
    ///
    /// # Errors
    /// When the file can't be read, is damaged, or is of something else.
    pub fn read(&self, partition: u32) -> Result<Option<Admission>, Error> {
        let path = self.path(partition);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Unread { path, source }),
        };
        Admission::from_bytes(&bytes, partition, self.partitions)
            .map(Some)
            .map_err(|source| Error::Unusable { path, source })
    }

    /// The file of a partition.
    pub fn path(&self, partition: u32) -> PathBuf {
        self.folder.join(format!("{partition:04}.{WHOLE}"))
    }
}

/// Synced, so that a loss of power leaves the old file or the new one. It would harm nothing else: the digest tells.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Each kill in the midst of writing leaves a file.
fn sweep(folder: &Path) {
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    for path in files.flatten().map(|file| file.path()) {
        let is_whole = path.extension().is_some_and(|of| of == WHOLE);
        let age = path.metadata().and_then(|of| of.modified());
        let age = age.ok().and_then(|at| at.elapsed().ok());
        if !is_whole && age.is_some_and(|age| age > LONGEST_WRITE) {
            // Somebody else may have removed it.
            let _ = fs::remove_file(path);
        }
    }
}
