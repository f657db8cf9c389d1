//! Deliberate faults, each of which the simulator must catch.
//!
//! A place in the code that could be wrong asks [`is`]. Without the feature `on`, which only the simulator has, the answer is
//! a constant no, and the compiler leaves the fault out.

/// A fault. Those that are in Redis' functions are made where these are loaded, and are in nobody's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// Redis: a change is taken whatever the offset it is based on.
    GuardWithoutLowerBound,
    /// Redis: a change is taken whatever is stored.
    GuardRemoved,
    /// Redis: a change is taken from the owner that was last to come, whatever is stored.
    EpochOnly,
    /// Redis: the offset is stored by a command of its own, before the rows.
    OffsetFirst,
    /// Redis: a fill is taken whole, however much of it has come.
    FlipWithoutCount,
    /// A change has rows of a later moment than it says.
    ValuesLater,
    /// Ids that were seen are kept before the counts that they brought.
    SeenFirst,
    /// Letters that were not delivered are not kept.
    LettersNotKept,
    /// Without a checkpoint, a partition begins where the log ends.
    LatestReset,
    /// OpenSearch's answer that it has a newer document counts as a failure.
    ConflictIsFailure,
    /// What OpenSearch says of each document of a bulk is not read.
    BulkErrorsIgnored,
    /// The fold goes by the processor's clock.
    WallClock,
    /// Events that were rejected as late or future count as seen.
    RejectedAreSeen,
    /// An emitter gives up events that were not acknowledged.
    EmitterTimesOut,
    /// A producer chooses partitions in a way of its own.
    WrongPartitioner,
    /// A gateway answers when its append is acknowledged, from what it has folded by then.
    AnsweredAtProduceAck,
    /// A gateway that the log has not answered in time says that every seat is held.
    UnknownIsNo,
    /// A gateway tells whoever holds a seat so from memory, also by a request that the log has not decided.
    HolderFromMemory,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::GuardWithoutLowerBound,
        Self::GuardRemoved,
        Self::EpochOnly,
        Self::OffsetFirst,
        Self::FlipWithoutCount,
        Self::ValuesLater,
        Self::SeenFirst,
        Self::LettersNotKept,
        Self::LatestReset,
        Self::ConflictIsFailure,
        Self::BulkErrorsIgnored,
        Self::WallClock,
        Self::RejectedAreSeen,
        Self::EmitterTimesOut,
        Self::WrongPartitioner,
        Self::AnsweredAtProduceAck,
        Self::UnknownIsNo,
        Self::HolderFromMemory,
    ];

    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GuardWithoutLowerBound => "guard-without-lower-bound",
            Self::GuardRemoved => "guard-removed",
            Self::EpochOnly => "epoch-only",
            Self::OffsetFirst => "offset-first",
            Self::FlipWithoutCount => "flip-without-count",
            Self::ValuesLater => "values-later",
            Self::SeenFirst => "seen-first",
            Self::LettersNotKept => "letters-not-kept",
            Self::LatestReset => "latest-reset",
            Self::ConflictIsFailure => "conflict-is-failure",
            Self::BulkErrorsIgnored => "bulk-errors-ignored",
            Self::WallClock => "wall-clock",
            Self::RejectedAreSeen => "rejected-are-seen",
            Self::EmitterTimesOut => "emitter-times-out",
            Self::WrongPartitioner => "wrong-partitioner",
            Self::AnsweredAtProduceAck => "answered-at-produce-ack",
            Self::UnknownIsNo => "unknown-is-no",
            Self::HolderFromMemory => "holder-from-memory",
        }
    }
}

/// Whether this fault is made on this thread.
#[cfg(not(feature = "on"))]
#[inline(always)]
pub const fn is(_: Mutant) -> bool {
    false
}

#[cfg(feature = "on")]
pub use switch::{is, set, set_wall_clock, wall_clock};

#[cfg(feature = "on")]
mod switch {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static ON: Cell<Option<Mutant>> = const { Cell::new(None) };
        static WALL_CLOCK: Cell<i64> = const { Cell::new(0) };
    }

    /// Whether this fault is made on this thread.
    pub fn is(mutant: Mutant) -> bool {
        ON.get() == Some(mutant)
    }

    /// Makes this fault on this thread, and no other.
    pub fn set(mutant: Option<Mutant>) {
        ON.set(mutant);
    }

    /// What a clock on the wall says, for [`Mutant::WallClock`]; milliseconds since the epoch.
    pub fn wall_clock() -> i64 {
        WALL_CLOCK.get()
    }

    /// The clock on the wall goes.
    pub fn set_wall_clock(ms: i64) {
        WALL_CLOCK.set(ms);
    }
}

/// What a clock on the wall says: only a fault reads it.
#[cfg(not(feature = "on"))]
#[inline(always)]
pub const fn wall_clock() -> i64 {
    0
}
