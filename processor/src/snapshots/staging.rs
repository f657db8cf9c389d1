//! A folder of this process for snapshots on their way, in the state folder so that they can be renamed into place.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Error;

const FOLDER: &str = "staging";
const LOCK: &str = "lock";

/// The folder: made when it is first used, gone with its owner or cleaned away by another process after a crash.
pub struct Staging {
    state: PathBuf,
    folder: Mutex<Option<Folder>>,
}

struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Staging {
    /// In this state folder. Nothing is made yet.
    pub fn new(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            folder: Mutex::default(),
        }
    }

    /// A file that does not exist. One user at a time for each name.
    ///
    /// # Errors
    /// When the state folder can't be written, or what was left there can't be removed.
    pub fn file(&self, name: &str) -> Result<Staged, Error> {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let parent = self.state.join(FOLDER);
        let folder = match &mut *folder {
            Some(folder) => folder,
            empty => empty.insert(Folder::make(&parent).map_err(|error| Error::Io(parent, error))?),
        };
        let staged = Staged(folder.path.join(name));
        staged
            .remove()
            .map_err(|error| Error::Io(staged.0.clone(), error))?;
        Ok(staged)
    }
}

impl Folder {
    /// Cleans away those of processes that died, too.
    fn make(parent: &Path) -> std::io::Result<Self> {
        crate::space::make_folder(parent)?;
        clean(parent)?;
        let path = parent.join(uuid::Uuid::new_v4().simple().to_string());
        fs::create_dir(&path)?;
        let lock = lock_of(&path)?;
        lock.try_lock().map_err(std::io::Error::other)?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is cleaned away by the next process.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A file in the folder, removed when it is dropped.
pub struct Staged(PathBuf);

impl Staged {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn remove(&self) -> std::io::Result<()> {
        for ending in ["", "-wal", "-shm", "-journal"] {
            let mut name = self.0.as_os_str().to_owned();
            name.push(ending);
            match fs::remove_file(PathBuf::from(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // It may have been renamed into place, or the disk refuses: then it is removed before its next use.
        let _ = self.remove();
    }
}

fn lock_of(folder: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
}

/// Removes the folders that nobody holds. One that another process is just making may go too: then that process
/// makes no snapshot until it starts again, and says so.
fn clean(parent: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let folder = entry?.path();
        let Ok(lock) = OpenOptions::new().write(true).open(folder.join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            fs::remove_dir_all(&folder)?;
        }
    }
    Ok(())
}
