//! The materialized views: writing a partition's rows, and reading answers from them.
//!
//! A store holds, for each partition, exactly the rows of fold(log[0..stored)) (I3). Back ends:
//! the fold itself, Redis and OpenSearch, held to one conformance suite. Only this crate knows
//! fred and opensearch.

mod answer;
mod change;
pub mod collect;
mod connecting;
mod finding;
pub mod metrics;
pub mod opensearch;
mod question;
pub mod redis;

pub use answer::{Answer, AsOf, AsOfKind, Counts, Numbers, Scope, Stamp};
pub use change::{Change, Error, Sink, Stored};
pub use connecting::Connecting;
pub use finding::Finding;
pub use question::{Question, Span, Step};

use async_trait::async_trait;

/// Answers questions from one store, in one round trip whatever the number of activities.
#[async_trait]
pub trait Views: Send + Sync {
    /// The answer, with what it is as of.
    ///
    /// # Errors
    /// When the store doesn't answer, or misses a partition: the rest is never summed.
    async fn ask(&self, question: &Question) -> Result<Answer, Error>;

    /// Every row of every partition, added up by name; for dumps, digests and verification.
    ///
    /// # Errors
    /// As [`Views::ask`].
    async fn dump(&self) -> Result<(AsOf, pipeline::row::NamedCells), Error>;
}
