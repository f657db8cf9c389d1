//! What the gateway answers, over an embedded log and over logs that fail.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod entries;
mod events;
mod lanes;
mod openapi;
mod pages;
mod rush;
mod snapshots;
mod support;
mod troubles;
mod users;
mod world;
