//! The listener and what every process serves, on loopback.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod listener;
mod operation;
