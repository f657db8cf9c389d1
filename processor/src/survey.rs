//! What a state folder holds, looked at without taking or changing anything, also beside its owner.

use std::collections::BTreeMap;
use std::path::Path;

use log::Reader;
use pipeline::definition::Definition;

use crate::checkpoint::{Checkpoint, Error, LastRecord};
use crate::positions;

/// Digits of a definition's id, by which its folder is known.
const ID_DIGITS: usize = 16;

/// A partition's checkpoint as it lies on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The first offset not folded.
    pub next_offset: u64,
    /// Log time there, milliseconds since the epoch.
    pub log_time: i64,
    /// The last record folded.
    pub last: Option<LastRecord>,
}

/// The checkpoints of a definition in a state folder, by partition. Their owner may be writing them.
///
/// # Errors
/// The first file that can't be read or is not what was written.
pub fn kept(folder: &Path, definition: &Definition) -> Result<BTreeMap<u32, Kept>, Error> {
    let mut found = BTreeMap::new();
    for partition in 0..definition.partitions {
        if let Some(kept) = Checkpoint::peek(folder, definition, partition)? {
            found.insert(partition, kept);
        }
    }
    Ok(found)
}

/// The definitions other than this one that have checkpoints in a state folder.
///
/// # Errors
/// When the folder can't be listed; one that is not there has none.
pub fn other_definitions(folder: &Path, definition: &Definition) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let ours = definition.id();
    let mut others = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_id = name.len() == ID_DIGITS && name.bytes().all(|b| b.is_ascii_hexdigit());
        if is_id && name != ours {
            others.push(name);
        }
    }
    others.sort();
    Ok(others)
}

/// Whether a checkpoint can go on with this log, as a processor decides it when it takes the partition.
///
/// # Errors
/// [`log::Error::Fatal`] with what differs and what to do; else what the log says.
pub fn fits(
    log: &mut dyn Reader,
    definition: &Definition,
    partition: u32,
    kept: Kept,
) -> Result<(), log::Error> {
    positions::check_partitions(log, definition.partitions)?;
    positions::compare(log, partition, kept.next_offset, kept.last)
}
