//! Ids that the fold can't tell apart. The hash is made to collide; the window is as in `duplicates`.

use pipeline::identity;
use processor::verify::{Collision, Known, Oracle};

use crate::given::{GOOGLEBOT, Log, Sent, seoul, visit};

const BORN: &str = "2026-03-10T00:00:00Z";
const KEY: (u64, u64) = (1, 2);

/// The fold's hash, but that `alike` has the hash of `like`.
fn mistaking(alike: &'static str, like: &'static str) -> Log {
    let mut log = Log::new(&seoul());
    let oracle = Oracle::new(&seoul(), 0).expect("the definition is sound");
    log.oracle = oracle.with_hash(move |parts| {
        let parts: Vec<&[u8]> = parts
            .iter()
            .map(|part| {
                if *part == alike.as_bytes() {
                    like.as_bytes()
                } else {
                    part
                }
            })
            .collect();
        identity::hash(KEY, &parts)
    });
    log
}

fn known(offset: u64, user: &str, event: &str) -> Known {
    Known {
        offset,
        user: user.to_owned(),
        event: event.to_owned(),
    }
}

fn event(id: &str, appended: &str) -> Sent {
    visit("u", BORN)
        .id(id)
        .appended(&format!("2026-03-10T{appended}Z"))
}

#[test]
fn two_events_with_one_hash_in_one_window_are_named_with_their_offsets() {
    let mut log = mistaking("two", "one");
    log.apply([event("zero", "10:00:00"), event("one", "10:30:00")]);
    assert_eq!(log.view().collisions, []);
    log.apply([event("two", "11:59:59")]);
    let collision = Collision::Events {
        partition: 0,
        first: known(1, "u", "one"),
        second: known(2, "u", "two"),
    };
    let said = collision.to_string();
    assert_eq!(log.view().collisions, [collision]);
    assert_eq!(
        said,
        "hash collision: event \"two\" of user \"u\" at 0/2 is no copy of event \"one\" of user \"u\" at 0/1, \
         but has its hash under hash_key: the fold counts it as a duplicate"
    );
    // They count: ids are told apart whole.
    assert_eq!(log.cell("(none) * life counts visit.other.other.new"), 3);
}

#[test]
fn two_events_with_one_hash_are_told_apart_by_the_fold_beyond_the_window() {
    let mut log = mistaking("two", "one");
    log.apply([event("one", "10:59:59"), event("two", "12:00:00")]);
    assert_eq!(log.view().collisions, []);
}

#[test]
fn a_copy_is_no_collision() {
    let mut log = mistaking("two", "one");
    log.apply([event("one", "10:00:00")]);
    log.take(event("one", "10:00:00"));
    log.take(event("one", "11:00:00"));
    assert_eq!(log.view().collisions, []);
}

#[test]
fn two_people_with_one_hash_are_named_by_their_first_events() {
    let mut log = mistaking("v", "u");
    log.apply([
        visit("w", BORN),
        visit("v", BORN).id("first of v"),
        visit("u", BORN).id("first of u").with(GOOGLEBOT),
        visit("u", BORN).id("second of u"),
        visit("v", BORN).id("second of v"),
    ]);
    let collision = Collision::People {
        partition: 0,
        first: known(1, "v", "first of v"),
        second: known(3, "u", "second of u"),
    };
    let said = collision.to_string();
    assert_eq!(log.view().collisions, [collision]);
    assert_eq!(
        said,
        "hash collision: users \"v\", first at 0/1, and \"u\", first at 0/3, \
         have one hash under hash_key: the fold counts them as one person"
    );
    assert_eq!(log.cell("(none) * life people users"), 3);
}

#[test]
fn events_of_one_id_collide_where_their_users_do() {
    let mut log = mistaking("v", "u");
    log.apply([visit("u", BORN).id("one"), visit("v", BORN).id("one")]);
    let (first, second) = (known(0, "u", "one"), known(1, "v", "one"));
    let events = Collision::Events {
        partition: 0,
        first: first.clone(),
        second: second.clone(),
    };
    let people = Collision::People {
        partition: 0,
        first,
        second,
    };
    assert_eq!(log.view().collisions, [events, people]);
}

#[test]
fn a_bot_is_no_person_to_be_taken_for_another() {
    let mut log = mistaking("v", "u");
    log.apply([visit("u", BORN), visit("v", BORN).with(GOOGLEBOT)]);
    assert_eq!(log.view().collisions, []);
}

#[test]
fn ids_do_not_collide_under_the_definitions_own_key() {
    let mut log = Log::new(&seoul());
    log.apply((0..1_000).map(|n| visit(&format!("user-{n}"), BORN)));
    assert_eq!(log.view().collisions, []);
}
