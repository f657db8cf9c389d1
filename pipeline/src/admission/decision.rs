//! What became of a record, and what a request is told.

use schemas::v1::ClientHints;
use serde::{Deserialize, Serialize};

use crate::rejection::Rejection;

/// An activity as it was last defined, and its seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its campaign; empty for none.
    pub campaign_id: String,
    /// What people read.
    pub name: String,
    /// Seats that may be held at once.
    pub capacity: u64,
    /// Seats held now. More than `capacity` only where that was lowered.
    pub held: u64,
    /// Seats ever given; also the rank of the last one.
    pub admitted: u64,
    /// From when on seats are given, milliseconds since the epoch of log time.
    pub opens_at_ms: i64,
    /// From when on none are given, milliseconds since the epoch of log time; absent: never.
    pub closes_at_ms: Option<i64>,
}

/// A seat that was given, with the place in the log where anyone can look it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The activity.
    pub activity_id: String,
    /// Who got the seat.
    pub user_id: String,
    /// The how manieth seat of the activity, from 1; never given twice.
    pub rank: u64,
    /// The partition of the request.
    pub partition: u32,
    /// Its offset.
    pub offset: u64,
    /// When the log took the request, milliseconds since the epoch.
    pub admitted_at_ms: i64,
}

/// What the log decided for a request, for ever: only `Admitted` may become `Cancelled`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The user holds this seat, be it by this request or by one before.
    Admitted(Receipt),
    /// The user held this seat and cancelled it.
    Cancelled(Receipt),
    /// Every seat was held.
    SoldOut {
        /// Where that was decided.
        offset: u64,
    },
    /// It came before the activity opened.
    NotOpen {
        /// Where that was decided.
        offset: u64,
        /// When the activity was to open, milliseconds since the epoch.
        opens_at_ms: i64,
    },
    /// It came after the activity had closed.
    Closed {
        /// Where that was decided.
        offset: u64,
    },
    /// No such activity was defined.
    Unknown {
        /// Where that was decided.
        offset: u64,
    },
}

impl Decision {
    /// The name in answers and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Admitted(_) => "admitted",
            Self::Cancelled(_) => "cancelled",
            Self::SoldOut { .. } => "sold_out",
            Self::NotOpen { .. } => "not_open",
            Self::Closed { .. } => "closed",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// A request met in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The activity.
    pub activity_id: String,
    /// The activity's campaign as of this record; empty for none, and of an unknown activity.
    pub campaign_id: String,
    /// Who asked.
    pub user_id: String,
    /// Which request of theirs.
    pub request_id: String,
    /// What is decided for it, by this record or by one before.
    pub decision: Decision,
    /// Whether this very record was given a seat.
    pub is_new: bool,
    /// The User-Agent of this record.
    pub user_agent: String,
    /// The client hints of this record.
    pub client_hints: Option<ClientHints>,
}

/// A cancellation met in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    /// The seat.
    pub receipt: Receipt,
    /// Whether this very record freed it; else one before did.
    pub is_new: bool,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// An activity was defined, or defined anew.
    Defined {
        /// Which.
        activity_id: String,
    },
    /// A request was decided, or had been.
    Decided(Decided),
    /// A seat was cancelled, or had been.
    Cancelled(Cancelled),
    /// A cancellation of a seat that the user never had: nothing changed.
    NoSeat {
        /// The activity.
        activity_id: String,
        /// Who.
        user_id: String,
        /// The seat that was named.
        rank: u64,
    },
    /// The user has sent [`super::MAX_REQUESTS`] other requests to the activity: nothing was decided, nor ever is.
    TooManyRequests {
        /// The activity.
        activity_id: String,
        /// Who.
        user_id: String,
        /// The request that was one too many.
        request_id: String,
    },
    /// The record can't be used: nothing changed but log time.
    Rejected(Rejection),
    /// The record lies below the first offset not folded: nothing changed.
    FoldedBefore,
}
