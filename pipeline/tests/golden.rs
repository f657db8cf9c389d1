//! Holds the fold down (I6): one fixed history, its digests kept for ever.
//!
//! The history reads nothing but this file: no clock, no randomness, no environment. If the fold gives
//! another number for it, every view that stands was built by another fold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use pipeline::cell::Kind;
use pipeline::definition::{Definition, FOLD_VERSION, Limits};
use pipeline::record::{Headers, Record};
use pipeline::rejection::Reason;
use pipeline::row::{Facet, NamedCells, add_row};
use pipeline::state::{Outcome, State, Tally};
use prost::Message;
use schemas::headers;
use schemas::partition::partition_of;
use schemas::v1::{Amount, ClientHints, Event};
use sha2::{Digest, Sha256};

/// What the fold of [`FOLD_VERSION`] gives for the history. If a change of the fold is meant, raise
/// FOLD_VERSION in src/definition.rs and put the values of the failure here; otherwise mend the fold.
const GOLDEN: Golden = Golden {
    fold_version: 1,
    applied: 374,
    state: "a278efc1f9ac451e",
    rows: "f96255a704b8c4512cf8b5b376a199a25d690099a7a557d2269c1a523c1d4fda",
    view: "53ac575336d42b3f1c82e2cafb56f8ca73cfaa68a495d2968d200dbcaf389a1e",
};

#[derive(Debug, PartialEq)]
struct Golden<'a> {
    fold_version: u32,
    /// Events applied, so that a change of judgement is told from a change of numbers.
    applied: u64,
    /// The state digest.
    state: &'a str,
    /// SHA-256 over every row's name and stored bytes.
    rows: &'a str,
    /// SHA-256 over the named cells, without zeroes and minutes.
    view: &'a str,
}

const PARTITIONS: u32 = 4;
const PARTITION: u32 = 2;
/// 2026-10-31T23:00:00Z, seven hours before New York's clocks go back.
const START: i64 = 1_793_487_600_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
const RECORDS: u64 = 600;

const AGENTS: [&str; 5] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 KAKAOTALK",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "",
];

fn definition() -> Definition {
    Definition {
        time_zone: "America/New_York".to_owned(),
        partitions: PARTITIONS,
        hash_key: "00112233445566778899aabbccddeeff".to_owned(),
        dedup_slot_ms: 3_600_000,
        lateness_ms: Some(40 * DAY),
        hot_days: Some(35),
        limits: Limits {
            names: 10,
            contributions: 1,
        },
    }
}

fn user(number: u64, at_home: bool) -> String {
    (0..)
        .map(|n| format!("user-{n}"))
        .filter(|user| (partition_of(user.as_bytes(), PARTITIONS) == PARTITION) == at_home)
        .nth(number as usize)
        .unwrap()
}

/// The parts of record `n`, from its number alone: strides that share no factor meet in every way.
fn record(n: u64) -> (i64, Event, Vec<u8>) {
    let appended_at = START + n as i64 * 7 * MINUTE - i64::from(n.is_multiple_of(23)) * 40 * MINUTE;
    let kind = Kind::ALL[(n * 3 % 5) as usize];
    let behind = match n % 17 {
        0 => 41 * DAY, // late
        1 => 20 * DAY,
        2 | 3 => 26 * 60 * MINUTE,
        k => k as i64 * MINUTE,
    };
    let occurred_at_ms = appended_at - behind;
    let mut event = Event {
        event_id: format!(
            "id-{}",
            if n.is_multiple_of(11) {
                n.saturating_sub(3)
            } else {
                n
            }
        ),
        user_id: user(n * 7 % 13, true),
        kind: kind.to_wire() as i32,
        occurred_at_ms,
        campaign_id: ["spring", "", "가을", "winter"][(n / 3 % 4) as usize].to_owned(),
        activity_id: ["coupon", "raffle", ""][(n % 3) as usize].to_owned(),
        user_agent: AGENTS[(n * 2 % 5) as usize].to_owned(),
        client_hints: (n.is_multiple_of(19)).then(|| ClientHints {
            mobile: Some(n.is_multiple_of(2)),
            platform: "Android".to_owned(),
            model: "SM-X910".to_owned(),
        }),
        amount: (kind == Kind::Purchase && !n.is_multiple_of(4)).then(|| Amount {
            minor_units: n as i64 * 990,
            currency: ["KRW", "USD"][(n / 5 % 2) as usize].to_owned(),
        }),
        signed_up_at_ms: (kind == Kind::SignUp && n.is_multiple_of(2))
            .then_some(occurred_at_ms - DAY / 2),
    };
    if n.is_multiple_of(11) && n >= 3 {
        event.user_id = user((n - 3) * 7 % 13, true);
    }
    let mut packed = Vec::new();
    if kind == Kind::Enter || n.is_multiple_of(29) {
        let sequence = if n.is_multiple_of(31) { n / 2 } else { n };
        Headers::push(&mut packed, headers::SOURCE, b"admission-0");
        Headers::push(
            &mut packed,
            headers::SEQUENCE,
            sequence.to_string().as_bytes(),
        );
    }
    if n.is_multiple_of(37) {
        let of = format!("{PARTITION}/{}", n % 74);
        Headers::push(&mut packed, headers::REPLAY_OF, of.as_bytes());
    }
    (appended_at, event, packed)
}

