//! Records that can't be used: each has its reason, and moves log time and nothing else.

use pipeline::admission::{Admission, MAX_ACTIVITY_ID, MAX_NAME, Outcome};
use pipeline::decode::{MAX_HINT, MAX_ID, MAX_USER_AGENT, MAX_USER_ID, MAX_VALUE};
use pipeline::rejection::Reason;
use schemas::partition::partition_of;
use schemas::v1::entry_record::Act;
use schemas::v1::{ActivityDefined, ClientHints, EntryRequested};

use crate::acts::{START, Sent, cancelled, defined, fold, requested};

fn reason(sent: &Sent) -> Option<Reason> {
    let mut fold = Admission::new(0, 1);
    let outcome = fold.fold(&sent.record());
    assert_eq!((fold.log_time(), fold.next_offset()), (START, 1));
    match outcome {
        Outcome::Rejected(rejection) => {
            assert_eq!(fold.activities().count(), 0);
            Some(rejection.reason)
        }
        _ => None,
    }
}

fn of(act: Act) -> Option<Reason> {
    reason(&Sent::new(0, START, act))
}

fn text(length: usize) -> String {
    "x".repeat(length)
}

#[test]
fn ids_have_the_lengths_of_the_schema_and_no_control_characters() {
    for (act, expected) in [
        (requested(&text(MAX_ACTIVITY_ID), "u", "r"), None),
        (requested("a", &text(MAX_USER_ID), &text(MAX_ID)), None),
        (
            requested("a", &text(MAX_USER_ID + 1), "r"),
            Some(Reason::BadId),
        ),
        (requested("a", "u", &text(MAX_ID + 1)), Some(Reason::BadId)),
        (requested("", "u", "r"), Some(Reason::BadId)),
        (requested("a", "", "r"), Some(Reason::BadId)),
        (requested("a", "u", ""), Some(Reason::BadId)),
        (requested("a", "u\n", "r"), Some(Reason::BadId)),
        (requested("*", "u", "r"), Some(Reason::BadId)),
        (cancelled("__other__", "u", 1), Some(Reason::BadId)),
        (cancelled("a", "", 1), Some(Reason::BadId)),
        (defined("", 1, START, None), Some(Reason::BadId)),
        // Its key is as long.
        (
            requested(&text(MAX_ACTIVITY_ID + 1), "u", "r"),
            Some(Reason::TooLarge),
        ),
    ] {
        assert_eq!(of(act.clone()), expected, "{act:?}");
    }
}

#[test]
fn definitions_have_times_and_names_that_can_be_used() {
    let named = |campaign: &str, name: &str| {
        Act::Defined(ActivityDefined {
            activity_id: "a".to_owned(),
            campaign_id: campaign.to_owned(),
            name: name.to_owned(),
            opens_at_ms: START,
            ..ActivityDefined::default()
        })
    };
    for (act, expected) in [
        (defined("a", 0, START, Some(START + 1)), None),
        (defined("a", 1, 0, None), Some(Reason::BadTime)),
        (defined("a", 1, i64::MAX, None), Some(Reason::BadTime)),
        (defined("a", 1, START, Some(START)), Some(Reason::BadTime)),
        (named("", &text(MAX_NAME)), None),
        (named("", &text(MAX_NAME + 1)), Some(Reason::BadId)),
        (named(&text(MAX_ID + 1), ""), Some(Reason::BadId)),
        (named("*", ""), Some(Reason::BadId)),
    ] {
        assert_eq!(of(act.clone()), expected, "{act:?}");
    }
}

#[test]
fn user_agents_and_hints_have_the_lengths_of_an_events() {
    let request = |agent: usize, hint: usize| {
        Act::Requested(EntryRequested {
            activity_id: "a".to_owned(),
            user_id: "u".to_owned(),
            request_id: "r".to_owned(),
            user_agent: text(agent),
            client_hints: Some(ClientHints {
                model: text(hint),
                ..ClientHints::default()
            }),
        })
    };
    assert_eq!(of(request(MAX_USER_AGENT, MAX_HINT)), None);
    assert_eq!(
        of(request(MAX_USER_AGENT + 1, 0)),
        Some(Reason::BadUserAgent)
    );
    assert_eq!(of(request(0, MAX_HINT + 1)), Some(Reason::BadUserAgent));
}

#[test]
fn bytes_that_are_no_act_are_refused() {
    let value = |value: &[u8]| Sent {
        value: value.to_vec(),
        ..Sent::new(0, START, requested("a", "u", "r"))
    };
    assert_eq!(reason(&value(b"\xff")), Some(Reason::BadBytes));
    // Nothing at all, and an act that only a later version knows.
    assert_eq!(reason(&value(b"")), Some(Reason::UnknownKind));
    assert_eq!(reason(&value(b"\x8a\x7d\x00")), Some(Reason::UnknownKind));
    assert_eq!(reason(&value(&[0; MAX_VALUE + 1])), Some(Reason::TooLarge));
}

#[test]
fn a_record_of_another_key_or_partition_is_misrouted() {
    let mut sent = Sent::new(0, START, requested("a", "u", "r"));
    sent.key = b"b".to_vec();
    assert_eq!(reason(&sent), Some(Reason::Misrouted));
    let sent = Sent::new(0, START, defined("a", 1, START, None));
    for partition in 0..4 {
        let outcome = Admission::new(partition, 4).fold(&sent.record());
        let at_home = partition == partition_of(b"a", 4);
        assert_eq!(matches!(outcome, Outcome::Defined { .. }), at_home);
        assert_eq!(matches!(outcome, Outcome::Rejected(_)), !at_home);
    }
}

#[test]
fn the_act_of_a_rejected_record_counts_for_nothing_but_its_time_does() {
    let mut late = Sent::new(1, START + 50, requested("a", "u", "r"));
    late.key = b"elsewhere".to_vec();
    let log = [
        Sent::new(0, START, defined("a", 1, START + 50, None)),
        late,
        // The log's clock goes back, log time does not.
        Sent::new(2, START, requested("a", "u", "r")),
    ];
    let (fold, _) = fold(&log);
    assert_eq!(fold.seat("a", "u").unwrap().offset, 2);
    assert_eq!(fold.log_time(), START + 50);
}
