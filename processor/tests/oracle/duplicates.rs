//! The dedup window: this slot of log time and the one before it. Slots are an hour, beginning at full hours UTC.

use processor::verify::Judgement::{Applied, Duplicate};

use crate::given::{Log, Sent, seoul, visit};

const BORN: &str = "2026-03-10T00:00:00Z";

/// One and the same event, appended at another time.
fn copy(appended: &str) -> Sent {
    visit("u", BORN)
        .id("one")
        .appended(&format!("2026-03-10T{appended}Z"))
}

#[test]
fn a_second_copy_in_the_same_slot_is_a_duplicate() {
    let mut log = Log::new(&seoul());
    assert_eq!(log.take(copy("10:00:00")), Applied);
    assert_eq!(log.take(copy("10:00:00")), Duplicate);
    assert_eq!(log.take(copy("10:59:59.999")), Duplicate);
    assert_eq!(log.cell("(none) * life counts visit.other.other.new"), 1);
}

#[test]
fn a_copy_in_the_next_slot_is_a_duplicate_and_one_slot_later_is_not() {
    let mut log = Log::new(&seoul());
    assert_eq!(log.take(copy("10:59:59.999")), Applied);
    assert_eq!(log.take(copy("11:59:59.999")), Duplicate);
    assert_eq!(log.take(copy("12:00:00")), Applied);
    assert_eq!(log.take(copy("13:59:59")), Duplicate);
    assert_eq!(log.cell("(none) * life counts visit.other.other.new"), 2);
    assert_eq!(log.cell("(none) * life people users"), 1);
}

#[test]
fn a_slot_without_records_is_a_slot() {
    let mut log = Log::new(&seoul());
    assert_eq!(log.take(copy("10:30:00")), Applied);
    assert_eq!(log.take(copy("12:30:00")), Applied);
}

#[test]
fn a_duplicate_does_not_keep_its_id_for_longer() {
    let mut log = Log::new(&seoul());
    assert_eq!(log.take(copy("10:00:00")), Applied);
    assert_eq!(log.take(copy("11:30:00")), Duplicate);
    assert_eq!(log.take(copy("12:00:00")), Applied);
}

#[test]
fn the_id_is_the_users_own() {
    let mut log = Log::new(&seoul());
    log.apply([copy("10:00:00"), visit("v", BORN).id("one").appended(BORN)]);
    // "ab" + "c" is not "a" + "bc".
    log.apply([visit("ab", BORN).id("c"), visit("a", BORN).id("bc")]);
}

#[test]
fn a_duplicate_may_say_other_things_and_changes_nothing() {
    let mut log = Log::new(&seoul());
    log.apply([copy("10:00:00").to("c", "a").id("one")]);
    let before = log.view();
    let other = visit("u", "2026-03-09T00:00:00Z").to("d", "b").id("one");
    assert_eq!(log.take(other.appended("2026-03-10T10:00:00Z")), Duplicate);
    assert_eq!(log.view(), before);
    assert_eq!(log.tallies().duplicate, 1);
    assert_eq!(log.oracle.dead_letters(), []);
}

#[test]
fn what_was_set_aside_is_not_in_the_window() {
    let mut log = Log::new(&seoul());
    log.take(copy("10:00:00").key("elsewhere"));
    log.apply([copy("10:00:00")]);
}

#[test]
fn log_time_decides_the_slot_not_the_records_own_append_time() {
    let mut log = Log::new(&seoul());
    log.apply([visit("v", BORN).appended("2026-03-10T12:00:00Z")]);
    // Applied at log time 12:00, though appended at 10:00.
    log.apply([copy("10:00:00")]);
    assert_eq!(log.take(copy("13:30:00")), Duplicate);
}
