//! A Redis of a test's own, and what tests of it share.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod server;

use async_trait::async_trait;
use pipeline::definition::Definition;
use views::redis::Store;
use views::{AsOfKind, Sink, Views};

use crate::conformance::{self, Back};
use server::Server;

/// The Redis views of one definition.
pub struct Redis {
    pub store: Store,
    pub definition: Definition,
}

impl Redis {
    /// Views of a new definition.
    pub async fn new(server: &Server, partitions: u32) -> Self {
        let definition = conformance::definition(partitions);
        let store = Store::connect(&server.url(), &definition).await.unwrap();
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
