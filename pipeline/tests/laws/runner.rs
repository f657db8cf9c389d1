//! Holds a law on many random values, from a seed.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

/// Holds a law on `cases` values, unless FOOTFALL_TEST_CASES says how many.
pub fn hold<S>(cases: u32, strategy: S, law: impl Fn(S::Value) -> Result<(), TestCaseError>)
where
    S: Strategy,
    S::Value: Debug,
{
    if let Err(failure) = judge(cases, strategy, law) {
        panic!("{failure}");
    }
}

/// Whether the law holds; if not, for which value.
pub fn judge<S>(
    cases: u32,
    strategy: S,
    law: impl Fn(S::Value) -> Result<(), TestCaseError>,
) -> Result<(), String>
where
    S: Strategy,
    S::Value: Debug,
{
    let seed = number("FOOTFALL_TEST_SEED").unwrap_or(0);
    let config = Config {
        cases: number("FOOTFALL_TEST_CASES").map_or(cases, |cases| cases as u32),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let cases = config.cases;
    TestRunner::new(config)
        .run(&strategy, law)
        .map_err(|error| format!("FOOTFALL_TEST_SEED={seed} FOOTFALL_TEST_CASES={cases}: {error}"))
}

pub fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}")),
    )
}
