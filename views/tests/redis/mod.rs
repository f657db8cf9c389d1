//! A Redis of a test's own, and what tests of it share.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod certificates;
mod changes;
mod faults;
mod group;
mod node;
mod proxy;
mod reads;
mod scenarios;
mod schedule;
mod schedules;
mod secure;
pub mod server;
mod setup;
mod slot;
mod topologies;
mod traffic;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use pipeline::definition::Definition;
use views::redis::{Address, Limits, Store};
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

/// A wait gives up after this long.
pub const CAP: Duration = Duration::from_secs(180);

/// Waits until it is so.
pub async fn until(mut so: impl AsyncFnMut() -> bool) {
    let give_up = Instant::now() + CAP;
    while !so().await {
        assert!(Instant::now() < give_up, "waited {CAP:?} in vain");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

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
    pub async fn at(address: impl Into<Address>, partitions: u32) -> Self {
        let definition = conformance::definition(partitions);
        let store = Store::connect(address, &definition).await.unwrap();
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
