//! Instants as local hours, days, weeks and months: where clocks change, and in every zone there is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use pipeline::calendar::{Calendar, Moment, Moments};
use pipeline::definition::{Definition, NOT_BEFORE_MS};
use pipeline::row::{Period, date_of};
use proptest::prelude::*;

fn calendar(zone: &str) -> Calendar {
    let definition = Definition {
        time_zone: zone.to_owned(),
        ..Definition::default()
    };
    Calendar::new(&definition).unwrap()
}

fn ms(instant: &str) -> i64 {
    instant.parse::<Timestamp>().unwrap().as_millisecond()
}

/// Hour, minute, day, week and month in words.
fn words(moment: &Moment) -> [String; 5] {
    [
        Period::Hour(moment.hour).name(),
        moment.minute.to_string(),
        date_of(moment.day).to_string(),
        Period::Week(moment.week).name(),
        Period::Month(moment.month).name(),
    ]
}

#[test]
fn an_instant_lies_in_its_local_hour_day_week_and_month() {
    for (zone, instant, expected) in [
        (
            "Asia/Seoul",
            "2026-12-31T14:59:59.999Z",
            "hour:2026-12-31T14:00Z 59 2026-12-31 week:2026-W53 month:2026-12",
        ),
        (
            "Asia/Seoul",
            "2026-12-31T15:00:00Z",
            "hour:2026-12-31T15:00Z 0 2027-01-01 week:2026-W53 month:2027-01",
        ),
        (
            "Asia/Seoul",
            "2027-01-03T15:00:00Z",
            "hour:2027-01-03T15:00Z 0 2027-01-04 week:2027-W01 month:2027-01",
        ),
        (
            "Asia/Seoul",
            "2024-02-29T14:59:00Z",
            "hour:2024-02-29T14:00Z 59 2024-02-29 week:2024-W09 month:2024-02",
        ),
        (
            "Asia/Kathmandu",
            "2026-08-30T18:14:59Z",
            "hour:2026-08-30T17:15Z 59 2026-08-30 week:2026-W35 month:2026-08",
        ),
        (
            "Asia/Kathmandu",
            "2026-08-30T18:15:00Z",
            "hour:2026-08-30T18:15Z 0 2026-08-31 week:2026-W36 month:2026-08",
        ),
        // The hour from one to two comes twice, and each is its own.
        (
            "America/New_York",
            "2026-11-01T05:30:00Z",
            "hour:2026-11-01T05:00Z 30 2026-11-01 week:2026-W44 month:2026-11",
        ),
        (
            "America/New_York",
            "2026-11-01T06:30:00Z",
            "hour:2026-11-01T06:00Z 30 2026-11-01 week:2026-W44 month:2026-11",
        ),
        // The half hour from half past one to two comes twice; the second is an hour of its own.
        (
            "Australia/Lord_Howe",
            "2026-04-04T14:59:00Z",
            "hour:2026-04-04T14:00Z 59 2026-04-05 week:2026-W14 month:2026-04",
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-04T15:00:00Z",
            "hour:2026-04-04T14:30Z 30 2026-04-05 week:2026-W14 month:2026-04",
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-04T15:30:00Z",
            "hour:2026-04-04T15:30Z 0 2026-04-05 week:2026-W14 month:2026-04",
        ),
    ] {
        let moment = calendar(zone).moment(ms(instant));
        assert_eq!(words(&moment).join(" "), expected, "{zone} {instant}");
    }
}

