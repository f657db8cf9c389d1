//! What was decided about one activity: its seats by rank, and the requests of each user.
//!
//! Ranks are places in a list that only grows, so that none is left out and none given twice.

use std::collections::BTreeMap;

use schemas::v1::ActivityDefined;
use thin_vec::ThinVec;

use super::decision::{Activity, Decision, Receipt};
use super::digest;

/// The activity, its seats and its requests.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// As last defined; absent while requests alone have named it.
    pub activity: Option<Activity>,
    /// Seats ever given; that of rank n stands at n − 1.
    pub seats: Vec<Seat>,
    /// Requests by user, in the order of their decisions.
    pub requests: BTreeMap<Box<str>, ThinVec<Request>>,
}

/// A seat that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// Offset of the request.
    pub offset: u64,
    /// When the log took it, milliseconds since the epoch.
    pub admitted_at: i64,
    /// Whether it was given back.
    pub cancelled: bool,
}

/// A request and what was decided for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The request's id.
    pub id: Box<str>,
    /// The decision.
    pub kept: Kept,
}

/// A decision, as short as it can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The seat of that rank.
    Seat(u64),
    /// Sold out, at that offset.
    SoldOut(u64),
    /// Not open, at that offset, and when it was to open.
    NotOpen(u64, i64),
    /// Closed, at that offset.
    Closed(u64),
    /// Unknown, at that offset.
    Unknown(u64),
}

impl Ledger {
    /// Takes a definition. Seats stay as they are.
    pub fn define(&mut self, act: ActivityDefined, sum: &mut u64) {
        let id = act.activity_id;
        if let Some(old) = &self.activity {
            *sum = sum.wrapping_sub(digest::of_definition(&id, old));
        }
        let held = self.activity.as_ref().map_or(0, |old| old.held);
        let new = self.activity.insert(Activity {
            campaign_id: act.campaign_id,
            name: act.name,
            capacity: act.capacity,
            held,
            admitted: self.seats.len() as u64,
            opens_at_ms: act.opens_at_ms,
            closes_at_ms: act.closes_at_ms,
        });
        *sum = sum.wrapping_add(digest::of_definition(&id, new));
    }

    /// Keeps a decision.
    pub fn keep(
        &mut self,
        activity: &str,
        user: &str,
        request: &str,
        kept: Kept,
        sum: &mut u64,
    ) -> Kept {
        let request = Request {
            id: request.into(),
            kept,
        };
        *sum = sum.wrapping_add(digest::of_request(activity, user, &request));
        match self.requests.get_mut(user) {
            Some(requests) => requests.push(request),
            None => {
                // Most users send one request, and a list makes room for four.
                let mut requests = ThinVec::with_capacity(1);
                requests.push(request);
                self.requests.insert(user.into(), requests);
            }
        }
        kept
    }

    /// Gives the next seat to a request; `at` is its offset and append time.
    pub fn admit(
        &mut self,
        activity: &str,
        user: &str,
        request: &str,
        at: (u64, i64),
        sum: &mut u64,
    ) -> Kept {
        let seat = Seat {
            offset: at.0,
            admitted_at: at.1,
            cancelled: false,
        };
        self.seats.push(seat);
        let rank = self.seats.len() as u64;
        *sum = sum.wrapping_add(digest::of_seat(activity, rank, &seat));
        if let Some(activity) = &mut self.activity {
            activity.held += 1;
            activity.admitted = rank;
        }
        self.keep(activity, user, request, Kept::Seat(rank), sum)
    }

    /// Frees the seat of that rank if the user has or had it, and says whether it was held until now.
    pub fn cancel(&mut self, activity: &str, user: &str, rank: u64, sum: &mut u64) -> Option<bool> {
        if !self.ranks_of(user).any(|of| of == rank) {
            return None;
        }
        let seat = self.seats.get_mut(place(rank)?)?;
        if seat.cancelled {
            return Some(false);
        }
        *sum = sum.wrapping_sub(digest::of_seat(activity, rank, seat));
        seat.cancelled = true;
        *sum = sum.wrapping_add(digest::of_seat(activity, rank, seat));
        if let Some(activity) = &mut self.activity {
            activity.held -= 1;
        }
        Some(true)
    }

    /// What was decided for a request.
    pub fn decided(&self, user: &str, request: &str) -> Option<Kept> {
        let found = self.of(user).iter().find(|of| *of.id == *request)?;
        Some(found.kept)
    }

    /// The rank of the seat that the user holds.
    pub fn held_by(&self, user: &str) -> Option<u64> {
        self.ranks_of(user).find(|rank| !self.is_cancelled(*rank))
    }

    /// Every request of a user that was decided, in order.
    pub fn of(&self, user: &str) -> &[Request] {
        self.requests.get(user).map_or(&[], |requests| requests)
    }

    /// Ranks of the seats that the user has or had, newest first; some more than once.
    fn ranks_of(&self, user: &str) -> impl Iterator<Item = u64> {
        self.of(user).iter().rev().filter_map(|of| match of.kept {
            Kept::Seat(rank) => Some(rank),
            _ => None,
        })
    }

    fn seat(&self, rank: u64) -> Option<&Seat> {
        self.seats.get(place(rank)?)
    }

    fn is_cancelled(&self, rank: u64) -> bool {
        self.seat(rank).is_none_or(|seat| seat.cancelled)
    }

    /// The decision in full; `whose` is activity, user and partition.
    pub fn decision(&self, kept: Kept, whose: (&str, &str, u32)) -> Decision {
        match kept {
            Kept::Seat(rank) if self.is_cancelled(rank) => {
                Decision::Cancelled(self.receipt(rank, whose))
            }
            Kept::Seat(rank) => Decision::Admitted(self.receipt(rank, whose)),
            Kept::SoldOut(offset) => Decision::SoldOut { offset },
            Kept::NotOpen(offset, opens_at_ms) => Decision::NotOpen {
                offset,
                opens_at_ms,
            },
            Kept::Closed(offset) => Decision::Closed { offset },
            Kept::Unknown(offset) => Decision::Unknown { offset },
        }
    }

    /// The receipt of a seat; `whose` is activity, user and partition.
    pub fn receipt(&self, rank: u64, (activity, user, partition): (&str, &str, u32)) -> Receipt {
        // Every rank that is kept has its seat: admitting makes both, and a snapshot without is refused.
        let seat = self.seat(rank);
        Receipt {
            activity_id: activity.to_owned(),
            user_id: user.to_owned(),
            rank,
            partition,
            offset: seat.map_or(0, |seat| seat.offset),
            admitted_at_ms: seat.map_or(0, |seat| seat.admitted_at),
        }
    }
}

/// Where the seat of a rank stands.
fn place(rank: u64) -> Option<usize> {
    usize::try_from(rank.checked_sub(1)?).ok()
}
