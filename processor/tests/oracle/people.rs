//! Distinct users and how far they got; amounts; browsers and brands.

use schemas::v1::Kind;

use crate::given::{IPHONE, Log, Sent, WINDOWS, sent, seoul, visit};

const MORNING: &str = "2026-03-10T09:00:00+09:00";

/// Something done in the morning of 10 March in activity `a` of campaign `c`.
fn did(kind: Kind, user: &str) -> Sent {
    in_activity(kind, user, "a")
}

fn in_activity(kind: Kind, user: &str, activity: &str) -> Sent {
    let sent = sent(kind, user, MORNING).to("c", activity);
    if kind == Kind::Enter {
        let name = format!("admission/{user}/{activity}");
        return sent.source(&name, 1);
    }
    sent
}

fn reached(log: &Log, row: &str) -> [i64; 4] {
    ["visit", "click", "enter", "purchase"]
        .map(|step| log.cell(&format!("{row} people reached.{step}")))
}

#[test]
fn a_step_is_reached_with_every_step_before_it_in_any_order() {
    let mut log = Log::new(&seoul());
    log.apply([
        // all four, backwards
        did(Kind::Purchase, "all"),
        did(Kind::Enter, "all"),
        did(Kind::Click, "all"),
        did(Kind::Visit, "all"),
        // a gap: no click
        did(Kind::Visit, "gap"),
        did(Kind::Enter, "gap"),
        did(Kind::Purchase, "gap"),
        // no visit
        did(Kind::Click, "clicked"),
        did(Kind::SignUp, "clicked"),
    ]);
    assert_eq!(reached(&log, "c a life"), [2, 1, 1, 1]);
    let kinds = ["visit", "click", "enter", "purchase", "sign_up"];
    assert_eq!(
        kinds.map(|kind| log.cell(&format!("c a life people kind.{kind}"))),
        [2, 2, 2, 2, 1]
    );
    assert_eq!(log.cell("c a life people users"), 3);
}

#[test]
fn the_steps_count_within_one_scope_and_period() {
    let mut log = Log::new(&seoul());
    log.apply([
        in_activity(Kind::Visit, "u", "a"),
        in_activity(Kind::Click, "u", "b"),
        // the next day, a Wednesday
        sent(Kind::Enter, "u", "2026-03-11T09:00:00+09:00")
            .to("c", "a")
            .source("admission", 1),
        // the next month
        sent(Kind::Purchase, "u", "2026-04-01T09:00:00+09:00").to("c", "a"),
    ]);
    assert_eq!(reached(&log, "c a life"), [1, 0, 0, 0]);
    assert_eq!(reached(&log, "c b life"), [0, 0, 0, 0]);
    assert_eq!(reached(&log, "c * life"), [1, 1, 1, 1]);
    assert_eq!(reached(&log, "c * month:2026-03"), [1, 1, 1, 0]);
    assert_eq!(reached(&log, "c * week:2026-W11"), [1, 1, 1, 0]);
    assert_eq!(reached(&log, "c * day:2026-03-10"), [1, 1, 0, 0]);
    assert_eq!(reached(&log, "c * day:2026-03-11"), [0, 0, 0, 0]);
    assert_eq!(log.cell("c * day:2026-03-11 people users"), 1);
}

#[test]
fn a_user_on_two_devices_counts_once_and_on_each() {
    let mut log = Log::new(&seoul());
    log.apply([
        did(Kind::Visit, "u").with(IPHONE),
        did(Kind::Visit, "u").id("again").with(IPHONE),
        did(Kind::Visit, "u").id("desk").with(WINDOWS),
        did(Kind::Visit, "v").with(WINDOWS),
    ]);
    assert_eq!(log.cell("c * life people users"), 2);
    assert_eq!(log.cell("c * life people device.mobile"), 1);
    assert_eq!(log.cell("c * life people device.desktop"), 2);
    assert_eq!(log.cell("c * life people device.tablet"), 0);
}

#[test]
fn a_user_who_came_to_a_campaign_after_the_first_day_is_returning_there() {
    let mut log = Log::new(&seoul());
    log.apply([
        visit("u", "2026-03-10T09:00:00+09:00"),
        visit("u", "2026-03-11T09:00:00+09:00").to("c", "a"),
    ]);
    // Wednesday is in the week of first_seen, but the user was not in c on that day.
    assert_eq!(log.cell("c * week:2026-W11 people new"), 0);
    assert_eq!(log.cell("c * week:2026-W11 people returning"), 1);
    assert_eq!(log.cell("(none) * week:2026-W11 people new"), 1);
}

