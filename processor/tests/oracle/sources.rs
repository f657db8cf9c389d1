//! Sources and their registers, and dead letters that are replayed.

use pipeline::rejection::Reason;
use processor::verify::Judgement::{Applied, Duplicate, Late};
use schemas::v1::Kind;

use crate::given::{Log, Sent, dead, sent, seoul, visit};

const NOON: &str = "2026-03-10T12:00:00+09:00";

fn named(id: &str) -> Sent {
    visit("u", NOON).id(id)
}

#[test]
fn a_sequence_not_above_its_sources_register_is_a_duplicate_whatever_its_id() {
    let mut log = Log::new(&seoul());
    assert_eq!(log.take(named("a").source("import", 0)), Applied);
    assert_eq!(log.take(named("b").source("import", 0)), Duplicate);
    assert_eq!(log.take(named("b").source("import", 7)), Applied);
    assert_eq!(log.take(named("c").source("import", 6)), Duplicate);
    assert_eq!(log.take(named("c").source("other", 6)), Applied);
    assert_eq!(log.take(named("d").source("import", u64::MAX)), Applied);
    assert_eq!(log.take(named("e").source("import", u64::MAX)), Duplicate);
}

#[test]
fn the_register_holds_across_slots_of_the_window() {
    let mut log = Log::new(&seoul());
    log.apply([named("a").source("import", 1)]);
    let later = named("a").appended("2026-03-20T12:00:00+09:00");
    assert_eq!(log.take(later.clone().source("import", 1)), Duplicate);
    // Without its source only the window is asked, and that has forgotten.
    assert_eq!(log.take(later), Applied);
}

#[test]
fn a_register_advances_with_every_outcome() {
    let mut definition = seoul();
    definition.lateness_ms = Some(60_000);
    let mut log = Log::new(&definition);
    let mut sequence = 0;
    let mut next = |sent: Sent| {
        sequence += 10;
        sent.source("import", sequence)
    };
    for (outcome, record) in [
        (Applied, named("a")),
        (Duplicate, named("a")),
        (Late, visit("u", "2026-03-10T11:00:00+09:00").appended(NOON)),
        (dead(Reason::BadId), named("")),
        (dead(Reason::BadBytes), named("b").value("?")),
        (dead(Reason::TooLarge), named("b").value([0; 16_385])),
        (dead(Reason::Misrouted), named("b").key("elsewhere")),
    ] {
        let record = next(record);
        let sequence = String::from_utf8_lossy(&record.headers[1].1).into_owned();
        assert_eq!(log.take(record), outcome, "sequence {sequence}");
        let again = named("b").header("footfall-source", "import");
        assert_eq!(
            log.take(again.header("footfall-sequence", &sequence)),
            Duplicate,
            "after {outcome:?} the sequence {sequence} is taken"
        );
    }
    assert_eq!(log.take(named("b").source("import", 71)), Applied);
}

#[test]
fn headers_that_cannot_be_read_advance_nothing() {
    let mut log = Log::new(&seoul());
    let broken = named("a").source("import", 9).replay_of("nowhere");
    assert_eq!(log.take(broken), dead(Reason::BadHeader));
    assert_eq!(log.take(named("a").source("import", 1)), Applied);
}

#[test]
fn a_source_is_asked_before_the_window_and_before_lateness() {
    let mut definition = seoul();
    definition.lateness_ms = Some(60_000);
    let mut log = Log::new(&definition);
    log.apply([named("a").source("import", 5)]);
    let late = visit("u", "2026-03-10T11:00:00+09:00").appended(NOON);
    assert_eq!(log.take(late.clone().source("import", 5)), Duplicate);
    assert_eq!(log.take(late.source("import", 6)), Late);
    // A new sequence does not excuse an id that was applied.
    assert_eq!(log.take(named("a").source("import", 7)), Duplicate);
}

#[test]
fn a_replayed_dead_letter_is_applied_once() {
    let mut log = Log::new(&seoul());
    assert_eq!(
        log.take(named("a").key("elsewhere")),
        dead(Reason::Misrouted)
    );
    assert_eq!(log.take(named("a").replay_of("0/0")), Applied);
    assert_eq!(log.take(named("a").replay_of("0/0")), Duplicate);
    // Also when the window has forgotten, and under another id.
    let later = named("b").appended("2026-03-20T12:00:00+09:00");
    assert_eq!(log.take(later.clone().replay_of("0/0")), Duplicate);
    assert_eq!(log.take(later.clone().replay_of("1/0")), Applied);
    // The same coordinates, written otherwise.
    assert_eq!(log.take(named("c").replay_of("00/000")), Duplicate);
    assert_eq!(log.cell("(none) * life counts visit.other.other.new"), 2);
}

#[test]
fn coordinates_are_taken_by_applied_replays_only() {
    let mut log = Log::new(&seoul());
    assert_eq!(
        log.take(named("a").key("elsewhere").replay_of("3/4")),
        dead(Reason::Misrouted)
    );
    assert_eq!(log.take(named("a")), Applied);
    // In the window: not applied, so the coordinates stay free.
    assert_eq!(log.take(named("a").replay_of("3/4")), Duplicate);
    assert_eq!(log.take(named("b").replay_of("3/4")), Applied);
    assert_eq!(log.take(named("c").replay_of("3/4")), Duplicate);
}

#[test]
fn a_replay_skips_its_sources_register_but_advances_it() {
    let mut log = Log::new(&seoul());
    log.apply([named("a").source("import", 9)]);
    let replay = |id: &str, sequence, of| named(id).source("import", sequence).replay_of(of);
    assert_eq!(log.take(replay("b", 3, "0/1")), Applied);
    assert_eq!(log.take(replay("c", 20, "0/2")), Applied);
    assert_eq!(log.take(named("d").source("import", 20)), Duplicate);
    assert_eq!(log.take(named("d").source("import", 21)), Applied);
    // A smaller sequence does not take the register back.
    assert_eq!(log.take(replay("e", 4, "0/3")), Applied);
    assert_eq!(log.take(named("f").source("import", 21)), Duplicate);
}

#[test]
fn an_enter_is_applied_once_by_its_source() {
    let mut log = Log::new(&seoul());
    let enter = |sequence| {
        sent(Kind::Enter, "u", NOON)
            .to("c", "a")
            .source("admission/0", sequence)
    };
    assert_eq!(log.take(enter(12)), Applied);
    assert_eq!(log.take(enter(12)), Duplicate);
    assert_eq!(log.cell("c a life counts enter.other.other.new"), 1);
}
