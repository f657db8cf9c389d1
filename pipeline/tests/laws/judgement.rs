//! The order of judgement: a record with several faults ends as the first of them says.

use pipeline::record::{Headers, Record};
use pipeline::rejection::Reason;
use pipeline::state::{Outcome, State};
use prost::Message;
use schemas::headers;
use schemas::v1::{Amount, ClientHints, Event, Kind};

use crate::histories::{DAY, HOUR, MINUTE, PARTITION, Setup, user};

/// Seoul, with a bound of a day.
pub const SETUP: Setup = Setup {
    zone: 0,
    lateness_hours: Some(24),
    hot_days: None,
    names: 1_000,
    contributions: 256,
    ahead_hours: 0,
};

/// A record to be.
pub struct Draft {
    pub event: Event,
    /// The key, if it is not the user_id.
    pub key: Option<Vec<u8>>,
    pub headers: Vec<(&'static str, String)>,
    /// What happens to the encoded value.
    pub spoil: fn(&mut Vec<u8>),
}

impl Draft {
    /// A sound visit with this id, at the middle of the set-up.
    pub fn visit(setup: &Setup, id: &str) -> Self {
        Self {
            event: Event {
                event_id: id.to_owned(),
                user_id: user(0, true),
                kind: Kind::Visit as i32,
                occurred_at_ms: setup.middle(),
                ..Event::default()
            },
            key: None,
            headers: Vec::new(),
            spoil: |_| {},
        }
    }

    /// Folds it as the next record.
    pub fn fold(&self, state: &mut State, appended_at: i64) -> Outcome {
        let mut value = self.event.encode_to_vec();
        (self.spoil)(&mut value);
        let mut packed = Vec::new();
        for (name, text) in &self.headers {
            Headers::push(&mut packed, name, text.as_bytes());
        }
        let own = self.event.user_id.as_bytes();
        state.apply(Record {
            offset: state.next_offset(),
            appended_at,
            key: self.key.as_deref().unwrap_or(own),
            value: &value,
            headers: Headers(&packed),
        })
    }

    fn put_source(&mut self, sequence: u64) {
        self.headers.push((headers::SOURCE, "source".to_owned()));
        self.headers.push((headers::SEQUENCE, sequence.to_string()));
    }

    fn put_replay(&mut self, offset: u64) {
        let of = format!("{PARTITION}/{offset}");
        self.headers.push((headers::REPLAY_OF, of));
    }
}

/// Parts of a record; two faults of one part can't be put together.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Value,
    Key,
    Source,
    Replay,
    Kind,
    Id,
    User,
    Campaign,
    Activity,
    Agent,
    Hints,
    Time,
    SignedUp,
    Amount,
}

struct Fault {
    name: &'static str,
    parts: &'static [Part],
    put: fn(&mut Draft),
    ends: Outcome,
}

const fn fault(
    name: &'static str,
    parts: &'static [Part],
    reason: Reason,
    put: fn(&mut Draft),
) -> Fault {
    Fault {
        name,
        parts,
        put,
        ends: Outcome::DeadLettered(reason),
    }
}

const fn copy(name: &'static str, parts: &'static [Part], put: fn(&mut Draft)) -> Fault {
    Fault {
        name,
        parts,
        put,
        ends: Outcome::Duplicate,
    }
}

