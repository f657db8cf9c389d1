//! Records of entries, and random histories of them.

use pipeline::admission::{Admission, Outcome};
use pipeline::record::{Headers, Record};
use proptest::prelude::*;
use prost::Message;
use schemas::v1::entry_record::Act;
use schemas::v1::{ActivityDefined, EntryCancelled, EntryRecord, EntryRequested};

/// When activities of random histories open at the earliest: 2026-11-22T09:20:00Z.
pub const START: i64 = 1_795_339_200_000;

/// A record as a log keeps it.
#[derive(Debug, Clone)]
pub struct Sent {
    pub offset: u64,
    pub appended_at: i64,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    /// What the value says.
    pub act: Option<Act>,
}

impl Sent {
    pub fn new(offset: u64, appended_at: i64, act: Act) -> Self {
        let message = EntryRecord { act: Some(act) };
        Self {
            offset,
            appended_at,
            key: activity_of(message.act.as_ref().unwrap())
                .as_bytes()
                .to_vec(),
            value: message.encode_to_vec(),
            act: message.act,
        }
    }

    pub fn record(&self) -> Record<'_> {
        Record {
            offset: self.offset,
            appended_at: self.appended_at,
            key: &self.key,
            value: &self.value,
            headers: Headers(&[]),
        }
    }
}

fn activity_of(act: &Act) -> &str {
    match act {
        Act::Defined(act) => &act.activity_id,
        Act::Requested(act) => &act.activity_id,
        Act::Cancelled(act) => &act.activity_id,
    }
}

pub fn defined(activity: &str, capacity: u64, opens_at_ms: i64, closes: Option<i64>) -> Act {
    Act::Defined(ActivityDefined {
        activity_id: activity.to_owned(),
        campaign_id: "spring".to_owned(),
        name: "Draw".to_owned(),
        capacity,
        opens_at_ms,
        closes_at_ms: closes,
    })
}

pub fn requested(activity: &str, user: &str, request: &str) -> Act {
    Act::Requested(EntryRequested {
        activity_id: activity.to_owned(),
        user_id: user.to_owned(),
        request_id: request.to_owned(),
        ..EntryRequested::default()
    })
}

pub fn cancelled(activity: &str, user: &str, rank: u64) -> Act {
    Act::Cancelled(EntryCancelled {
        activity_id: activity.to_owned(),
        user_id: user.to_owned(),
        rank,
    })
}

/// The fold of a log of the only partition, and what became of each record.
pub fn fold(log: &[Sent]) -> (Admission, Vec<Outcome>) {
    let mut fold = Admission::new(0, 1);
    let outcomes = log.iter().map(|sent| fold.fold(&sent.record())).collect();
    (fold, outcomes)
}

/// A log of acts, each with the milliseconds by which the log's clock goes on before it.
pub fn written(steps: &[(i64, Option<Act>)]) -> Vec<Sent> {
    let mut clock = START;
    let mut log = Vec::new();
    for (tick, act) in steps {
        clock += tick;
        let offset = log.len() as u64;
        log.push(match act {
            Some(act) => Sent::new(offset, clock, act.clone()),
            None => Sent {
                offset,
                appended_at: clock,
                key: b"a".to_vec(),
                value: b"\xff".to_vec(),
                act: None,
            },
        });
    }
    log
}

/// Random histories: few activities, users and requests, so that they meet; "c" is hardly ever defined.
pub fn histories() -> impl Strategy<Value = Vec<Sent>> {
    let activity = || prop::sample::select(vec!["a", "a", "a", "b", "c"]);
    let user = || prop::sample::select(vec!["u1", "u2", "u3", "u4", "u5"]);
    let request = prop::sample::select(vec!["r1", "r2", "r3", "r4"]);
    let definition = (
        prop::sample::select(vec!["a", "a", "b"]),
        0..4u64,
        -100..200i64,
        prop::option::weighted(0.3, 1..400i64),
    )
        .prop_map(|(activity, capacity, opens, open_for)| {
            let opens = START + opens;
            defined(activity, capacity, opens, open_for.map(|for_| opens + for_))
        });
    let act = prop_oneof![
        3 => definition.prop_map(Some),
        20 => (activity(), user(), request)
            .prop_map(|(activity, user, request)| Some(requested(activity, user, request))),
        8 => (activity(), user(), 0..6u64)
            .prop_map(|(activity, user, rank)| Some(cancelled(activity, user, rank))),
        1 => Just(None),
    ];
    let tick = prop_oneof![3 => Just(0i64), 3 => 0..20i64, 1 => -10..0i64];
    let first = (
        Just(0),
        (1..4u64).prop_map(|n| Some(defined("a", n, START + 5, None))),
    );
    (first, prop::collection::vec((tick, act), 0..80)).prop_map(|(first, rest)| {
        let steps: Vec<_> = std::iter::once(first).chain(rest).collect();
        written(&steps)
    })
}
