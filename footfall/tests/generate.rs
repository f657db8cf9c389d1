//! Generated traffic through the fold: what the journal expects is what becomes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use footfall::generate::{Expected, Generator, Journal, Traffic};
use pipeline::definition::{DAY_MS, Definition};
use pipeline::record::{Headers, Record};
use pipeline::rejection::Reason;
use pipeline::state::{Outcome, State, Tally};
use schemas::partition::partition_of;

const NOW: i64 = 1_795_305_600_000;
const PARTITIONS: u32 = 3;

/// Folds the traffic and compares each record's outcome; returns the partitions' tallies and the journal.
fn fold(traffic: &Traffic, lateness_ms: Option<i64>) -> (Vec<Tally>, Journal) {
    let definition = Arc::new(Definition {
        partitions: PARTITIONS,
        hash_key: "00112233445566778899aabbccddeeff".to_owned(),
        lateness_ms,
        ..Definition::default()
    });
    let mut states: Vec<_> = (0..PARTITIONS)
        .map(|partition| State::new(Arc::clone(&definition), partition).unwrap())
        .collect();
    let mut generator = Generator::new(traffic, PARTITIONS, NOW);
    for (appended_at, generated) in (NOW..).zip(generator.by_ref()) {
        let record = &generated.record;
        let partition = record
            .partition
            .unwrap_or_else(|| partition_of(&record.key, PARTITIONS));
        let state = &mut states[partition as usize];
        let outcome = state.apply(Record {
            offset: state.next_offset(),
            appended_at,
            key: &record.key,
            value: &record.value,
            headers: Headers(&record.headers),
        });
        let expected = match generated.expected {
            Expected::Late if lateness_ms.is_some() => Outcome::Late,
            Expected::Applied | Expected::Late => Outcome::Applied,
            Expected::Duplicate => Outcome::Duplicate,
            Expected::Rejected(reason) => Outcome::DeadLettered(reason),
        };
        assert_eq!(outcome, expected, "{generated:?}");
    }
    let tallies = states.iter().map(|state| state.tally().clone()).collect();
    (tallies, generator.journal())
}

fn sum(tallies: &[Tally], of: impl Fn(&Tally) -> u64) -> u64 {
    tallies.iter().map(of).sum()
}

fn rough(seed: u64) -> Traffic {
    Traffic {
        seed,
        count: 20_000,
        users: 2000,
        duplicates: 0.1,
        late: 0.1,
        bad: 0.05,
        shuffle: 300,
        ..Traffic::default()
    }
}

#[test]
fn every_record_becomes_what_the_journal_expects() {
    for seed in 0..5 {
        let (tallies, journal) = fold(&rough(seed), None);
        assert_eq!(
            sum(&tallies, |tally| tally.applied),
            journal.applied,
            "seed {seed}"
        );
        assert_eq!(
            sum(&tallies, |tally| tally.duplicate),
            journal.duplicates,
            "seed {seed}"
        );
        assert_eq!(sum(&tallies, |tally| tally.late), 0, "seed {seed}");
        let mut bad: BTreeMap<&str, u64> = BTreeMap::new();
        for reason in Reason::ALL {
            let count = sum(&tallies, |tally| tally.dead_lettered[reason as usize]);
            if count > 0 {
                bad.insert(reason.as_str(), count);
            }
        }
        assert_eq!(bad, journal.bad, "seed {seed}");
        assert!(tallies.iter().all(Tally::is_conserved), "seed {seed}");
    }
}

#[test]
fn behind_a_bound_of_lateness_late_events_are_set_aside() {
    let (tallies, journal) = fold(&rough(7), Some(DAY_MS));
    assert!(journal.late > 1000, "{journal:?}");
    assert_eq!(sum(&tallies, |tally| tally.late), journal.late);
}

#[test]
fn a_week_of_history_is_applied_like_live_traffic() {
    let traffic = Traffic {
        days: Some(7),
        ..rough(3)
    };
    let (tallies, journal) = fold(&traffic, None);
    assert_eq!(sum(&tallies, |tally| tally.applied), journal.applied);
    assert_eq!(sum(&tallies, |tally| tally.consumed), 20_000);
}
