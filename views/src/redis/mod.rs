//! Redis: the hot views, written and read by functions that run inside it.
//!
//! At every instant a partition's rows are fold(log[0..stored)) (I3), also right after a failover,
//! and whoever writes: every write is one function call that checks the stored offset itself.
//! `layout.rs` has the keys, `footfall.lua` the functions and why they are right.

use async_trait::async_trait;
use pipeline::definition::Definition;

use crate::{Answer, AsOf, Change, Error, Question, Sink, Stored, Views};

/// The views of one definition in one Redis. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Connects to `redis://…`, `redis-sentinel://…?sentinelServiceName=…` or
    /// `redis-cluster://…`, loads the functions and checks that this Redis can hold the views.
    ///
    /// # Errors
    /// [`Error::Fatal`] when it evicts keys or holds rows of another definition under this one's
    /// name; [`Error::Transient`] when it can't be reached.
    pub async fn connect(_url: &str, _definition: &Definition) -> Result<Self, Error> {
        Err(Error::Fatal("Redis is not connected yet".to_owned()))
    }
}

#[async_trait]
impl Sink for Store {
    fn name(&self) -> &'static str {
        "redis"
    }

    async fn stored(&self, partition: u32) -> Result<Stored, Error> {
        Err(Error::Incomplete {
            store: self.name(),
            partition,
        })
    }

    async fn apply(&self, change: &Change) -> Result<Stored, Error> {
        self.stored(change.partition).await
    }

    async fn fill(&self, change: &Change) -> Result<Stored, Error> {
        self.stored(change.partition).await
    }
}

#[async_trait]
impl Views for Store {
    async fn ask(&self, _question: &Question) -> Result<Answer, Error> {
        Err(Error::Incomplete {
            store: self.name(),
            partition: 0,
        })
    }

    async fn dump(&self) -> Result<(AsOf, pipeline::row::NamedCells), Error> {
        Err(Error::Incomplete {
            store: self.name(),
            partition: 0,
        })
    }
}