/// Puts each reason for a dead letter into some record.
fn spoil(n: u64, appended_at: i64, event: &mut Event, packed: &mut Vec<u8>) -> Vec<u8> {
    match n % 40 {
        31 => event.event_id = "a\tb".to_owned(),
        32 => event.user_agent = "x".repeat(2_049),
        33 => event.occurred_at_ms = 0,
        34 => event.occurred_at_ms = 1_000,
        35 => (event.kind, event.occurred_at_ms) = (1, appended_at + 40 * DAY),
        36 => event.kind = 9,
        37 => (event.kind, event.amount) = (2, Some(Amount::default())),
        38 => Headers::push(packed, headers::REPLAY_OF, b"+1/2"),
        39 => event.user_id = user(n % 5, false),
        _ => {}
    }
    let mut value = event.encode_to_vec();
    match n % 40 {
        29 => value.truncate(value.len() / 2),
        30 => value.resize(16 * 1024 + 1, 0),
        _ => {}
    }
    value
}

fn fold(mut each: impl FnMut(&mut State, Outcome)) -> State {
    let mut state = State::new(Arc::new(definition()), PARTITION).unwrap();
    for n in 0..RECORDS {
        let (appended_at, mut event, mut packed) = record(n);
        let value = spoil(n, appended_at, &mut event, &mut packed);
        let outcome = state.apply(Record {
            // A gap now and then, as a compacted or transactional log has them.
            offset: n + n / 100,
            appended_at,
            key: event.user_id.as_bytes(),
            value: &value,
            headers: Headers(&packed),
        });
        each(&mut state, outcome);
    }
    state
}

fn rows_digest(state: &State) -> String {
    let rows = state.all_rows().into_iter();
    let rows: BTreeMap<_, _> = rows.map(|frozen| (frozen.key, frozen.row)).collect();
    let mut hasher = Sha256::new();
    for (key, row) in rows {
        hasher.update(format!("{key:?}\n"));
        hasher.update(row.unwrap().encode());
    }
    hex::encode(hasher.finalize())
}

fn view_digest(state: &State) -> String {
    let mut cells = NamedCells::new();
    for frozen in state.all_rows() {
        if frozen.key.facet != Facet::Minutes {
            add_row(&mut cells, &frozen.key, &frozen.row.unwrap());
        }
    }
    let mut text = String::new();
    for (cell, value) in cells.iter().filter(|(_, value)| **value != 0) {
        writeln!(text, "{cell}\t{value}").unwrap();
    }
    hex::encode(Sha256::digest(text))
}

#[test]
fn the_fold_gives_what_it_always_gave() {
    let state = fold(|_, _| {});
    let (digest, rows, view) = (state.digest(), rows_digest(&state), view_digest(&state));
    let found = Golden {
        fold_version: FOLD_VERSION,
        applied: state.tally().applied,
        state: &format!("{digest:016x}"),
        rows: &rows,
        view: &view,
    };
    assert!(
        found == GOLDEN,
        "the fold gives other numbers for the same log.\n\
         If that is meant, raise FOLD_VERSION in src/definition.rs and write here\n{found:#?}\n\
         instead of\n{GOLDEN:#?}\n\
         If it is not, views that stand would change silently: mend the fold."
    );
}

#[test]
fn the_history_meets_every_outcome_and_limit() {
    let mut state = fold(|_, _| {});
    let Tally {
        applied,
        duplicate,
        late,
        ..
    } = *state.tally();
    assert!(
        applied > 300 && duplicate > 20 && late >= 20,
        "{applied} {duplicate} {late}"
    );
    let mut letters = BTreeMap::new();
    for letter in state.take_letters() {
        *letters.entry(letter.rejection.reason).or_insert(0) += 1;
    }
    for reason in Reason::ALL {
        assert!(letters.contains_key(&reason), "{}", reason.as_str());
    }
    let (names, contributions) = state.limits_met();
    assert!(names > 0 && contributions > 0, "{names} {contributions}");
}

#[test]
fn change_sets_on_the_way_change_nothing() {
    let mut n: u64 = 0;
    let state = fold(|state, _| {
        n += 1;
        if n.is_multiple_of(7) {
            let change = state.take_change_set();
            assert_eq!(change.head.digest, state.digest());
        }
    });
    assert_eq!(format!("{:016x}", state.digest()), GOLDEN.state);
}
