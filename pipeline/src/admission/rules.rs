//! Who gets a seat: the rules, in their order. They change nothing.

use super::ledger::{Kept, Ledger};

/// Most requests of one user to one activity that are decided, so that nobody fills the memory of every gateway. Tries
/// of one request are one.
pub const MAX_REQUESTS: usize = 100;

/// What the rules say of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was decided before.
    Before(Kept),
    /// It is one too many.
    TooMany,
    /// This is to be kept for it.
    Keep(Kept),
    /// It is to be given the next seat.
    Admit,
}

impl Ledger {
    /// What is to become of a request, at its offset and at the log's time then.
    pub fn judge(&self, user: &str, request: &str, log_time: i64, offset: u64) -> Verdict {
        if let Some(kept) = self.decided(user, request) {
            return Verdict::Before(kept);
        }
        if self.has_too_many(user) {
            return Verdict::TooMany;
        }
        if let Some(rank) = self.held_by(user) {
            return Verdict::Keep(Kept::Seat(rank));
        }
        let Some(activity) = &self.activity else {
            return Verdict::Keep(Kept::Unknown(offset));
        };
        if log_time < activity.opens_at_ms {
            return Verdict::Keep(Kept::NotOpen(offset, activity.opens_at_ms));
        }
        if activity.closes_at_ms.is_some_and(|at| log_time >= at) {
            return Verdict::Keep(Kept::Closed(offset));
        }
        if activity.held >= activity.capacity {
            return Verdict::Keep(Kept::SoldOut(offset));
        }
        Verdict::Admit
    }

    /// Whether no further request of the user is decided.
    pub fn has_too_many(&self, user: &str) -> bool {
        self.of(user).len() >= MAX_REQUESTS
    }
}
