//! Days and hours leave the hot window; life, months and weeks stay.

use std::collections::BTreeSet;

use pipeline::definition::Definition;
use processor::verify::View;

use crate::given::{Log, in_zone, seoul, visit};

fn two_days(definition: Definition) -> Definition {
    Definition {
        hot_days: Some(2),
        ..definition
    }
}

/// The days and hours of the hot view.
fn hot(log: &Log) -> Vec<String> {
    let periods: BTreeSet<String> = log
        .hot_view()
        .cells
        .into_keys()
        .map(|cell| cell.period)
        .filter(|period| period.starts_with("day") || period.starts_with("hour"))
        .collect();
    periods.into_iter().collect()
}

#[test]
fn days_before_the_window_leave_with_their_hours_and_all_else_stays() {
    let mut log = Log::new(&two_days(in_zone("UTC")));
    log.apply([
        visit("u", "2026-03-07T23:59:59.999Z"),
        visit("u", "2026-03-08T00:00:00Z"),
        visit("u", "2026-03-10T23:59:59.999Z"),
    ]);
    assert_eq!(
        hot(&log),
        [
            "day:2026-03-08",
            "day:2026-03-10",
            "hour:2026-03-08T00:00Z",
            "hour:2026-03-10T23:00Z",
        ]
    );
    let stays = |view: View| {
        let mut cells = view.cells;
        cells.retain(|cell, _| !cell.period.starts_with("day") && !cell.period.starts_with("hour"));
        cells
    };
    assert_eq!(stays(log.hot_view()), stays(log.view()));
    let periods: BTreeSet<String> = stays(log.hot_view())
        .into_keys()
        .map(|cell| cell.period)
        .collect();
    let periods: Vec<_> = periods.into_iter().collect();
    assert_eq!(
        periods,
        ["life", "month:2026-03", "week:2026-W10", "week:2026-W11"]
    );
    // Of the users' days nothing is forgotten: who came before the window is returning inside it.
    let new = |view: &View| {
        view.cells
            .keys()
            .any(|cell| cell.period.starts_with("day") && cell.cell == "new")
    };
    assert!(new(&log.view()) && !new(&log.hot_view()));
}

#[test]
fn the_window_moves_with_log_time_and_not_with_what_occurred() {
    let mut log = Log::new(&two_days(in_zone("UTC")));
    let old = visit("u", "2015-05-17T10:00:00Z");
    log.apply([old.clone().appended("2015-05-19T23:59:59.999Z")]);
    assert_eq!(hot(&log), ["day:2015-05-17", "hour:2015-05-17T10:00Z"]);
    log.apply([old.clone().id("b").appended("2015-05-20T00:00:00Z")]);
    assert_eq!(hot(&log), [""; 0]);
    // Append times that go back don't bring it back.
    log.apply([old.id("c").appended("2015-05-17T10:00:00Z")]);
    assert_eq!(hot(&log), [""; 0]);
    // A record that is set aside moves log time, too.
    let mut log = Log::new(&two_days(in_zone("UTC")));
    log.apply([visit("u", "2026-03-08T10:00:00Z")]);
    log.take(visit("", "2026-03-11T00:00:00Z"));
    assert_eq!(hot(&log), [""; 0]);
}

#[test]
fn local_days_leave_when_a_utc_day_ends() {
    // 9:00 in Seoul is midnight UTC.
    let mut log = Log::new(&two_days(seoul()));
    let morning = visit("u", "2026-03-08T00:30:00+09:00");
    log.apply([morning.clone().appended("2026-03-11T08:59:59+09:00")]);
    assert_eq!(hot(&log), ["day:2026-03-08", "hour:2026-03-07T15:00Z"]);
    log.apply([morning.id("b").appended("2026-03-11T09:00:00+09:00")]);
    assert_eq!(hot(&log), [""; 0]);
}

#[test]
fn without_a_window_and_within_a_very_long_one_nothing_leaves() {
    for hot_days in [None, Some(40_000), Some(u32::MAX)] {
        let mut log = Log::new(&Definition {
            hot_days,
            ..seoul()
        });
        log.apply([visit("u", "2005-01-01T12:00:00Z").appended("2026-03-11T00:00:00Z")]);
        assert_eq!(log.hot_view(), log.view(), "{hot_days:?}");
    }
}

#[test]
fn each_partition_has_its_own_window() {
    let of = |user: &str, appended: &str| {
        let mut log = Log::new(&two_days(seoul()));
        log.apply([visit(user, "2026-03-08T12:00:00Z").appended(appended)]);
        log.hot_view()
    };
    let mut sum = View::default();
    sum.add(of("u", "2026-03-08T12:00:00Z"));
    sum.add(of("v", "2026-03-30T12:00:00Z"));
    let users = |period: &str| {
        let cell = |cell: &&pipeline::row::NamedCell| {
            cell.period == period && &*cell.activity == "*" && cell.cell == "users"
        };
        let key = sum.cells.keys().find(cell).expect("such a cell");
        sum.cells[key]
    };
    assert_eq!(users("life"), 2);
    assert_eq!(users("day:2026-03-08"), 1);
}
