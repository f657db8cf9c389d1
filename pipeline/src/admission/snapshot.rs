//! A fold as bytes, for a local file: what is read back is the fold that was written, or an error.
//!
//! A line that names the format, then protobuf messages, each behind its length: a head, and of each activity its
//! seats and then its users. The head's digest holds for all of it.

mod kept;

use prost::Message;

use self::kept::{kept_activity, kept_user, taken_ledger};
use super::Admission;

/// What every snapshot begins with.
const FORMAT: &[u8] = b"footfall admission\n";
/// Changes whenever the bytes mean something else, or the rules decide otherwise: then the log is folded again.
const VERSION: u32 = 1;

/// Bytes can't be used as a snapshot.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// It begins otherwise.
    #[error("this is no snapshot of admissions; delete it, and the log is folded from its start")]
    Foreign,
    /// Another version wrote it.
    #[error(
        "the snapshot of admissions has version {found}, this program reads {VERSION}; delete it, and the log is folded from its start"
    )]
    Version {
        /// The version found.
        found: u32,
    },
    /// It is of another partition, or of a topic with another number of them.
    #[error(
        "the snapshot is of partition {found:?} (number, of how many), not of {wanted:?}; give each partition a file of its own"
    )]
    Partition {
        /// Partition and number of partitions found.
        found: (u32, u32),
        /// Those asked for.
        wanted: (u32, u32),
    },
    /// Something in it is not as it was written.
    #[error(
        "the snapshot of admissions is damaged: {0}; delete it, and the log is folded from its start"
    )]
    Damaged(String),
}

#[derive(Message)]
struct Head {
    #[prost(uint32, tag = 1)]
    version: u32,
    #[prost(uint32, tag = 2)]
    partition: u32,
    #[prost(uint32, tag = 3)]
    partitions: u32,
    #[prost(uint64, tag = 4)]
    next_offset: u64,
    #[prost(int64, tag = 5)]
    log_time: i64,
    #[prost(uint64, optional, tag = 6)]
    last_offset: Option<u64>,
    #[prost(fixed64, tag = 7)]
    last_fingerprint: u64,
    #[prost(uint64, tag = 8)]
    activities: u64,
    #[prost(fixed64, tag = 9)]
    digest: u64,
}

impl Admission {
    /// The fold as bytes. Equal folds give equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = FORMAT.to_vec();
        push(
            &mut bytes,
            &Head {
                version: VERSION,
                partition: self.partition,
                partitions: self.partitions,
                next_offset: self.next_offset,
                log_time: self.log_time,
                last_offset: self.last.map(|(offset, _)| offset),
                last_fingerprint: self.last.map_or(0, |(_, fingerprint)| fingerprint),
                activities: self.activities.len() as u64,
                digest: self.digest(),
            },
        );
        for (id, ledger) in &self.activities {
            push(&mut bytes, &kept_activity(id, ledger));
            for (user, requests) in &ledger.requests {
                push(&mut bytes, &kept_user(user, requests));
            }
        }
        bytes
    }

    /// The fold that was written as these bytes, of `partition` among `partitions`.
    ///
    /// # Errors
    /// When the bytes are another partition's, another version's, or not as they were written.
    pub fn from_bytes(bytes: &[u8], partition: u32, partitions: u32) -> Result<Self, Error> {
        let mut rest = bytes.strip_prefix(FORMAT).ok_or(Error::Foreign)?;
        let head: Head = take(&mut rest)?;
        if head.version != VERSION {
            let found = head.version;
            return Err(Error::Version { found });
        }
        let (found, wanted) = ((head.partition, head.partitions), (partition, partitions));
        if found != wanted {
            return Err(Error::Partition { found, wanted });
        }
        let mut fold = Self {
            next_offset: head.next_offset,
            log_time: head.log_time,
            last: head.last_offset.map(|at| (at, head.last_fingerprint)),
            ..Self::new(partition, partitions)
        };
        for _ in 0..head.activities {
            let (id, ledger) = taken_ledger(&mut rest, &mut fold.sum)?;
            fold.activities.insert(id, ledger);
        }
        if !rest.is_empty() {
            return Err(damaged(format!("{} bytes follow its end", rest.len())));
        }
        if fold.digest() != head.digest {
            return Err(damaged(format!(
                "its digest is {:016x}, its head says {:016x}",
                fold.digest(),
                head.digest
            )));
        }
        Ok(fold)
    }
}

fn damaged(what: String) -> Error {
    Error::Damaged(what)
}

fn push(bytes: &mut Vec<u8>, message: &impl Message) {
    bytes.reserve(message.encoded_len() + prost::length_delimiter_len(message.encoded_len()));
    // A Vec always has room: this can't fail.
    let _ = message.encode_length_delimited(bytes);
}

fn take<M: Message + Default>(rest: &mut &[u8]) -> Result<M, Error> {
    M::decode_length_delimited(rest).map_err(|error| damaged(error.to_string()))
}
