//! Why a record was not applied: the data's fault, never ours. Each ends as a dead letter.

/// The reason for a dead letter. `as_str` is also the metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// The value is not a `footfall.v1.Event`.
    BadBytes = 0,
    /// The record is larger than an event may be.
    TooLarge = 1,
    /// An id is missing, too long, reserved, or has control characters.
    BadId = 2,
    /// The User-Agent or a client hint is too long.
    BadUserAgent = 3,
    /// occurred_at_ms or signed_up_at_ms is absent or out of order.
    BadTime = 4,
    /// The event lies before the first year accepted.
    TooOld = 5,
    /// The event lies more than five minutes ahead of log time.
    Future = 6,
    /// The kind is unspecified or unknown.
    UnknownKind = 7,
    /// The amount is negative, its currency no ISO 4217 code, or the kind takes none.
    BadAmount = 8,
    /// A source, sequence or replay header can't be read, or an Enter has none.
    BadHeader = 9,
    /// The key is not the user_id, or does not belong to this partition.
    Misrouted = 10,
    /// The event is later than the operator's bound. Counted as late, not as dead-lettered.
    Late = 11,
}

impl Reason {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 12] = [
        Self::BadBytes,
        Self::TooLarge,
        Self::BadId,
        Self::BadUserAgent,
        Self::BadTime,
        Self::TooOld,
        Self::Future,
        Self::UnknownKind,
        Self::BadAmount,
        Self::BadHeader,
        Self::Misrouted,
        Self::Late,
    ];

    /// The name in headers, metrics and listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadBytes => "bad_bytes",
            Self::TooLarge => "too_large",
            Self::BadId => "bad_id",
            Self::BadUserAgent => "bad_user_agent",
            Self::BadTime => "bad_time",
            Self::TooOld => "too_old",
            Self::Future => "future",
            Self::UnknownKind => "unknown_kind",
            Self::BadAmount => "bad_amount",
            Self::BadHeader => "bad_header",
            Self::Misrouted => "misrouted",
            Self::Late => "late",
        }
    }

    /// The reason of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// A refused record's reason, with a sentence that says what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The reason.
    pub reason: Reason,
    /// The sentence, with the data it speaks of.
    pub detail: String,
}

impl Rejection {
    /// A rejection.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

/// A record set aside, with all it takes to show and to replay it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Why.
    pub rejection: Rejection,
    /// The partition it stands in.
    pub partition: u32,
    /// Its offset there. With the partition, the letter's identity.
    pub offset: u64,
    /// When the log took it, milliseconds since the epoch.
    pub appended_at: i64,
    /// The record's key.
    pub key: Vec<u8>,
    /// The record's value, byte for byte.
    pub value: Vec<u8>,
    /// The record's headers, packed as in [`crate::record::Headers`].
    pub headers: Vec<u8>,
}