#[test]
fn a_day_has_the_hours_its_clocks_show() {
    for (zone, noon, hours, minutes) in [
        ("Asia/Seoul", "2026-11-01T03:00:00Z", 24, 1_440),
        ("Asia/Kathmandu", "2026-11-01T03:00:00Z", 24, 1_440),
        ("America/New_York", "2026-03-08T17:00:00Z", 23, 1_380),
        ("America/New_York", "2026-11-01T17:00:00Z", 25, 1_500),
        // Two o'clock is half past two: that hour is a short one.
        ("Australia/Lord_Howe", "2026-10-04T01:00:00Z", 24, 1_410),
        ("Australia/Lord_Howe", "2026-04-05T01:00:00Z", 25, 1_470),
        // Midnight is one o'clock.
        ("America/Sao_Paulo", "2018-11-04T15:00:00Z", 23, 1_380),
    ] {
        let calendar = calendar(zone);
        let day = calendar.moment(ms(noon)).day;
        let (start, end) = (calendar.day_start(day), calendar.day_start(day + 1));
        assert_eq!((end - start) / 60, minutes, "{zone} {noon}");
        let within: Vec<_> = (start..end)
            .step_by(60)
            .map(|second| calendar.moment(second * 1000))
            .collect();
        let starts: BTreeSet<_> = within.iter().map(|moment| moment.hour).collect();
        assert_eq!(starts.len(), hours, "{zone} {noon}");
        assert!(within.iter().all(|moment| moment.day == day), "{zone}");
        for outside in [start - 1, end] {
            assert_ne!(calendar.moment(outside * 1000).day, day, "{zone}");
        }
    }
}

#[test]
fn weeks_and_months_hold_their_days_and_no_others() {
    let seoul = calendar("Asia/Seoul");
    let noon = |day: u16| (seoul.day_start(day) + 43_200) * 1000;
    let first = seoul.moment(ms("2024-01-01T03:00:00Z")).day;
    for day in first..first + 800 {
        let moment = seoul.moment(noon(day));
        for other in day - 40..day + 40 {
            let there = seoul.moment(noon(other));
            assert_eq!(moment.week_holds(other), moment.week == there.week);
            assert_eq!(moment.month_holds(other), moment.month == there.month);
        }
    }
}

/// What the fold relies on, for every zone of the table and around each change of its clocks: what is
/// remembered is what is computed, and hours begin at multiples of a quarter, in the day they belong to.
#[test]
fn every_zone_keeps_quarters_whole_and_hours_inside_their_day() {
    let table = TimeZoneDatabase::bundled();
    let first = Timestamp::from_millisecond(NOT_BEFORE_MS).unwrap();
    let last: Timestamp = "2040-01-01T00:00:00Z".parse().unwrap();
    let (mut zones, mut changes, mut odd) = (0, 0, BTreeSet::new());
    for name in table.available() {
        let calendar = calendar(name.as_str());
        let mut moments = Moments::new(calendar.clone());
        let zone = table.get(name.as_str()).unwrap();
        let instants = zone.following(first).map(|change| change.timestamp());
        zones += 1;
        for instant in instants.take_while(|instant| *instant < last) {
            changes += 1;
            let whole = instant.as_second() % 900 == 0;
            if !whole {
                odd.insert(name.to_string());
            }
            for minutes in -70..70 {
                let ms = instant.as_millisecond() + minutes * 60_000;
                let moment = calendar.moment(ms);
                assert_eq!(moments.moment(ms), moment, "{name} {ms}");
                assert_eq!(moment.hour % 900, 0, "{name} {ms}");
                let begins = calendar.day_of_hour(moment.hour);
                assert!(begins == moment.day || !whole, "{name} {ms}");
                let start = calendar.day_start(moment.day) * 1000;
                assert_eq!(calendar.moment(start).day, moment.day, "{name} {ms}");
            }
        }
    }
    assert!(zones > 300 && changes > 5_000, "{zones}, {changes}");
    // At a minute past midnight; there an hour may hold the ends of two days.
    let known = [
        "America/Goose_Bay",
        "America/Moncton",
        "America/St_Johns",
        "Antarctica/Casey",
        "Asia/Gaza",
        "Asia/Hebron",
        "Canada/Newfoundland",
    ];
    assert_eq!(odd, known.map(str::to_owned).into());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_remembered_equals_what_is_computed(
        zone in proptest::sample::select(vec![
            "Asia/Seoul", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns",
        ]),
        middle in NOT_BEFORE_MS..4_000_000_000_000i64,
        // Near each other, and 4,096 quarters apart, where memory is used again.
        away in proptest::collection::vec((-4i64..4, -8_000_000i64..8_000_000), 1..60),
    ) {
        let calendar = calendar(zone);
        let mut moments = Moments::new(calendar.clone());
        for (laps, ms) in away {
            let ms = middle + laps * 4_096 * 900_000 + ms;
            prop_assert_eq!(moments.moment(ms), calendar.moment(ms), "{} {}", zone, ms);
        }
    }
}
