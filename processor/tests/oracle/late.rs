//! An operator's bound on lateness.

use pipeline::rejection::Reason;
use processor::verify::Judgement::{Applied, Late};
use schemas::v1::Kind;

use crate::given::{Log, Sent, dead, sent, seoul, visit};

/// A log whose bound is an hour and whose log time is noon.
fn at_noon() -> Log {
    let mut definition = seoul();
    definition.lateness_ms = Some(3_600_000);
    let mut log = Log::new(&definition);
    log.apply([visit("first", "2026-03-10T12:00:00+09:00")]);
    log
}

fn now(sent: Sent) -> Sent {
    sent.appended("2026-03-10T12:00:00+09:00")
}

#[test]
fn beyond_the_bound_is_late_and_at_the_bound_is_not() {
    let mut log = at_noon();
    assert_eq!(
        log.take(now(visit("u", "2026-03-10T11:00:00+09:00"))),
        Applied
    );
    assert_eq!(
        log.take(now(visit("u", "2026-03-10T10:59:59.999+09:00"))),
        Late
    );
}

#[test]
fn a_late_event_is_listed_and_counted_as_late_and_in_no_cell() {
    let mut log = at_noon();
    let before = log.view();
    log.take(now(visit("u", "2026-03-01T11:00:00+09:00")));
    assert_eq!(log.view(), before);
    assert_eq!(log.oracle.dead_letters(), [(1, Reason::Late)]);
    assert_eq!(log.tallies().late, 1);
    assert!(log.tallies().dead_lettered.is_empty());
}

#[test]
fn without_a_bound_nothing_is_late() {
    let mut log = Log::new(&seoul());
    log.apply([
        visit("first", "2026-03-10T12:00:00+09:00"),
        now(visit("u", "2005-01-01T00:00:00Z")),
    ]);
}

#[test]
fn enter_and_replays_are_never_late() {
    let mut log = at_noon();
    let old = "2026-01-01T00:00:00+09:00";
    log.apply([
        now(sent(Kind::Enter, "u", old).source("admission/0", 1)),
        now(visit("u", old).replay_of("0/99")),
    ]);
    assert_eq!(log.take(now(visit("v", old).source("import", 1))), Late);
}

#[test]
fn a_fault_comes_before_lateness() {
    let mut log = at_noon();
    let misrouted = now(visit("u", "2026-01-01T00:00:00+09:00")).key("elsewhere");
    assert_eq!(log.take(misrouted), dead(Reason::Misrouted));
}

#[test]
fn a_late_event_is_not_in_the_window() {
    let mut log = at_noon();
    let old = || now(visit("u", "2026-01-01T00:00:00+09:00").id("one"));
    assert_eq!(log.take(old()), Late);
    assert_eq!(log.take(old()), Late);
    log.apply([old().replay_of("0/1")]);
}
