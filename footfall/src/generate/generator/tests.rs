//! What the generator promises: the same records for the same seed, and a journal that is right.
#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};

use pipeline::decode;
use pipeline::record::Record;
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_795_305_600_000;

fn traffic() -> impl Strategy<Value = Traffic> {
    (
        any::<u64>(),
        1_u64..3000,
        1_u32..2000,
        1_u16..5,
        1_u16..5,
        0.0..0.3,
        0.0..0.3,
        0.0..0.3,
        0_u32..400,
        proptest::option::of(1_u16..9),
    )
        .prop_map(
            |(seed, count, users, campaigns, activities, duplicates, late, bad, shuffle, days)| {
                Traffic {
                    seed,
                    count,
                    users,
                    campaigns,
                    activities,
                    duplicates,
                    late,
                    bad,
                    shuffle,
                    days,
                    ..Traffic::default()
                }
            },
        )
}

/// What the fold's first step says of a record.
fn judged(record: &NewRecord, log_time: i64) -> Result<v1::Event, Reason> {
    let given = Record {
        offset: 0,
        appended_at: log_time,
        key: &record.key,
        value: &record.value,
        headers: Headers(&record.headers),
    };
    let mut message = v1::Event::default();
    decode::decode(
        &given,
        &decode::origin(given.headers),
        log_time,
        &mut message,
    )
    .map(drop)
    .map_err(|rejection| rejection.reason)?;
    if message.user_id.as_bytes() == record.key {
        Ok(message)
    } else {
        Err(Reason::Misrouted)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equal_options_make_equal_records(traffic in traffic()) {
        let make = || Generator::new(&traffic, 3, NOW).collect::<Vec<_>>();
        prop_assert_eq!(make(), make());
    }

    #[test]
    fn a_smaller_count_of_live_traffic_is_a_beginning_of_it(traffic in traffic(), less in 1_u64..3000) {
        let traffic = Traffic { days: None, shuffle: 0, ..traffic };
        let less = Traffic { count: less.min(traffic.count), ..traffic.clone() };
        let part: Vec<_> = Generator::new(&less, 3, NOW).collect();
        prop_assert_eq!(part, Generator::new(&traffic, 3, NOW).take(less.count as usize).collect::<Vec<_>>());
    }

    #[test]
    fn the_journal_says_what_becomes_of_every_record(traffic in traffic()) {
        let mut generator = Generator::new(&traffic, 3, NOW);
        let mut found = Journal::default();
        let (mut ids, mut people) = (HashSet::new(), HashSet::new());
        for generated in generator.by_ref() {
            found.records += 1;
            match (judged(&generated.record, NOW), generated.expected) {
                (Err(reason), Expected::Rejected(expected)) => {
                    prop_assert_eq!(reason, expected);
                    *found.bad.entry(reason.as_str()).or_default() += 1;
                }
                (Ok(event), Expected::Duplicate) => {
                    prop_assert!(!ids.insert(event.event_id));
                    found.duplicates += 1;
                }
                (Ok(event), expected @ (Expected::Applied | Expected::Late)) => {
                    prop_assert!(ids.insert(event.event_id));
                    found.applied += 1;
                    found.late += u64::from(expected == Expected::Late);
                    let is_bot = event.user_id.starts_with("crawler-");
                    found.bots += u64::from(is_bot);
                    found.people += u64::from(!is_bot && people.insert(event.user_id));
                    let kind = Kind::from_wire(event.kind).unwrap();
                    *found.kinds.entry(kind.as_str()).or_default() += 1;
                    if let Some(amount) = event.amount {
                        let currency = if amount.currency == "KRW" { "KRW" } else { "USD" };
                        *found.amounts.entry(currency).or_default() += amount.minor_units;
                    }
                }
                (judged, expected) => prop_assert!(false, "{judged:?}, expected {expected:?}"),
            }
        }
        prop_assert_eq!(found.records, traffic.count);
        prop_assert_eq!(&found, &generator.journal());
        prop_assert_eq!(found.records, found.applied + found.duplicates + found.rejected());
    }

    #[test]
    fn sequences_of_a_source_rise_by_one_and_duplicates_alone_repeat_them(traffic in traffic(), partitions in 1_u32..5) {
        let mut last: HashMap<(u32, Vec<u8>), u64> = HashMap::new();
        for generated in Generator::new(&traffic, partitions, NOW) {
            let origin = decode::origin(Headers(&generated.record.headers)).unwrap();
            let Some((source, sequence)) = origin.source else {
                continue;
            };
            let partition = partition_of(&generated.record.key, partitions);
            let end = format!(":{partition}");
            prop_assert!(source.ends_with(&end));
            let last = last.entry((partition, source.as_bytes().to_vec())).or_default();
            if generated.expected == Expected::Duplicate {
                prop_assert!(sequence <= *last);
            } else {
                prop_assert_eq!(sequence, *last + 1);
                *last = sequence;
            }
        }
    }

    #[test]
    fn events_lie_in_their_span_and_late_ones_days_before(traffic in traffic()) {
        let span = traffic.days.map_or(1, |days| i64::from(days) * DAY_MS);
        for generated in Generator::new(&traffic, 2, NOW) {
            let Ok(event) = judged(&generated.record, NOW) else { continue };
            let age = NOW - event.occurred_at_ms;
            if generated.expected == Expected::Late {
                prop_assert!((2 * DAY_MS - 1..=6 * DAY_MS + span).contains(&age), "{age}");
            } else {
                prop_assert!((0..=span).contains(&age), "{age}");
            }
        }
    }
}

#[test]
fn misrouted_records_stay_below_what_halts_a_partition() {
    let traffic = Traffic {
        bad: 0.9,
        count: 100_000,
        ..Traffic::default()
    };
    for partitions in [1, 6] {
        let mut misrouted = Vec::new();
        for (n, generated) in Generator::new(&traffic, partitions, NOW).enumerate() {
            if generated.expected == Expected::Rejected(Reason::Misrouted) {
                misrouted.push(n as u64);
            }
        }
        assert!(misrouted.len() > 50, "{}", misrouted.len());
        let apart = MISROUTED_APART * u64::from(partitions);
        assert!(misrouted.windows(2).all(|pair| pair[1] - pair[0] >= apart));
    }
}

#[test]
fn a_window_mixes_the_order_of_times_and_none_keeps_it() {
    let disorder = |shuffle| {
        let traffic = Traffic {
            shuffle,
            days: Some(2),
            late: 0.0,
            duplicates: 0.0,
            bad: 0.0,
            count: 5000,
            ..Traffic::default()
        };
        let times: Vec<_> = Generator::new(&traffic, 1, NOW)
            .map(|generated| judged(&generated.record, NOW).unwrap().occurred_at_ms)
            .collect();
        times.windows(2).filter(|pair| pair[0] > pair[1]).count()
    };
    assert_eq!(disorder(0), 0);
    assert!(disorder(500) > 1000);
}

#[test]
fn people_come_back_on_later_days() {
    let traffic = Traffic {
        days: Some(7),
        count: 30_000,
        users: 3000,
        ..Traffic::default()
    };
    let mut days: HashMap<String, HashSet<i64>> = HashMap::new();
    for generated in Generator::new(&traffic, 1, NOW) {
        if let Ok(event) = judged(&generated.record, NOW) {
            days.entry(event.user_id)
                .or_default()
                .insert(event.occurred_at_ms / DAY_MS);
        }
    }
    assert!(days.values().filter(|days| days.len() > 1).count() > 500);
}

#[test]
fn live_events_are_dated_with_the_time_that_was_set() {
    let traffic = Traffic {
        late: 0.0,
        bad: 0.0,
        duplicates: 0.0,
        ..Traffic::default()
    };
    let mut generator = Generator::new(&traffic, 1, NOW);
    let mut next = || {
        judged(&generator.next().unwrap().record, NOW + 9000)
            .unwrap()
            .occurred_at_ms
    };
    assert_eq!(next(), NOW);
    generator.set_now(NOW + 5000);
    assert_eq!(
        judged(&generator.next().unwrap().record, NOW + 9000)
            .unwrap()
            .occurred_at_ms,
        NOW + 5000
    );
}
