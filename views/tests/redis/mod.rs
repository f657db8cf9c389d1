//! A Redis of a test's own, and what tests of it share.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod faults;
mod proxy;
mod reads;
mod scenarios;
mod schedule;
mod schedules;
pub mod server;
mod setup;

use async_trait::async_trait;
use pipeline::definition::Definition;
use views::redis::{Limits, Store};
use views::{AsOfKind, Sink, Views};

use crate::conformance::{self, Back};
use server::Server;

/// Small enough that a fill of the tests' logs takes several chunks.
pub const SMALL: Limits = Limits {
    rows_per_chunk: 120,
    bytes_per_chunk: 1 << 16,
    rows_per_change: 10_000,
    bytes_per_change: 1 << 22,
};

/// The Redis views of one definition.
pub struct Redis {
    pub store: Store,
    pub definition: Definition,
}

impl Redis {
    /// Views of a new definition.
    pub async fn new(server: &Server, partitions: u32) -> Self {
        Self::at(&server.url(), partitions).await
    }

    /// Likewise, at another address.
    pub async fn at(url: &str, partitions: u32) -> Self {
        let definition = conformance::definition(partitions);
        let store = Store::connect(url, &definition).await.unwrap();
        Self { store, definition }
    }
}

#[async_trait]
impl Back for Redis {
    fn sink(&self) -> &dyn Sink {
        &self.store
    }

    fn views(&self) -> &dyn Views {
        &self.store
    }

    fn definition(&self) -> &Definition {
        &self.definition
    }

    fn kind(&self) -> AsOfKind {
        AsOfKind::Exact
    }
}
