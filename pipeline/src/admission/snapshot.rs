//! A fold as bytes, for a local file: what is read back is the fold that was written, or an error.
//!
//! A line that names the format, then protobuf messages, each behind its length: a head, and of each activity its
//! seats and then its users. The head's digest holds for all of it.

use prost::Message;

use super::Admission;
use super::decision::Activity;
use super::digest;
use super::ledger::{Kept, Ledger, Request, Seat};

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

#[derive(Message)]
struct KeptActivity {
    #[prost(string, tag = 1)]
    id: String,
    #[prost(message, optional, tag = 2)]
    defined: Option<KeptDefinition>,
    /// Of the seats, in the order of ranks.
    #[prost(uint64, repeated, tag = 3)]
    offsets: Vec<u64>,
    #[prost(int64, repeated, tag = 4)]
    admitted_at: Vec<i64>,
    #[prost(bool, repeated, tag = 5)]
    cancelled: Vec<bool>,
    /// How many users follow.
    #[prost(uint64, tag = 6)]
    users: u64,
}

#[derive(Message)]
struct KeptDefinition {
    #[prost(string, tag = 1)]
    campaign_id: String,
    #[prost(string, tag = 2)]
    name: String,
    #[prost(uint64, tag = 3)]
    capacity: u64,
    #[prost(int64, tag = 4)]
    opens_at_ms: i64,
    #[prost(int64, optional, tag = 5)]
    closes_at_ms: Option<i64>,
}

#[derive(Message)]
struct KeptUser {
    #[prost(string, tag = 1)]
    id: String,
    #[prost(message, repeated, tag = 2)]
    requests: Vec<KeptRequest>,
}

#[derive(Message)]
struct KeptRequest {
    #[prost(string, tag = 1)]
    id: String,
    #[prost(oneof = "KeptDecision", tags = "2, 3, 4, 5, 6")]
    decision: Option<KeptDecision>,
    #[prost(int64, tag = 7)]
    opens_at_ms: i64,
}

#[derive(prost::Oneof)]
enum KeptDecision {
    #[prost(uint64, tag = 2)]
    Seat(u64),
    #[prost(uint64, tag = 3)]
    SoldOut(u64),
    #[prost(uint64, tag = 4)]
    NotOpen(u64),
    #[prost(uint64, tag = 5)]
    Closed(u64),
    #[prost(uint64, tag = 6)]
    Unknown(u64),
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
                let requests = requests.iter().map(kept_request).collect();
                let id = user.to_string();
                push(&mut bytes, &KeptUser { id, requests });
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

fn kept_activity(id: &str, ledger: &Ledger) -> KeptActivity {
    KeptActivity {
        id: id.to_owned(),
        defined: ledger.activity.as_ref().map(|of| KeptDefinition {
            campaign_id: of.campaign_id.clone(),
            name: of.name.clone(),
            capacity: of.capacity,
            opens_at_ms: of.opens_at_ms,
            closes_at_ms: of.closes_at_ms,
        }),
        offsets: ledger.seats.iter().map(|seat| seat.offset).collect(),
        admitted_at: ledger.seats.iter().map(|seat| seat.admitted_at).collect(),
        cancelled: ledger.seats.iter().map(|seat| seat.cancelled).collect(),
        users: ledger.requests.len() as u64,
    }
}

fn kept_request(request: &Request) -> KeptRequest {
    let (decision, opens_at_ms) = match request.kept {
        Kept::Seat(rank) => (KeptDecision::Seat(rank), 0),
        Kept::SoldOut(offset) => (KeptDecision::SoldOut(offset), 0),
        Kept::NotOpen(offset, opens_at) => (KeptDecision::NotOpen(offset), opens_at),
        Kept::Closed(offset) => (KeptDecision::Closed(offset), 0),
        Kept::Unknown(offset) => (KeptDecision::Unknown(offset), 0),
    };
    KeptRequest {
        id: request.id.to_string(),
        decision: Some(decision),
        opens_at_ms,
    }
}

fn taken_ledger(rest: &mut &[u8], sum: &mut u64) -> Result<(String, Ledger), Error> {
    let kept: KeptActivity = take(rest)?;
    let seats = taken_seats(&kept)?;
    let held = seats.iter().filter(|seat| !seat.cancelled).count() as u64;
    for (place, seat) in seats.iter().enumerate() {
        let digest = digest::of_seat(&kept.id, place as u64 + 1, seat);
        *sum = sum.wrapping_add(digest);
    }
    let activity = kept.defined.map(|of| Activity {
        campaign_id: of.campaign_id,
        name: of.name,
        capacity: of.capacity,
        held,
        admitted: seats.len() as u64,
        opens_at_ms: of.opens_at_ms,
        closes_at_ms: of.closes_at_ms,
    });
    if let Some(activity) = &activity {
        *sum = sum.wrapping_add(digest::of_definition(&kept.id, activity));
    }
    let mut ledger = Ledger {
        activity,
        seats,
        ..Ledger::default()
    };
    for _ in 0..kept.users {
        let user: KeptUser = take(rest)?;
        for request in user.requests {
            let decision = taken_decision(&request, ledger.seats.len() as u64)?;
            ledger.keep(&kept.id, &user.id, &request.id, decision, sum);
        }
    }
    Ok((kept.id, ledger))
}

fn taken_seats(kept: &KeptActivity) -> Result<Vec<Seat>, Error> {
    let count = kept.offsets.len();
    if kept.admitted_at.len() != count || kept.cancelled.len() != count {
        return Err(damaged(format!("seats of {} are missing", kept.id)));
    }
    let seats = kept.offsets.iter().zip(&kept.admitted_at);
    let seats = seats.zip(&kept.cancelled);
    Ok(seats
        .map(|((offset, admitted_at), cancelled)| Seat {
            offset: *offset,
            admitted_at: *admitted_at,
            cancelled: *cancelled,
        })
        .collect())
}

fn taken_decision(kept: &KeptRequest, seats: u64) -> Result<Kept, Error> {
    Ok(match kept.decision {
        Some(KeptDecision::Seat(rank)) if (1..=seats).contains(&rank) => Kept::Seat(rank),
        Some(KeptDecision::SoldOut(offset)) => Kept::SoldOut(offset),
        Some(KeptDecision::NotOpen(offset)) => Kept::NotOpen(offset, kept.opens_at_ms),
        Some(KeptDecision::Closed(offset)) => Kept::Closed(offset),
        Some(KeptDecision::Unknown(offset)) => Kept::Unknown(offset),
        _ => return Err(damaged(format!("request {:?} has no decision", kept.id))),
    })
}
