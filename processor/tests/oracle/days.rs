//! Hours, days, weeks and months are those of the reporting time zone.

use crate::given::{Log, in_zone, seoul, visit};

const ALL: &str = "counts visit.other.other";

/// The periods that count a visit of the whole `(none)` campaign, each with its number.
fn periods(log: &Log, period: &str) -> Vec<String> {
    let mut periods: Vec<String> = log
        .lines(ALL)
        .iter()
        .filter_map(|line| line.strip_prefix("(none) * "))
        .filter(|line| line.starts_with(period))
        .map(|line| line.replace(&format!(" {ALL}"), ""))
        .collect();
    periods.sort();
    periods
}

/// Users by period of people.
fn users(log: &Log, period: &str) -> Vec<String> {
    log.lines("people users")
        .iter()
        .filter_map(|line| line.strip_prefix("(none) * "))
        .filter(|line| line.starts_with(period))
        .map(|line| line.replace(" people users", ""))
        .collect()
}

#[test]
fn a_day_in_seoul_begins_at_15_hours_utc() {
    let mut log = Log::new(&seoul());
    log.apply([
        visit("u", "2026-03-10T14:59:59.999Z"),
        visit("u", "2026-03-10T15:00:00Z"),
    ]);
    assert_eq!(
        periods(&log, "day"),
        ["day:2026-03-10.new = 1", "day:2026-03-11.returning = 1"]
    );
    assert_eq!(
        periods(&log, "hour"),
        [
            "hour:2026-03-10T14:00Z.new = 1",
            "hour:2026-03-10T15:00Z.returning = 1"
        ]
    );
    assert_eq!(
        periods(&log, "life"),
        ["life.new = 1", "life.returning = 1"]
    );
}

#[test]
fn an_hour_of_a_zone_off_by_half_an_hour_begins_at_half_past() {
    let mut log = Log::new(&in_zone("Asia/Kolkata"));
    log.apply([
        // 23:59 and 00:00 in India.
        visit("u", "2026-03-10T18:29:59Z"),
        visit("u", "2026-03-10T18:30:00Z"),
    ]);
    assert_eq!(
        periods(&log, "hour"),
        [
            "hour:2026-03-10T17:30Z.new = 1",
            "hour:2026-03-10T18:30Z.returning = 1"
        ]
    );
    assert_eq!(
        periods(&log, "day"),
        ["day:2026-03-10.new = 1", "day:2026-03-11.returning = 1"]
    );
}

#[test]
fn the_day_clocks_go_forward_in_new_york_has_23_hours() {
    let mut log = Log::new(&in_zone("America/New_York"));
    log.apply([
        visit("u", "2026-03-08T04:59:59Z"), // 7 March, 23:59:59
        visit("u", "2026-03-08T05:00:00Z"), // 8 March, 00:00
        visit("u", "2026-03-08T06:59:59Z"), // 01:59:59
        visit("u", "2026-03-08T07:00:00Z"), // 03:00
        visit("u", "2026-03-09T03:59:59Z"), // 23:59:59
        visit("u", "2026-03-09T04:00:00Z"), // 9 March, 00:00
    ]);
    assert_eq!(
        periods(&log, "day"),
        [
            "day:2026-03-07.new = 1",
            "day:2026-03-08.returning = 4",
            "day:2026-03-09.returning = 1"
        ]
    );
}

#[test]
fn the_hour_repeated_in_new_york_is_two_hours_of_one_day_of_25() {
    let mut log = Log::new(&in_zone("America/New_York"));
    log.apply([
        visit("u", "2026-11-01T04:00:00Z"), // 00:00 EDT
        visit("u", "2026-11-01T05:30:00Z"), // 01:30 EDT
        visit("u", "2026-11-01T06:30:00Z"), // 01:30 EST
        visit("u", "2026-11-02T04:59:59Z"), // 23:59:59 EST
        visit("u", "2026-11-02T05:00:00Z"), // 2 November
    ]);
    assert_eq!(
        periods(&log, "day"),
        ["day:2026-11-01.new = 4", "day:2026-11-02.returning = 1"]
    );
    assert_eq!(
        periods(&log, "hour"),
        [
            "hour:2026-11-01T04:00Z.new = 1",
            "hour:2026-11-01T05:00Z.new = 1",
            "hour:2026-11-01T06:00Z.new = 1",
            "hour:2026-11-02T04:00Z.new = 1",
            "hour:2026-11-02T05:00Z.returning = 1",
        ]
    );
}

#[test]
fn weeks_are_iso_weeks_and_their_year_may_differ_from_the_days() {
    let mut log = Log::new(&seoul());
    log.apply([
        visit("a", "2026-03-08T23:59:59+09:00"), // a Sunday
        visit("a", "2026-03-09T00:00:00+09:00"), // Monday
        visit("b", "2026-03-15T23:59:59+09:00"), // Sunday
    ]);
    assert_eq!(
        users(&log, "week"),
        ["week:2026-W10 = 1", "week:2026-W11 = 2"]
    );

    let mut log = Log::new(&seoul());
    log.apply([
        visit("u", "2024-12-30T12:00:00+09:00"), // Monday of the first week of 2025
        visit("u", "2027-01-03T12:00:00+09:00"), // Sunday of the last week of 2026
    ]);
    assert_eq!(
        users(&log, "week"),
        ["week:2025-W01 = 1", "week:2026-W53 = 1"]
    );
    assert_eq!(
        users(&log, "month"),
        ["month:2024-12 = 1", "month:2027-01 = 1"]
    );
}

#[test]
fn months_end_at_local_midnight() {
    let mut log = Log::new(&seoul());
    log.apply([
        visit("a", "2028-02-29T23:59:59.999+09:00"),
        visit("a", "2028-03-01T00:00:00+09:00"),
        visit("b", "2028-02-29T15:00:00Z"),
    ]);
    assert_eq!(
        users(&log, "month"),
        ["month:2028-02 = 1", "month:2028-03 = 2"]
    );
    assert_eq!(users(&log, "life"), ["life = 2"]);
}
