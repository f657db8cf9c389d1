//! What a gateway may answer from memory, and when it must ask the log.

use super::Admission;
use super::decision::Decision;

/// How far before its opening an activity is called not open from memory: a gateway's clock may be off by this much.
/// Nearer, log time decides. Milliseconds.
pub const OPENING_MARGIN_MS: i64 = 2_000;

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// Answer this, and write nothing.
    Answer(Answer),
    /// Append it: its own record decides.
    Append,
}

/// An answer from memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The log decided the request before.
    Decided(Decision),
    /// Nothing is decided, and the same request may be admitted later.
    Refused {
        /// Why it is not worth asking the log now.
        refusal: Refusal,
        /// The first offset that this does not know of.
        folded: u64,
    },
}

/// Why a request is not worth a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Every seat is held.
    SoldOut,
    /// The activity opens later.
    NotOpen {
        /// When, milliseconds since the epoch.
        opens_at_ms: i64,
    },
    /// The activity has closed.
    Closed,
    /// No such activity is defined.
    Unknown,
    /// The user has sent [`super::MAX_REQUESTS`] other requests to the activity; no further one is decided.
    TooManyRequests,
}

impl Refusal {
    /// The name in answers and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SoldOut => "sold_out",
            Self::NotOpen { .. } => "not_open",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
            Self::TooManyRequests => "too_many_requests",
        }
    }
}

impl Admission {
    /// What to do with a request; `now_ms` is the gateway's clock, milliseconds since the epoch.
    ///
    /// Where the user holds a seat by another request, this one is still for the log: were it answered from memory
    /// alone, a copy of it that comes after the seat was cancelled would take a new one. A request whose id nobody else
    /// knows can have no such copy: whoever made the id for it may answer what [`Admission::seat`] says.
    pub fn advise(&self, activity: &str, user: &str, request: &str, now_ms: i64) -> Advice {
        if let Some(decision) = self.decided(activity, user, request) {
            return Advice::Answer(Answer::Decided(decision));
        }
        match self.refusal(activity, user, now_ms) {
            Some(refusal) => Advice::Answer(Answer::Refused {
                refusal,
                folded: self.next_offset,
            }),
            None => Advice::Append,
        }
    }

    fn refusal(&self, id: &str, user: &str, now_ms: i64) -> Option<Refusal> {
        let Some(ledger) = self.activities.get(id) else {
            return Some(Refusal::Unknown);
        };
        if ledger.has_too_many(user) {
            return Some(Refusal::TooManyRequests);
        }
        if ledger.held_by(user).is_some() {
            return None;
        }
        let Some(activity) = &ledger.activity else {
            return Some(Refusal::Unknown);
        };
        let opens_at_ms = activity.opens_at_ms;
        if self.log_time < opens_at_ms {
            let well_before = now_ms < opens_at_ms - OPENING_MARGIN_MS;
            return well_before.then_some(Refusal::NotOpen { opens_at_ms });
        }
        if activity.closes_at_ms.is_some_and(|at| self.log_time >= at) {
            return Some(Refusal::Closed);
        }
        (activity.held >= activity.capacity).then_some(Refusal::SoldOut)
    }
}
