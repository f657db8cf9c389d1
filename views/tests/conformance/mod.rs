//! What every store of the views must do, judged against a log whose every image is known.
//!
//! A store's test makes a [`Back`] and calls the functions of [`suite`].

// Each test binary uses the part that applies to its store.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod log;
pub mod people;
pub mod questions;
pub mod suite;

use async_trait::async_trait;
use pipeline::definition::Definition;
use views::{AsOfKind, Sink, Views};

/// A store under test, empty at first.
#[async_trait]
pub trait Back: Sync {
    /// Writes it.
    fn sink(&self) -> &dyn Sink;

    /// Reads it.
    fn views(&self) -> &dyn Views;

    /// The definition that it holds views of.
    fn definition(&self) -> &Definition;

    /// Exact: the rows are an image at every instant, and rows that leave the views leave it.
    /// At least: it keeps what left the views, and holds no minutes.
    fn kind(&self) -> AsOfKind;

    /// Returns once everything acknowledged can be read.
    async fn settle(&self) {}
}

/// A definition of its own for a test, so that tests share a server.
pub fn definition(partitions: u32) -> Definition {
    Definition {
        partitions,
        hash_key: uuid::Uuid::new_v4().simple().to_string(),
        ..Definition::default()
    }
}
