//! Limits of the fold that the oracle doesn't have: it names them instead of comparing.

use processor::verify::LimitMet;
use schemas::v1::Kind;

use crate::given::{GOOGLEBOT, Log, Sent, seoul, visit};

fn on(day: u8, activity: &str) -> Sent {
    visit("u", &format!("2026-03-{day:02}T09:00:00+09:00"))
        .to("c", activity)
        .appended("2026-03-31T00:00:00+09:00")
}

#[test]
fn more_names_than_the_definition_allows_are_not_comparable() {
    let mut definition = seoul();
    definition.limits.names = 3;
    let mut log = Log::new(&definition);
    log.apply([on(1, "a"), on(1, "b")]);
    assert_eq!(log.view().limits_met, []);
    log.apply([on(1, "d")]);
    assert_eq!(
        log.view().limits_met,
        [LimitMet::Names { found: 4, limit: 3 }]
    );
}

#[test]
fn a_first_day_that_moves_with_too_many_contributions_is_not_comparable() {
    let mut definition = seoul();
    definition.limits.contributions = 2;
    let history = [on(10, "a"), on(10, "b"), on(10, "d")];
    let older = on(9, "a");
    // Two contributions, the same twice, and bots, are within the limit.
    let mut log = Log::new(&definition);
    log.apply([on(10, "a"), on(10, "a").id("again"), on(10, "b")]);
    log.apply([on(10, "d").with(GOOGLEBOT), older.clone()]);
    assert_eq!(log.view().limits_met, []);
    // Three are beyond it, but nothing has moved.
    let mut log = Log::new(&definition);
    log.apply(history.clone());
    assert_eq!(log.view().limits_met, []);
    // Once the day moves, some stay new in the fold.
    log.apply([older.clone()]);
    assert_eq!(
        log.view().limits_met,
        [LimitMet::Contributions { users: 1, limit: 2 }]
    );
    // The older event first: nothing moves.
    let mut log = Log::new(&definition);
    log.apply([older]);
    log.apply(history);
    assert_eq!(log.view().limits_met, []);
}

/// A measurement too: `cargo test --profile ci -p processor --test oracle -- --ignored --nocapture million`.
#[test]
#[ignore = "takes a minute"]
fn a_million_events_are_folded_and_every_count_is_there() {
    let mut log = Log::new(&seoul());
    let started = std::time::Instant::now();
    let first = crate::given::at("2026-03-01T00:00:00+09:00");
    for n in 0..1_000_000_i64 {
        let user = format!("user-{}", n * 7919 % 200_003);
        let kind = [Kind::Visit, Kind::Click, Kind::Purchase][(n % 3) as usize];
        let event = visit(&user, "2026-03-01T00:00:00+09:00")
            .to("spring", &format!("activity-{}", n % 101))
            .id(&n.to_string())
            .with(crate::given::IPHONE)
            .change(|event| {
                event.kind = kind as i32;
                event.occurred_at_ms = first + n * 2_419;
            });
        log.take(event);
    }
    eprintln!("taken after {:?}", started.elapsed());
    let view = log.view();
    eprintln!("{} cells after {:?}", view.cells.len(), started.elapsed());
    assert_eq!(log.tallies().applied, 1_000_000);
    let events: i64 = view
        .cells
        .iter()
        .filter(|(name, _)| &*name.activity == "*" && name.period == "life")
        .filter(|(name, _)| name.cell.starts_with("browser."))
        .map(|(_, value)| value)
        .sum();
    assert_eq!(events, 1_000_000);
}