/// Every fault, in the order of judgement.
const FAULTS: [Fault; 22] = [
    // Its bytes are bad as well.
    fault("a large value", &[Part::Value], Reason::TooLarge, |draft| {
        draft.spoil = |value| value.resize(16 * 1024 + 1, 0xff);
    }),
    fault("a large key", &[Part::Key], Reason::TooLarge, |draft| {
        draft.key = Some(vec![b'k'; 257]);
    }),
    fault("bad bytes", &[Part::Value], Reason::BadBytes, |draft| {
        draft.spoil = |value| value.push(0xff);
    }),
    fault(
        "half a source",
        &[Part::Source],
        Reason::BadHeader,
        |draft| {
            draft.headers.push((headers::SOURCE, "source".to_owned()));
        },
    ),
    fault(
        "an odd replay",
        &[Part::Replay],
        Reason::BadHeader,
        |draft| {
            draft.headers.push((headers::REPLAY_OF, "1".to_owned()));
        },
    ),
    fault(
        "an unknown kind",
        &[Part::Kind],
        Reason::UnknownKind,
        |draft| {
            draft.event.kind = 6;
        },
    ),
    fault("no event_id", &[Part::Id], Reason::BadId, |draft| {
        draft.event.event_id.clear();
    }),
    fault("an odd user_id", &[Part::User], Reason::BadId, |draft| {
        draft.event.user_id.push('\n');
    }),
    fault("a kept name", &[Part::Campaign], Reason::BadId, |draft| {
        draft.event.campaign_id = "__other__".to_owned();
    }),
    fault("a long name", &[Part::Activity], Reason::BadId, |draft| {
        draft.event.activity_id = "x".repeat(129);
    }),
    fault(
        "a long agent",
        &[Part::Agent],
        Reason::BadUserAgent,
        |draft| {
            draft.event.user_agent = "x".repeat(2_049);
        },
    ),
    fault(
        "a long hint",
        &[Part::Hints],
        Reason::BadUserAgent,
        |draft| {
            draft.event.client_hints = Some(ClientHints {
                model: "x".repeat(65),
                ..ClientHints::default()
            });
        },
    ),
    fault("no time", &[Part::Time], Reason::BadTime, |draft| {
        draft.event.occurred_at_ms = 0;
    }),
    fault("an old time", &[Part::Time], Reason::TooOld, |draft| {
        draft.event.occurred_at_ms = 1;
    }),
    fault(
        "a visit signs up",
        &[Part::SignedUp],
        Reason::BadTime,
        |draft| {
            draft.event.signed_up_at_ms = Some(SETUP.middle());
        },
    ),
    fault(
        "a visit pays",
        &[Part::Amount],
        Reason::BadAmount,
        |draft| {
            draft.event.amount = Some(Amount {
                minor_units: 1,
                currency: "KRW".to_owned(),
            });
        },
    ),
    fault(
        "an enter without a source",
        &[Part::Kind, Part::Source],
        Reason::BadHeader,
        |draft| draft.event.kind = Kind::Enter as i32,
    ),
    fault("a time ahead", &[Part::Time], Reason::Future, |draft| {
        draft.event.occurred_at_ms += 5 * MINUTE + 1;
    }),
    fault("another's key", &[Part::Key], Reason::Misrouted, |draft| {
        draft.key = Some(user(1, true).into_bytes());
    }),
    copy("a repeated source", &[Part::Source], |draft| {
        draft.put_source(5);
    }),
    // A late event whose replay is known is a copy; so the next fault is put on the same part.
    copy("a repeated replay", &[Part::Replay], |draft| {
        draft.put_replay(7)
    }),
    Fault {
        name: "a late time",
        parts: &[Part::Time],
        put: |draft| draft.event.occurred_at_ms -= DAY + 1,
        ends: Outcome::Late,
    },
];

/// The state in which [`FAULTS`] are faults, its log time at the middle.
fn prepared() -> State {
    let mut state = SETUP.empty();
    let mut source = Draft::visit(&SETUP, "of the source");
    source.put_source(5);
    let mut replay = Draft::visit(&SETUP, "replayed");
    replay.put_replay(7);
    for draft in [source, replay, Draft::visit(&SETUP, "known")] {
        let outcome = draft.fold(&mut state, SETUP.middle());
        assert_eq!(outcome, Outcome::Applied);
    }
    state
}

fn ends(faults: &[&Fault], id: &str) -> Outcome {
    let mut draft = Draft::visit(&SETUP, id);
    for fault in faults {
        (fault.put)(&mut draft);
    }
    draft.fold(&mut prepared(), SETUP.middle())
}

