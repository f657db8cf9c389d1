//! The room that the state folder's disk has.

use std::path::Path;

use rustix::fs::{Access, access, statvfs};

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
