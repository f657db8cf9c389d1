//! What the routes answer, over a store that records every question.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod activities;
mod campaigns;
mod metrics;
mod openapi;
mod operation;
mod problems;
mod reading;
mod shares;
mod support;
mod timeseries;
mod traces;