#[test]
fn of_two_faults_the_one_judged_first_counts() {
    assert_eq!(ends(&[], "new"), Outcome::Applied);
    assert_eq!(ends(&[], "known"), Outcome::Duplicate);
    let mut pairs = 0;
    for (number, first) in FAULTS.iter().enumerate() {
        for id in ["new", "known"] {
            assert_eq!(ends(&[first], id), first.ends, "{} ({id})", first.name);
        }
        for second in &FAULTS[number + 1..] {
            if second.parts.iter().any(|part| first.parts.contains(part)) {
                continue;
            }
            let found = ends(&[first, second], "new");
            assert_eq!(found, first.ends, "{} and {}", first.name, second.name);
            pairs += 1;
        }
    }
    assert!(pairs > 180, "only {pairs} pairs were judged");
}

#[test]
fn the_key_of_another_partition_is_misrouted() {
    let mut draft = Draft::visit(&SETUP, "new");
    draft.event.user_id = user(0, false);
    let found = draft.fold(&mut prepared(), SETUP.middle());
    assert_eq!(found, Outcome::DeadLettered(Reason::Misrouted));
}

#[test]
fn an_enter_event_is_neither_late_nor_in_the_future() {
    for (sequence, away) in [(6, -30 * DAY), (7, 30 * DAY)] {
        let mut draft = Draft::visit(&SETUP, "new");
        draft.event.kind = Kind::Enter as i32;
        draft.event.occurred_at_ms += away;
        draft.put_source(sequence);
        let found = draft.fold(&mut prepared(), SETUP.middle());
        assert_eq!(found, Outcome::Applied, "{away}");
    }
}

#[test]
fn an_event_on_the_bound_is_not_late() {
    for (behind, expected) in [(DAY, Outcome::Applied), (DAY + 1, Outcome::Late)] {
        let mut draft = Draft::visit(&SETUP, "new");
        draft.event.occurred_at_ms -= behind;
        assert_eq!(draft.fold(&mut prepared(), SETUP.middle()), expected);
    }
    for (ahead, expected) in [
        (5 * MINUTE, Outcome::Applied),
        (5 * MINUTE + 1, Outcome::DeadLettered(Reason::Future)),
    ] {
        let mut draft = Draft::visit(&SETUP, "new");
        draft.event.occurred_at_ms += ahead;
        assert_eq!(draft.fold(&mut prepared(), SETUP.middle()), expected);
    }
}

#[test]
fn a_late_dead_letter_is_applied_once_by_its_replay() {
    let mut state = prepared();
    let mut draft = Draft::visit(&SETUP, "late");
    draft.event.occurred_at_ms -= 3 * DAY;
    assert_eq!(draft.fold(&mut state, SETUP.middle()), Outcome::Late);
    let offset = state.next_offset() - 1;
    draft.put_replay(offset);
    assert_eq!(draft.fold(&mut state, SETUP.middle()), Outcome::Applied);
    // Long after the window has forgotten its id.
    for hours in [0, 1, 5, 500] {
        let later = SETUP.middle() + hours * HOUR;
        assert_eq!(draft.fold(&mut state, later), Outcome::Duplicate);
    }
}

#[test]
fn a_register_moves_on_with_every_outcome_and_the_window_with_applied_events_only() {
    let mut state = prepared();
    let mut bad = Draft::visit(&SETUP, "own");
    bad.put_source(9);
    bad.event.kind = 0;
    let refused = Outcome::DeadLettered(Reason::UnknownKind);
    assert_eq!(bad.fold(&mut state, SETUP.middle()), refused);
    for (sequence, expected) in [
        (9, Outcome::Duplicate),
        (8, Outcome::Duplicate),
        (10, Outcome::Applied),
        (12, Outcome::Duplicate), // its id was applied with 10
        (11, Outcome::Duplicate),
    ] {
        let mut draft = Draft::visit(&SETUP, "own");
        draft.put_source(sequence);
        let found = draft.fold(&mut state, SETUP.middle());
        assert_eq!(found, expected, "{sequence}");
    }
    let sound = Draft::visit(&SETUP, "other");
    let mut replay = Draft::visit(&SETUP, "third");
    replay.put_replay(3);
    replay.event.kind = 0;
    assert_eq!(replay.fold(&mut state, SETUP.middle()), refused);
    replay.event.kind = Kind::Visit as i32;
    assert_eq!(replay.fold(&mut state, SETUP.middle()), Outcome::Applied);
    assert_eq!(sound.fold(&mut state, SETUP.middle()), Outcome::Applied);
}
