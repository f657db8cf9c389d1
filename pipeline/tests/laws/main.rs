//! Laws of the fold on random histories (I3, I4, I6), each held against something simpler than the fold.
//!
//! A failure prints its seed and a history shrunk as far as it still fails. Run it again with
//! FOOTFALL_TEST_SEED=…; judge more histories with FOOTFALL_TEST_CASES=….
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// What was put to the proof, and with which seed.
#![allow(clippy::print_stdout)]

mod conservation;
mod copies;
mod histories;
mod judgement;
mod kept;
mod order;
mod people;
mod projections;
mod restore;
mod runner;
mod sums;

pub use runner::{hold, judge};
