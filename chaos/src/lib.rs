//! A simulator: real processors, emitters and gateways on stores in memory, on one thread, in virtual time.
//!
//! One seed is one run: the same choices, in the same order, for ever. A run is a list of steps, each with choices of its own
//! (`steps.rs`), then a calm in which everything must arrive (`calm.rs`). What must hold is looked at after every step
//! (`checks.rs`), against a fold of its own (`judge.rs`). Gateways have steps and checks of their own (`gateways/`). A run that fails is made short (`shrink.rs`).
// Part of a test: what can't be must end the run at once, with its seed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod calm;
mod checks;
mod claims;
pub mod clock;
pub mod dice;
pub mod gateways;
pub mod judge;
pub mod node;
pub mod opensearch;
pub mod redis;
pub mod run;
pub mod seats;
pub mod shrink;
mod steps;
pub mod teller;
pub mod topic;
pub mod traffic;
pub mod world;
