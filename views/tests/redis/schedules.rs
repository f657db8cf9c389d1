//! Schedules of everything, judged; and the proof that the judge sees what it must.

use super::scenarios;
use super::schedule::{Material, Tally, mutant, run};
use super::server::Server;

/// Schedules judged in one run of the tests. Another number, and another first seed, by
/// FOOTFALL_TEST_SCHEDULES and FOOTFALL_TEST_SEED.
const SCHEDULES: u64 = 100;
/// Schedules within which every mutant must be found out.
const MUTANT_SCHEDULES: u64 = 100;

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => default,
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn the_rows_are_those_of_a_prefix_after_every_step_of_every_schedule() {
    let server = Server::start().await;
    let material = Material::new(7);
    let mut tally = Tally::default();
    let first = number("FOOTFALL_TEST_SEED", 0);
    let schedules = number("FOOTFALL_TEST_SCHEDULES", SCHEDULES);
    for seed in first..first + schedules {
        let judged = run(seed, &server, &material, None, &mut tally).await;
        if let Err(wrong) = judged {
            panic!("{wrong}; to see it again: FOOTFALL_TEST_SEED={seed} FOOTFALL_TEST_SCHEDULES=1");
        }
    }
    eprintln!(
        "{schedules} schedules from seed {first}, every step judged: {:#?}",
        tally.0
    );
    for what in [
        "apply: done",
        "fill: the end",
        "promote an old state",
        "wipe",
    ] {
        assert!(tally.0.contains_key(what), "no schedule came to: {what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn the_rows_are_those_of_a_prefix_in_every_scenario() {
    let server = Server::start().await;
    scenarios::play(&server, &Material::new(7), None)
        .await
        .unwrap();
}

/// The negative control: with any one check of the functions gone, schedules find a violation.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn every_check_of_the_functions_is_missed_when_it_is_gone() {
    let server = Server::start().await;
    let material = Material::new(7);
    let mut missed = Vec::new();
    for (what, from, to) in MUTANTS {
        let library = mutant(from, to);
        let mut tally = Tally::default();
        let mut found = scenarios::play(&server, &material, Some(&library))
            .await
            .err()
            .map(|_| 0);
        for seed in 0..MUTANT_SCHEDULES {
            if found.is_some() {
                break;
            }
            if run(seed, &server, &material, Some(&library), &mut tally)
                .await
                .is_err()
            {
                found = Some(seed + 1);
            }
        }
        eprintln!("{what}: found out by schedule {found:?}; 0 are the scenarios");
        if found.is_none() {
            missed.push(what);
        }
    }
    assert!(
        missed.is_empty(),
        "not found out in {MUTANT_SCHEDULES} schedules each: {missed:?}"
    );
}

/// A check, its text, and what takes its place.
const MUTANTS: [(&str, &str, &str); 10] = [
    (
        "begin's dead tokens",
        "if m.token == token or redis.call('SISMEMBER', dead, token) == 1 then",
        "if m.token == token then",
    ),
    (
        "the guard's lower bound",
        "m.stored < base or m.stored >= to",
        "m.stored >= to",
    ),
    (
        "the guard's upper bound",
        "m.stored < base or m.stored >= to",
        "m.stored < base",
    ),
    (
        "apply's image",
        "if m.token ~= token then return {'moved', m.token} end",
        "",
    ),
    (
        "the flip's stored offset",
        "if m.stored and m.stored >= to then\n    if m.fill",
        "if false then\n    if m.fill",
    ),
    (
        "the flip's chunks",
        "if m.fill ~= token or m.filled ~= chunks then",
        "if m.fill ~= token then",
    ),
    (
        "the flip's fill",
        "if m.fill ~= token or m.filled ~= chunks then",
        "if m.filled ~= chunks then",
    ),
    (
        "the chunk's fill",
        "if m.fill ~= token then return {'again'} end",
        "",
    ),
    (
        "the chunk's number",
        "if m.filled ~= number - 1 then return {'again'} end",
        "",
    ),
    (
        "the index",
        "redis.call('SADD', index, name_of(index, group.key))",
        "",
    ),
];
