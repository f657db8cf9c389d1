//! Whole processors on the embedded log: killed, doubled, halted and starved, before stores that fail at random.
//!
//! A failure prints its seed; run that seed alone with FOOTFALL_TEST_SEED=…, or more of them with
//! FOOTFALL_TEST_CASES=….
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// What was put to the proof, and with which seed.
#![allow(clippy::print_stdout)]

mod chaos;
mod full;
mod halting;
mod judge;
mod killed;
mod machines;
mod memory;
mod milestones;
mod moving;
mod objects;
mod paused;
mod quiet;
// Both are shared with tests that use more of them.
#[allow(dead_code)]
#[path = "../fold_agrees/random.rs"]
mod random;
mod script;
mod starting;
mod starved;
mod store;
#[allow(dead_code)]
#[path = "../traffic/mod.rs"]
mod traffic;
mod world;

use std::time::{Duration, Instant};

/// The longest wait for anything.
const CAP: Duration = Duration::from_secs(180);

/// Why a partition stands still, once it does.
fn halted(processor: &processor::Processor, partition: u32) -> String {
    let mut why = String::new();
    wait_for("the partition to halt", || {
        let partitions = processor.status().partitions();
        let halted = partitions.get(&partition).and_then(|s| s.halted.clone());
        why = halted.unwrap_or_default();
        !why.is_empty()
    });
    why
}

/// Waits until the condition holds; `what` says what was waited for.
fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < CAP, "waited {CAP:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
