//! Writing: a partition's changed rows, and the offset they bring a store to.

use async_trait::async_trait;
use pipeline::row::FrozenRow;

/// The rows of one partition that changed from `base` on, frozen at `to`.
#[derive(Debug, Clone)]
pub struct Change {
    /// The partition.
    pub partition: u32,
    /// Every row changed by a record in `[base, to)` is in `rows`; rows changed before may be too.
    pub base: u64,
    /// The rows are fold(log[0..to)).
    pub to: u64,
    /// Log time at `to`, milliseconds since the epoch.
    pub log_time: i64,
    /// The rows. `row: None` deletes.
    pub rows: Vec<FrozenRow>,
}

/// How far a store holds a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// The partition must be filled: it was never written, the store was wiped, or the change is
    /// more than the store writes at one instant.
    Missing,
    /// The store holds fold(log[0..offset)).
    At(u64),
}

/// What went wrong with a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store did not answer, or answered that it can't now. Sending the same again is safe.
    #[error("{store} can't be reached or refused for now: {detail}")]
    Transient {
        /// The store's name.
        store: &'static str,
        /// What it said.
        detail: String,
    },
    /// The store misses a partition, so that no sum can be given.
    #[error("{store} does not hold partition {partition} yet; it is being filled, ask again")]
    Incomplete {
        /// The store's name.
        store: &'static str,
        /// The partition.
        partition: u32,
    },
    /// The question spans more than one answer may read.
    #[error(
        "the question spans {periods} periods, of which one answer reads at most {most}; ask for a shorter span or wider buckets"
    )]
    TooWide {
        /// Hours, days, weeks or months that it spans.
        periods: u64,
        /// The most.
        most: u64,
    },
    /// The store can never answer this question; the sentence says which one it can.
    #[error("{0}")]
    Unanswerable(String),
    /// The store is set up so that it can't hold views, or holds something else.
    #[error("{0}")]
    Fatal(String),
}

/// A store that holds partitions' rows.
#[async_trait]
pub trait Sink: Send + Sync {
    /// The store's name in metrics and messages: `redis`, `opensearch`.
    fn name(&self) -> &'static str;

    /// How far the store holds `partition`.
    ///
    /// # Errors
    /// When the store doesn't answer.
    async fn stored(&self, partition: u32) -> Result<Stored, Error>;

    /// Applies the change if `base <= stored < to` and answers `At(to)`; else changes nothing and
    /// answers what is stored. From base 0 on it may also begin a partition that is missing. Sending a change again, late or twice, never makes it wrong.
    ///
    /// # Errors
    /// When it is unknown whether the change was applied: send it again.
    async fn apply(&self, change: &Change) -> Result<Stored, Error>;

    /// Replaces the partition's rows by `change.rows`, all rows of fold(log[0..to)), so that
    /// readers see the old or the new and never a mixture.
    ///
    /// # Errors
    /// When it did not complete: fill again.
    async fn fill(&self, change: &Change) -> Result<Stored, Error>;
}
