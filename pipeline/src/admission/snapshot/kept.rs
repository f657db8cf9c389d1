//! An activity's ledger as protobuf messages, and back.

use prost::Message;

use super::{Error, damaged, take};
use crate::admission::decision::Activity;
use crate::admission::digest;
use crate::admission::ledger::{Kept, Ledger, Request, Seat};

/// An activity and its seats; its users follow.
#[derive(Message)]
pub struct KeptActivity {
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

/// A definition.
#[derive(Message)]
pub struct KeptDefinition {
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

/// A user's requests.
#[derive(Message)]
pub struct KeptUser {
    #[prost(string, tag = 1)]
    id: String,
    #[prost(message, repeated, tag = 2)]
    requests: Vec<KeptRequest>,
}

/// A request and what was decided for it.
#[derive(Message)]
pub struct KeptRequest {
    #[prost(string, tag = 1)]
    id: String,
    #[prost(oneof = "KeptDecision", tags = "2, 3, 4, 5, 6")]
    decision: Option<KeptDecision>,
    #[prost(int64, tag = 7)]
    opens_at_ms: i64,
}

/// A rank, or an offset.
#[derive(prost::Oneof)]
pub enum KeptDecision {
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

/// An activity as it is written.
pub fn kept_activity(id: &str, ledger: &Ledger) -> KeptActivity {
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

/// A user's requests as they are written.
pub fn kept_user(user: &str, requests: &[Request]) -> KeptUser {
    KeptUser {
        id: user.to_owned(),
        requests: requests.iter().map(kept_request).collect(),
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

/// Reads the next activity with its users, and adds its digests to `sum`.
///
/// # Errors
/// When something of it is missing.
pub fn taken_ledger(rest: &mut &[u8], sum: &mut u64) -> Result<(String, Ledger), Error> {
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
