//! The files in which a partition's checkpoint may lie: the usual one, and those of owners who found it held.
//!
//! Whoever holds a file's lock may write it, and nobody else. A lock goes with its process, not with its
//! partition: a process that stands still goes on holding it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipeline::definition::Definition;

use super::Error;

/// A checkpoint's file, held by this process until the last copy is dropped. The file need not exist.
#[derive(Debug, Clone)]
pub struct Place {
    path: PathBuf,
    _lock: Arc<File>,
}

impl Place {
    /// Where a partition's checkpoint usually lies.
    pub fn usual(folder: &Path, definition: &Definition, partition: u32) -> PathBuf {
        folder
            .join(definition.id())
            .join(format!("{partition:04}.sqlite"))
    }

    /// Holds a file.
    ///
    /// # Errors
    /// [`Error::Held`] while another owner has it.
    pub fn hold(path: PathBuf) -> Result<Self, Error> {
        if let Some(parent) = path.parent() {
            crate::space::make_folder(parent).map_err(|error| Error::Io(path.clone(), error))?;
        }
        Self::lock(path, true)
    }

    /// Holds a new file, of this owner alone, beside the usual one.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn own(usual: &Path) -> Result<Self, Error> {
        let mark = uuid::Uuid::new_v4().simple().to_string();
        Self::hold(usual.with_extension(format!("{}.sqlite", &mark[..12])))
    }

    /// Holds every file beside the usual one that is free: their owners are gone.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn left_beside(usual: &Path) -> Result<Vec<Self>, Error> {
        let (Some(folder), Some(stem)) = (usual.parent(), usual.file_stem()) else {
            return Ok(Vec::new());
        };
        let start = format!("{}.", stem.to_string_lossy());
        let io = |error| Error::Io(folder.to_owned(), error);
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let middle = name.strip_prefix(&start);
            let is_own = middle.and_then(|rest| rest.strip_suffix(".sqlite"));
            if is_own.is_none() {
                continue;
            }
            match Self::lock(path, false) {
                // A file that went while we took its lock was cleaned away.
                Ok(place) if place.path.exists() => found.push(place),
                Ok(_) | Err(Error::Held(_)) => {}
                Err(Error::Io(_, error)) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn lock(path: PathBuf, create: bool) -> Result<Self, Error> {
        let io = |error| Error::Io(path.clone(), error);
        let lock = OpenOptions::new()
            .create(create)
            .truncate(false)
            .write(true)
            .open(path.with_extension("lock"))
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path,
                _lock: Arc::new(lock),
            }),
            Err(TryLockError::WouldBlock) => Err(Error::Held(path)),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a whole file in place of what is here, which nobody has open. A crash leaves the one, the other, or
    /// none; never a file with the write-ahead log of another.
    ///
    /// # Errors
    /// When the disk refuses; what was here may be gone.
    pub fn install(&self, file: &Path) -> Result<(), Error> {
        let io = |error| Error::Io(self.path.clone(), error);
        File::open(file)
            .and_then(|file| file.sync_all())
            .map_err(io)?;
        self.clear().map_err(io)?;
        fs::rename(file, &self.path).map_err(io)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(io)
    }

    /// Moves a damaged file out of the way, for a person to look at; where it is now.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn set_aside(&self) -> Result<PathBuf, Error> {
        let seconds = crate::metrics::now_ms() / 1000;
        let aside = with_ending(&self.path, &format!(".damaged-{seconds}"));
        let io = |error| Error::Io(self.path.clone(), error);
        fs::rename(&self.path, &aside).map_err(io)?;
        for ending in ["-wal", "-shm"] {
            let moved = fs::rename(with_ending(&self.path, ending), with_ending(&aside, ending));
            moved.or_else(unless_missing).map_err(io)?;
        }
        Ok(aside)
    }

    /// Removes a file that is of no more use.
    pub fn remove(self) {
        let lock = self.path.with_extension("lock");
        if let Err(error) = self.clear().and_then(|()| fs::remove_file(lock)) {
            tracing::warn!(path = %self.path.display(), %error, "an old checkpoint can't be removed");
        }
    }

    /// The file goes before its write-ahead log: SQLite throws away a log without a file.
    fn clear(&self) -> std::io::Result<()> {
        for ending in ["", "-wal", "-shm"] {
            fs::remove_file(with_ending(&self.path, ending)).or_else(unless_missing)?;
        }
        Ok(())
    }

    /// Moves this file, closed and without a write-ahead log, to `to`; false when it has one still.
    ///
    /// # Errors
    /// As [`Place::install`].
    pub fn move_to(self, to: &Self) -> Result<bool, Error> {
        if with_ending(&self.path, "-wal").exists() {
            return Ok(false);
        }
        to.install(&self.path)?;
        self.remove();
        Ok(true)
    }
}

fn unless_missing(error: std::io::Error) -> std::io::Result<()> {
    match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
