//! Gateways that answer by the fold, under everything that goes wrong around them, held against the log's own fold.
//!
//! Each schedule comes from its seed alone: several gateways that lag, crash, and start again from old snapshots, with
//! clocks that are off; clients that try again anywhere with the same request or another; appends that are lost,
//! delayed or doubled, and acknowledgements too; late copies of cancellations; capacities that change; a log whose time
//! stands still. FOOTFALL_TEST_SEED=… plays one schedule alone.

mod chance;
mod clients;
mod gateway;
mod network;
mod witness;
mod world;

use std::collections::BTreeSet;

use gateway::Flaw;
use witness::Broken;
use world::World;

use crate::runner::number;

const SCHEDULES: u64 = 10_000;
/// Schedules in which a flaw has to show.
const FLAWED: u64 = 1_000;

fn play(seed: u64, flaw: Option<Flaw>, tell: bool) -> World {
    let mut world = World::new(seed, flaw, tell);
    world.run();
    world
}

fn broken_by(seed: u64, flaw: Flaw) -> BTreeSet<Broken> {
    play(seed, Some(flaw), false).witness.broken
}

#[test]
fn no_schedule_breaks_a_promise() {
    let seeds = match number("FOOTFALL_TEST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FOOTFALL_TEST_CASES").unwrap_or(SCHEDULES),
    };
    let mut sums = [0; 11];
    for seed in seeds.clone() {
        let world = play(seed, None, false);
        if !world.witness.broken.is_empty() {
            let story = play(seed, None, true).story.unwrap().join("\n");
            panic!(
                "FOOTFALL_TEST_SEED={seed}: {:?}\n{story}",
                world.witness.broken
            );
        }
        let of = world.counts;
        let counts = [
            of.records,
            of.yes,
            of.no,
            of.refused,
            of.cancellations,
            of.definitions,
            of.crashes,
            of.restarts,
            of.lost,
            of.doubled,
            of.acknowledgements_lost,
        ];
        sums.iter_mut()
            .zip(counts)
            .for_each(|(sum, count)| *sum += count);
    }
    let names = "records, told yes, told no, refused from memory, cancellations, definitions, crashes, restarts, appends lost, doubled, acknowledgements lost";
    println!("schedules {seeds:?}: {names}: {sums:?}");
    // A simulation in which something never happens proves nothing about it.
    assert!(
        seeds.end - seeds.start < 100 || sums.iter().all(|sum| *sum > 0),
        "{names}: {sums:?}"
    );
}

#[test]
fn each_broken_rule_is_noticed_for_what_it_breaks() {
    for (flaw, expected) in [
        (Flaw::ReusesRanks, Broken::RankTwice),
        (Flaw::AdmitsOneTooMany, Broken::TooMany),
        (Flaw::KeepsASeatBack, Broken::SeatsLeft),
        (Flaw::CancelsWithoutRank, Broken::YesTakenBack),
        (Flaw::ForgetsWhoHolds, Broken::TwoSeats),
        (Flaw::TakesARefusalForADecision, Broken::YesAndNo),
        (Flaw::TakesARefusalForADecision, Broken::NoNotInLog),
        (Flaw::AnswersHoldersFromMemory, Broken::YesAndNo),
        (Flaw::AnswersBeforeFolding, Broken::YesNotInLog),
        (Flaw::SkipsWhatItMissed, Broken::DigestsDiffer),
    ] {
        let found = (0..FLAWED).filter(|seed| broken_by(*seed, flaw).contains(&expected));
        let count = found.count();
        println!("{flaw:?}: {expected:?} in {count} of {FLAWED} schedules");
        assert!(count > 0, "{flaw:?} goes unnoticed");
    }
}

#[test]
fn one_seed_is_one_schedule() {
    let story = |seed| play(seed, None, true).story;
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}
