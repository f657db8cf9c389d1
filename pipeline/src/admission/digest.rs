//! The digest by which two folds of one log are known to agree (I6).
//!
//! Everything kept has a digest of its own, and their sum is kept up to date, so that asking costs nothing. No key: it
//! tells faults apart, not forgeries.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::Admission;
use super::decision::Activity;
use super::ledger::{Kept, Request, Seat};
use crate::record::Record;

/// Of texts and numbers, told apart by their lengths.
fn of(texts: &[&[u8]], numbers: &[u64]) -> u64 {
    let mut hasher = SipHasher13::new();
    for text in texts {
        hasher.write_u64(text.len() as u64);
        hasher.write(text);
    }
    for number in numbers {
        hasher.write_u64(*number);
    }
    hasher.finish()
}

/// Of a record's bytes and append time.
pub fn of_record(record: &Record<'_>) -> u64 {
    let texts = [record.key, record.value, record.headers.0];
    of(&texts, &[record.appended_at as u64])
}

/// Of a definition, without the seats.
pub fn of_definition(id: &str, activity: &Activity) -> u64 {
    let texts = [id, &activity.campaign_id, &activity.name];
    let closes = activity.closes_at_ms;
    of(
        &texts.map(str::as_bytes),
        &[
            activity.capacity,
            activity.opens_at_ms as u64,
            u64::from(closes.is_some()),
            closes.unwrap_or_default() as u64,
        ],
    )
}

/// Of a seat.
pub fn of_seat(activity: &str, rank: u64, seat: &Seat) -> u64 {
    let Seat {
        offset,
        admitted_at,
        cancelled,
    } = *seat;
    of(
        &[activity.as_bytes()],
        &[rank, offset, admitted_at as u64, u64::from(cancelled)],
    )
}

/// Of a request and what was decided for it.
pub fn of_request(activity: &str, user: &str, request: &Request) -> u64 {
    let numbers = match request.kept {
        Kept::Seat(rank) => [0, rank, 0],
        Kept::SoldOut(offset) => [1, offset, 0],
        Kept::NotOpen(offset, opens_at) => [2, offset, opens_at as u64],
        Kept::Closed(offset) => [3, offset, 0],
        Kept::Unknown(offset) => [4, offset, 0],
    };
    of(&[activity, user, &request.id].map(str::as_bytes), &numbers)
}

/// Of a whole fold.
pub fn of_admission(fold: &Admission) -> u64 {
    let (offset, fingerprint) = fold.last.unwrap_or_default();
    of(
        &[],
        &[
            u64::from(fold.partition),
            u64::from(fold.partitions),
            fold.next_offset,
            fold.log_time as u64,
            offset,
            fingerprint,
            fold.sum,
        ],
    )
}
