//! The oracle: the fold written a second time, naively, to hold every store against (I6, I7).
//!
//! It keeps the raw events of one partition in SQLite and derives every number from all of them after the fact: users as
//! sets, the first day as a minimum, counts one event at a time. With the fold it shares the generated types, the key
//! rule, the device function, the time-zone table and the words for cells and reasons; it shares none of its code. It
//! tells ids apart whole where the fold has hashes of 64 bits; those hashes it takes only to name ids that share one.

mod check;
mod civil;
mod collision;
mod compare;
mod oracle;
mod origin;
mod store;
mod tally;
mod user;
mod view;

pub use collision::{Collision, Known};
pub use compare::{Comparison, Difference, compare};
pub use oracle::{Judgement, Oracle, Tallies};
pub use view::{LimitMet, View};

/// Why the oracle can't go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The definition can't be used.
    #[error(transparent)]
    Definition(#[from] pipeline::definition::Error),
    /// The scratch database failed.
    #[error(
        "the oracle's scratch database failed: {0}; it lies in the system's temporary folder: see that there is room, or set SQLITE_TMPDIR to a folder that has it"
    )]
    Scratch(#[from] rusqlite::Error),
    /// A record did not follow the one before it.
    #[error(
        "record at offset {offset} of partition {partition} came after offset {last}; give each record once, in offset order"
    )]
    OutOfOrder {
        /// The partition.
        partition: u32,
        /// The record's offset.
        offset: u64,
        /// The offset before it.
        last: u64,
    },
    /// An offset is beyond what any log gives.
    #[error("offset {0} is above 9223372036854775807, the greatest a log may give")]
    Offset(u64),
}