#[test]
fn a_user_is_new_in_the_week_and_month_of_the_first_day_alone() {
    let mut log = Log::new(&seoul());
    log.apply([
        visit("u", "2026-03-31T09:00:00+09:00"), // Tuesday
        visit("u", "2026-04-01T09:00:00+09:00"), // Wednesday of the same week
        visit("u", "2026-04-06T09:00:00+09:00"), // Monday
    ]);
    assert_eq!(log.cell("(none) * month:2026-03 people new"), 1);
    assert_eq!(log.cell("(none) * month:2026-04 people returning"), 1);
    assert_eq!(log.cell("(none) * week:2026-W14 people new"), 1);
    assert_eq!(log.cell("(none) * week:2026-W14 people returning"), 0);
    assert_eq!(log.cell("(none) * week:2026-W15 people returning"), 1);
    assert_eq!(log.cell("(none) * life people new"), 1);
}

#[test]
fn people_have_no_rows_by_hour() {
    let mut log = Log::new(&seoul());
    log.apply([did(Kind::Visit, "u")]);
    let hours = log.lines(" hour:");
    assert_eq!(hours.len(), 6, "{hours:?}");
    assert!(hours.iter().all(|line| line.contains(" counts ")));
}

#[test]
fn amounts_are_summed_by_cell_and_currency() {
    let mut log = Log::new(&seoul());
    log.apply([
        did(Kind::Purchase, "u").id("1").paid(12_000, "KRW"),
        did(Kind::Purchase, "u").id("2").paid(3_000, "KRW"),
        did(Kind::Purchase, "u").id("3").paid(999, "USD"),
        did(Kind::Purchase, "u").id("4"),
        did(Kind::Purchase, "u").id("5").with(IPHONE).paid(1, "KRW"),
        in_activity(Kind::Purchase, "u", "b")
            .id("6")
            .paid(40, "KRW"),
    ]);
    assert_eq!(
        log.lines("c a life counts purchase"),
        [
            "c a life counts purchase.mobile.ios.new = 1",
            "c a life counts purchase.mobile.ios.new.KRW = 1",
            "c a life counts purchase.other.other.new = 4",
            "c a life counts purchase.other.other.new.KRW = 15000",
            "c a life counts purchase.other.other.new.USD = 999",
        ]
    );
    assert_eq!(
        log.cell("c * life counts purchase.other.other.new.KRW"),
        15_040
    );
    assert_eq!(
        log.cell("c b hour:2026-03-10T00:00Z counts purchase.other.other.new.KRW"),
        40
    );
}

#[test]
fn browsers_and_brands_are_counted_beside_the_cells() {
    let mut log = Log::new(&seoul());
    log.apply([
        did(Kind::Visit, "u").with(IPHONE),
        did(Kind::Click, "u").with(IPHONE),
        did(Kind::Visit, "v").with(WINDOWS),
    ]);
    assert_eq!(log.cell("c a life counts browser.visit.safari"), 1);
    assert_eq!(log.cell("c a life counts browser.click.safari"), 1);
    assert_eq!(
        log.cell("c * day:2026-03-10 counts browser.visit.chrome"),
        1
    );
    assert_eq!(log.cell("c * life counts brand.visit.iphone"), 1);
    assert_eq!(log.cell("c * life counts brand.visit.other"), 1);
}

#[test]
fn no_name_and_the_name_none_are_the_same() {
    let mut log = Log::new(&seoul());
    log.apply([
        visit("u", MORNING),
        visit("u", MORNING).to("(none)", "(none)"),
        visit("u", MORNING).to("", "(none)"),
        visit("u", MORNING).to("c", ""),
    ]);
    let visits = "life counts visit.other.other.new";
    assert_eq!(log.cell(&format!("(none) * {visits}")), 3);
    assert_eq!(log.cell(&format!("(none) (none) {visits}")), 3);
    assert_eq!(log.cell(&format!("c (none) {visits}")), 1);
    assert_eq!(log.cell(&format!("c * {visits}")), 1);
}

#[test]
fn an_activity_belongs_to_its_campaign() {
    let mut log = Log::new(&seoul());
    log.apply([
        visit("u", MORNING).to("c", "a"),
        visit("u", MORNING).to("d", "a"),
    ]);
    assert_eq!(log.cell("c a life people users"), 1);
    assert_eq!(log.cell("d a life people users"), 1);
}
