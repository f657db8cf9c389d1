#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use pipeline::cell::Cell;
use pipeline::definition::Definition;
use pipeline::device::{DeviceClass, Os};
use schemas::v1::{CountsRow, MinutesRow};

use super::*;
use crate::{AsOfKind, Stamp};

/// 2026-11-22T15:00:00Z: a day begins in Seoul, a Monday.
const MONDAY_S: i64 = 1_795_359_600;
/// The same day, from 1970-01-01.
const MONDAY: u16 = 20_780;

fn calendar() -> Calendar {
    Calendar::new(&Definition::default()).unwrap()
}

fn as_of() -> AsOf {
    let stamp = |partition| Stamp {
        partition,
        offset: 7,
        log_time: 0,
    };
    AsOf {
        kind: AsOfKind::Exact,
        partitions: vec![stamp(0), stamp(1)],
    }
}

fn key(campaign: &str, activity: Option<&str>, period: Period, facet: Facet) -> RowKey {
    RowKey {
        campaign: Arc::from(campaign),
        activity: activity.map(Arc::from),
        period,
        facet,
    }
}

fn visits(count: u64) -> Row {
    Row::Counts(CountsRow {
        cells: vec![u32::from(visit().pack())],
        counts: vec![count],
        ..CountsRow::default()
    })
}

fn visit() -> Cell {
    Cell {
        kind: Kind::Visit,
        device: DeviceClass::Mobile,
        os: Os::Ios,
        is_new: true,
    }
}

fn users(users: i64) -> Row {
    Row::People(PeopleRow {
        users,
        new_users: 1,
        returning_users: users - 1,
        by_device: vec![users, 0, 0, 0],
        by_kind: vec![users, 0, 0, 0, 0],
        reached: vec![users, 0, 0, 0],
    })
}

fn scope(campaign: &str, activity: Option<&str>) -> Scope {
    Scope {
        campaign: Arc::from(campaign),
        activity: activity.map(Arc::from),
    }
}

fn answer(question: &Question, rows: Vec<(RowKey, Row)>) -> Answer {
    Selection::new(question, &calendar()).collect(as_of(), rows)
}

#[test]
fn partitions_and_days_are_added_up_scope_by_scope() {
    let day = |activity, day, row| (key("a", activity, Period::Day(day), Facet::Counts), row);
    let question = Question::Campaign {
        campaign: "a".to_owned(),
        span: Span::Days {
            from: MONDAY,
            to: MONDAY + 1,
        },
    };
    let answer = answer(
        &question,
        vec![
            day(None, MONDAY, visits(1)),
            day(None, MONDAY + 1, visits(2)),
            // Another partition's.
            day(None, MONDAY, visits(4)),
            day(Some("x"), MONDAY, visits(8)),
            day(None, MONDAY + 2, visits(100)),
            day(None, MONDAY - 1, visits(100)),
            (
                key("b", None, Period::Day(MONDAY), Facet::Counts),
                visits(100),
            ),
            (key("a", None, Period::Life, Facet::Counts), visits(100)),
        ],
    );
    let counted = |activity| answer.scopes[&scope("a", activity)].counts.cells[&visit()];
    assert_eq!((counted(None), counted(Some("x"))), (7, 8));
    assert_eq!(answer.scopes.len(), 2);
    assert_eq!(answer.as_of, as_of());
    // Two days are no period of people.
    assert_eq!(answer.scopes[&scope("a", None)].people, None);
}

#[test]
fn people_are_those_of_the_one_period_that_the_span_is() {
    let spans = [
        (Span::Life, Period::Life),
        (days(MONDAY, MONDAY), Period::Day(MONDAY)),
        (days(MONDAY, MONDAY + 6), Period::Week(MONDAY)),
        // November 2026.
        (days(20_758, 20_787), Period::Month(682)),
    ];
    for (span, period) in spans {
        let rows = spans.map(|(_, each)| {
            let row = users(if each == period { 3 } else { 100 });
            (key("a", Some("x"), each, Facet::People), row)
        });
        let question = Question::Activity {
            activity: "x".to_owned(),
            span,
        };
        let answer = answer(&question, rows.iter().chain(&rows).cloned().collect());
        let people = answer.scopes[&scope("a", Some("x"))]
            .people
            .clone()
            .unwrap();
        assert_eq!(
            (people.users, people.new_users, people.returning_users),
            (6, 2, 4)
        );
        assert_eq!(people.by_device, [6, 0, 0, 0]);
    }
}

fn days(from: u16, to: u16) -> Span {
    Span::Days { from, to }
}

