//! Admission (I5): laws of its fold on random histories, and a simulation of gateways that answer by it.
//!
//! A failure of a law prints its seed and a history shrunk as far as it still fails; one of the simulation prints the
//! schedule's seed and what happened in it. Run either again with FOOTFALL_TEST_SEED=….
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// What was put to the proof, and with which seed.
#![allow(clippy::print_stdout)]

mod acts;
mod advice;
mod golden;
mod laws;
mod oracle;
mod rejections;
#[path = "../laws/runner.rs"]
mod runner;
mod simulation;
mod snapshot;
