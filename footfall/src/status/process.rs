//! What one process says of its partitions: made here by the process, read here by the command.

use std::collections::BTreeMap;

use pipeline::rejection::Reason;
use processor::status::{Partition, Status};
use serde::{Deserialize, Serialize};

/// Where a process serves it.
pub const PATH: &str = "/v1/status";
/// What stands before a processor's address in its name in the consumer group.
const NAME: &str = "footfall@";

/// A process.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Process {
    /// The definition it folds under.
    pub definition: String,
    /// Its partitions.
    pub partitions: BTreeMap<u32, Owned>,
    /// Bytes of state, all partitions together, estimated.
    pub state_bytes: u64,
}

/// A partition as its owner has it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Owned {
    /// The first offset not folded.
    pub next_offset: u64,
    /// Log time there, milliseconds since the epoch.
    pub log_time_ms: i64,
    /// The first offset not in the checkpoint.
    pub checkpointed: u64,
    /// How far each store holds it, by the store's name, as the owner knows.
    pub stored: BTreeMap<String, u64>,
    /// Records set aside, by reason.
    pub dead_letters: BTreeMap<String, u64>,
    /// Dead letters not yet delivered.
    pub letters_waiting: usize,
    /// Why it stands still, if it does.
    pub halted: Option<String>,
}

impl Process {
    /// What this process says now.
    pub fn of(definition: &str, status: &Status) -> Self {
        let partitions = status.partitions();
        Self {
            definition: definition.to_owned(),
            state_bytes: status.memory(),
            partitions: partitions
                .iter()
                .map(|(partition, of)| (*partition, Owned::of(of)))
                .collect(),
        }
    }
}

impl Owned {
    fn of(partition: &Partition) -> Self {
        let count = |reason: &Reason, refused: u64| match reason {
            Reason::Late => partition.tally.late,
            _ => refused,
        };
        let counts = Reason::ALL.iter().zip(partition.tally.dead_lettered);
        Self {
            next_offset: partition.next_offset,
            log_time_ms: partition.log_time,
            checkpointed: partition.checkpointed,
            stored: partition
                .stored
                .iter()
                .map(|(store, offset)| ((*store).to_owned(), *offset))
                .collect(),
            dead_letters: counts
                .map(|(reason, refused)| (reason.as_str().to_owned(), count(reason, refused)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            letters_waiting: partition.letters_waiting,
            halted: partition.halted.clone(),
        }
    }
}

/// What a processor that serves HTTP there calls itself in the group.
pub fn name_in_group(scheme: &str, address: std::net::SocketAddr) -> String {
    format!("{NAME}{scheme}://{address}")
}

/// Where a member of the group serves HTTP, by its name there; one that listens everywhere is asked at the host from which
/// the broker sees it come. `None` for who is no processor of ours.
pub fn address_of(name: &str, host: &str) -> Option<String> {
    let (scheme, address) = name.strip_prefix(NAME)?.split_once("://")?;
    let address: std::net::SocketAddr = address.parse().ok()?;
    if !address.ip().is_unspecified() {
        return Some(format!("{scheme}://{address}"));
    }
    let host = host.parse().ok()?;
    let seen = std::net::SocketAddr::new(host, address.port());
    Some(format!("{scheme}://{seen}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_processor_is_found_by_its_name_in_the_group() {
        let name = name_in_group("http", "127.0.0.1:9101".parse().unwrap());
        let found = address_of(&name, "10.0.0.5");
        assert_eq!(found.as_deref(), Some("http://127.0.0.1:9101"));
        let everywhere = name_in_group("https", "0.0.0.0:9101".parse().unwrap());
        let found = address_of(&everywhere, "10.0.0.5");
        assert_eq!(found.as_deref(), Some("https://10.0.0.5:9101"));
        assert_eq!(address_of("rdkafka", "10.0.0.5"), None);
    }
}