#[test]
fn all_campaigns_are_without_their_activities() {
    let rows = vec![
        (key("a", None, Period::Life, Facet::Counts), visits(1)),
        (key("a", None, Period::Life, Facet::People), users(1)),
        (key("a", Some("x"), Period::Life, Facet::Counts), visits(1)),
        (key("b", None, Period::Life, Facet::Counts), visits(0)),
    ];
    let answer = answer(&Question::Campaigns, rows);
    let scopes: Vec<&Scope> = answer.scopes.keys().collect();
    assert_eq!(
        scopes,
        [&scope("a", None)],
        "without events there is no scope"
    );
}

fn series(from: i64, to: i64, step: Step) -> Question {
    Question::Series {
        campaign: "a".to_owned(),
        from,
        to,
        step,
    }
}

#[test]
fn a_series_has_the_buckets_that_begin_in_it() {
    let hour = |n: i64, row| {
        (
            key("a", None, Period::Hour(MONDAY_S + n * 3600), Facet::Counts),
            row,
        )
    };
    let rows = vec![hour(0, visits(1)), hour(1, visits(2)), hour(2, visits(4))];
    let by_hour = answer(&series(MONDAY_S + 1, MONDAY_S + 7200, Step::Hour), rows);
    let starts: Vec<i64> = by_hour.series.keys().copied().collect();
    assert_eq!(starts, [MONDAY_S + 3600]);

    let day = |day, row| (key("a", None, Period::Day(day), Facet::Counts), row);
    let rows = vec![
        day(MONDAY - 1, visits(1)),
        day(MONDAY, visits(2)),
        day(MONDAY + 1, visits(4)),
    ];
    let by_day = answer(&series(MONDAY_S, MONDAY_S + 86_400, Step::Day), rows);
    let starts: Vec<i64> = by_day.series.keys().copied().collect();
    assert_eq!(starts, [MONDAY_S], "a local day begins at its own midnight");

    let minutes = Row::Minutes(MinutesRow {
        cells: vec![1, 301, 302, 591],
        counts: vec![1, 2, 4, 8],
    });
    let row = (
        key("a", None, Period::Hour(MONDAY_S), Facet::Minutes),
        minutes,
    );
    let by_minute = answer(
        &series(MONDAY_S + 60, MONDAY_S + 3540, Step::Minute),
        vec![row],
    );
    let starts: Vec<i64> = by_minute.series.keys().copied().collect();
    assert_eq!(starts, [MONDAY_S + 1800]);
    let kinds = &by_minute.series[&(MONDAY_S + 1800)].kinds;
    assert_eq!((kinds[&Kind::Visit], kinds[&Kind::Click]), (2, 4));
}

#[test]
fn the_periods_named_are_those_of_the_wanted_rows() {
    let calendar = calendar();
    let (from, to) = (MONDAY_S + 1800, MONDAY_S + 3 * 86_400);
    for step in [Step::Minute, Step::Hour, Step::Day] {
        let question = series(from, to, step);
        let selection = Selection::new(&question, &calendar);
        let named = selection.periods().unwrap();
        let facet = match step {
            Step::Minute => Facet::Minutes,
            _ => Facet::Counts,
        };
        for hour in -30..100 {
            for period in [
                Period::Hour(MONDAY_S + hour * 3600),
                Period::Day(MONDAY + hour.rem_euclid(10) as u16),
            ] {
                let wanted = selection.wants(&key("a", None, period, facet));
                assert!(!wanted || named.contains(&period), "{step:?} {period:?}");
            }
        }
    }
    let question = Question::Campaign {
        campaign: "a".to_owned(),
        span: days(MONDAY, MONDAY + 6),
    };
    let named = Selection::new(&question, &calendar).periods().unwrap();
    assert_eq!(named.len(), 8);
    assert_eq!(named[7], Period::Week(MONDAY));
}

#[test]
fn a_question_too_wide_is_refused_and_one_that_ends_before_it_starts_is_empty() {
    let calendar = calendar();
    let periods = |question: Question| Selection::new(&question, &calendar).periods();
    let wide = periods(series(i64::MIN, i64::MAX, Step::Hour));
    assert!(matches!(wide, Err(Error::TooWide { .. })), "{wide:?}");
    let year = periods(series(MONDAY_S, MONDAY_S + 366 * 86_400, Step::Hour));
    assert_eq!(year.unwrap().len(), 366 * 24);
    assert!(
        periods(series(MONDAY_S, MONDAY_S - 1, Step::Day))
            .unwrap()
            .is_empty()
    );
    let backwards = Question::Campaign {
        campaign: "a".to_owned(),
        span: days(9, 3),
    };
    assert!(periods(backwards).unwrap().is_empty());
}
