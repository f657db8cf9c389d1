//! I2: a checkpoint file is fold(log[0..n)) for some n, whatever happens while it is written, or it is refused.
//!
//! A failure prints its seed; run that seed again with FOOTFALL_TEST_SEED=…, other than the usual ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// What was put to the proof, and with which seed.
#![allow(clippy::print_stdout)]

mod cut;
mod damage;
mod failing;
mod held;
mod killed;
mod partition;
// Both are shared with tests that use more of them.
#[allow(dead_code)]
#[path = "../fold_agrees/random.rs"]
mod random;
mod snapshot;
#[allow(dead_code)]
#[path = "../traffic/mod.rs"]
mod traffic;

/// The seed, unless FOOTFALL_TEST_SEED gives another.
fn seed() -> u64 {
    let seed = std::env::var("FOOTFALL_TEST_SEED");
    let seed = seed.map_or(1, |seed| {
        seed.parse().expect("FOOTFALL_TEST_SEED is a number")
    });
    println!("FOOTFALL_TEST_SEED={seed}");
    seed
}
