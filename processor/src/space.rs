//! The state folder: who may read it, and the room that its disk has.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

/// The mode of folders that are made here: checkpoints and the log hold what was set aside as it came.
const OWNER_ONLY: u32 = 0o700;

/// Makes a folder, and those above it that are missing, for this user alone. One that is there stays as it is.
///
/// # Errors
/// When it can't be made.
pub fn make_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY)
        .create(folder)
}

/// Bytes free on the disk of a folder, for a user who is not root.
///
/// # Errors
/// When the folder is not there or can't be asked.
pub fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let of = statvfs(folder)?;
    Ok(of.f_bavail.saturating_mul(of.f_frsize))
}

/// Whether this user may make files in a folder.
pub fn is_writable(folder: &Path) -> bool {
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn folders_are_made_for_their_owner_alone_and_others_are_left_as_they_are() {
        let outer = tempfile::tempdir().unwrap();
        let mode = |folder: &Path| folder.metadata().unwrap().permissions().mode() & 0o777;
        let there = outer.path().join("there");
        std::fs::create_dir(&there).unwrap();
        std::fs::set_permissions(&there, PermissionsExt::from_mode(0o755)).unwrap();
        let made = there.join("data").join("state");
        make_folder(&made).unwrap();
        make_folder(&made).unwrap();
        assert_eq!(mode(&there), 0o755);
        assert_eq!(mode(&there.join("data")), 0o700);
        assert_eq!(mode(&made), 0o700);
    }
}
