//! Random histories of one partition: few users, places and days, so that everything meets everything.

use std::fmt;
use std::sync::Arc;

use pipeline::aggregate::Reader;
use pipeline::cell::Kind;
use pipeline::definition::{Definition, Limits};
use pipeline::record::{Headers, Record};
use pipeline::rejection::Reason;
use pipeline::row::{Facet, NamedCells, add_row};
use pipeline::state::State;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use prost::Message;
use schemas::headers;
use schemas::partition::partition_of;
use schemas::v1;

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub const PARTITIONS: u32 = 3;
pub const PARTITION: u32 = 1;

/// Zones, each with an instant near which something happens to its clocks or calendar.
pub const ZONES: [(&str, &str); 6] = [
    ("Asia/Seoul", "2026-12-31T15:00:00Z"), // a year begins in the middle of a week
    ("America/New_York", "2026-11-01T06:00:00Z"), // back by an hour, at a month's beginning
    ("America/New_York", "2026-03-08T07:00:00Z"), // forward by an hour
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"), // back by half an hour
    ("Asia/Kathmandu", "2026-08-30T18:15:00Z"), // midnight on a Monday at +5:45
    ("America/St_Johns", "2010-11-07T02:31:00Z"), // back by an hour at a minute past midnight
];

const AGENTS: [&str; 6] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "",
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 KAKAOTALK",
];
const CAMPAIGNS: [&str; 3] = ["spring", "", "가을"];
const ACTIVITIES: [&str; 3] = ["coupon", "", "raffle"];
const CURRENCIES: [&str; 2] = ["KRW", "USD"];
const SOURCES: usize = 2;

/// A definition in small, and when its history takes place.
#[derive(Debug, Clone)]
pub struct Setup {
    pub zone: usize,
    pub lateness_hours: Option<i64>,
    pub hot_days: Option<u32>,
    pub names: u32,
    pub contributions: u32,
    /// Hours by which the log's clock starts after the middle of the events.
    pub ahead_hours: i64,
}

/// Any set-up; events beyond the limits and late ones may occur.
pub fn any_setup() -> impl Strategy<Value = Setup> {
    (
        0..ZONES.len(),
        weighted(0.2, select(vec![2, 60])),
        select(vec![None, Some(1), Some(3), Some(35)]),
        select(vec![1_000, 1_000, 4]),
        select(vec![256, 256, 2]),
        select(vec![120, 0, 40, 2_000]),
    )
        .prop_map(
            |(zone, lateness_hours, hot_days, names, contributions, ahead_hours)| Setup {
                zone,
                lateness_hours,
                hot_days,
                names,
                contributions,
                ahead_hours,
            },
        )
}

/// A set-up in which no limit is met, nothing is late, and nothing lies in the future.
pub fn roomy_setup() -> impl Strategy<Value = Setup> {
    any_setup().prop_map(|setup| Setup {
        lateness_hours: None,
        names: 1_000,
        contributions: 256,
        ahead_hours: 2_000,
        ..setup
    })
}

impl Setup {
    /// Whether every hour lies in one day.
    pub fn has_whole_hours(&self) -> bool {
        ZONES[self.zone].0 != "America/St_Johns"
    }

    /// Milliseconds around which events occur.
    pub fn middle(&self) -> i64 {
        let instant: jiff::Timestamp = ZONES[self.zone].1.parse().unwrap();
        instant.as_millisecond()
    }

    pub fn definition(&self) -> Arc<Definition> {
        Arc::new(Definition {
            time_zone: ZONES[self.zone].0.to_owned(),
            partitions: PARTITIONS,
            hash_key: "000102030405060708090a0b0c0d0e0f".to_owned(),
            dedup_slot_ms: HOUR,
            lateness_ms: self.lateness_hours.map(|hours| hours * HOUR),
            hot_days: self.hot_days,
            limits: Limits {
                names: self.names,
                contributions: self.contributions,
            },
        })
    }

    /// The state before the first record.
    pub fn empty(&self) -> State {
        State::new(self.definition(), PARTITION).unwrap()
    }

    /// The state after `log`, told to no reader but `reader`.
    pub fn fold(&self, log: &[Sent], reader: Reader) -> State {
        let mut state = State::with_readers(self.definition(), PARTITION, &[reader]).unwrap();
        for sent in log {
            state.apply(sent.record());
        }
        state
    }
}

/// How the log's clock goes on before a record.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    Still,
    Tick(i64),
    Back(i64),
}

/// Where a record says it comes from.
#[derive(Debug, Clone, Copy)]
pub enum From {
    Nowhere,
    /// A source, and by how much its sequence goes on; 0 repeats it.
    Source(usize, u64),
    /// A dead letter that first stood at this offset.
    Replay(u64),
}

/// One record to be.
#[derive(Debug, Clone)]
pub struct Step {
    pub user: usize,
    pub kind: Kind,
    pub agent: usize,
    pub place: (usize, usize),
    /// Minutes from the middle to the event.
    pub minutes: i64,
    /// Seconds within the minute.
    pub second: i64,
    /// An id that other records may have; `None` gives one of its own.
    pub id: Option<u8>,
    /// Minor units and currency, of a purchase.
    pub paid: Option<(i64, usize)>,
    /// Minutes from the account's making to the event, of a sign-up.
    pub signed_up_before: Option<i64>,
    pub from: From,
    pub clock: Clock,
    /// What is wrong with it; never late.
    pub fault: Option<Reason>,
    /// Offsets left out before it.
    pub gap: u64,
}

/// What a history may hold besides sound events with ids of their own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flavour {
    pub copies: bool,
    pub origins: bool,
    pub faults: bool,
    pub clock: bool,
}

impl Flavour {
    pub const ALL: Self = Self {
        copies: true,
        origins: true,
        faults: true,
        clock: true,
    };
}

pub fn steps(flavour: Flavour, most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(flavour), 0..most)
}

pub fn step(flavour: Flavour) -> impl Strategy<Value = Step> {
    let what = (
        0..3usize,
        select(Kind::ALL.to_vec()),
        0..AGENTS.len(),
        (0..CAMPAIGNS.len(), 0..ACTIVITIES.len()),
    );
    let minutes = prop_oneof![
        4 => -90..90i64,
        3 => -2_880..2_880i64,
        1 => -60_000..60_000i64,
    ];
    let when = (minutes, select(vec![0, 0, 59]), 0..60i64);
    let more = (
        sometimes(flavour.copies, 0.4, 0..6u8),
        weighted(0.7, (select(vec![0, 1, 990, 12_000]), 0..CURRENCIES.len())),
        weighted(0.7, select(vec![0, 1, 700, 3_000, 50_000])),
    );
    let log = (
        sometimes(flavour.origins, 0.3, from()),
        sometimes(flavour.clock, 0.5, clock()),
        sometimes(flavour.faults, 0.2, fault()),
        select(vec![0, 0, 0, 1, 5]),
    );
    (what, when, more, log).prop_map(|(what, (minutes, edge, second), more, log)| Step {
        user: what.0,
        kind: what.1,
        agent: what.2,
        place: what.3,
        minutes,
        second: edge.max(second),
        id: more.0,
        paid: more.1,
        signed_up_before: more.2,
        from: log.0.unwrap_or(From::Nowhere),
        clock: log.1.unwrap_or(Clock::Still),
        fault: log.2,
        gap: log.3,
    })
}

/// A value now and then, or never.
fn sometimes<S>(wanted: bool, share: f64, strategy: S) -> BoxedStrategy<Option<S::Value>>
where
    S: Strategy + 'static,
{
    match wanted {
        true => weighted(share, strategy).boxed(),
        false => strategy.prop_map(|_| None).boxed(),
    }
}

fn from() -> impl Strategy<Value = From> {
    prop_oneof![
        (0..SOURCES, 0..3u64).prop_map(|(source, on)| From::Source(source, on)),
        (0..4u64).prop_map(From::Replay),
    ]
}

fn clock() -> impl Strategy<Value = Clock> {
    prop_oneof![
        5 => (0..90 * MINUTE).prop_map(Clock::Tick),
        2 => (0..50 * HOUR).prop_map(Clock::Tick),
        1 => (0..10 * DAY).prop_map(Clock::Tick),
        2 => (0..3 * HOUR).prop_map(Clock::Back),
    ]
}

fn fault() -> impl Strategy<Value = Reason> {
    let reasons = Reason::ALL.into_iter().filter(|r| *r != Reason::Late);
    select(reasons.collect::<Vec<_>>())
}

/// A record as it stands in the log.
#[derive(Clone, PartialEq)]
pub struct Sent {
    pub offset: u64,
    pub appended_at: i64,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub headers: Vec<u8>,
}

impl Sent {
    pub fn record(&self) -> Record<'_> {
        Record {
            offset: self.offset,
            appended_at: self.appended_at,
            key: &self.key,
            value: &self.value,
            headers: Headers(&self.headers),
        }
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {} at {}", self.offset, self.appended_at)
    }
}

/// Users of the partition, or of others.
pub fn user(number: usize, at_home: bool) -> String {
    (0..)
        .map(|n| format!("사람-{n}"))
        .filter(|user| (partition_of(user.as_bytes(), PARTITIONS) == PARTITION) == at_home)
        .nth(number)
        .unwrap()
}

/// The log of these steps.
pub fn write(setup: &Setup, steps: &[Step]) -> Vec<Sent> {
    let mut clock = setup.middle() + setup.ahead_hours * HOUR;
    let mut sequences = [0; SOURCES];
    let mut next_offset = 0;
    let mut log = Vec::with_capacity(steps.len());
    for (number, step) in steps.iter().enumerate() {
        let appended_at = match step.clock {
            Clock::Still => clock,
            Clock::Tick(ms) => {
                clock += ms;
                clock
            }
            Clock::Back(ms) => clock - ms,
        };
        let offset = next_offset + step.gap;
        next_offset = offset + 1;
        let event = event(setup, step, number);
        let mut sent = Sent {
            offset,
            appended_at,
            key: event.user_id.clone().into_bytes(),
            value: Vec::new(),
            headers: origin(step, number, &mut sequences),
        };
        spoil(event, step.fault, clock, &mut sent);
        log.push(sent);
    }
    log
}

fn event(setup: &Setup, step: &Step, number: usize) -> v1::Event {
    let occurred_at_ms = setup.middle() + step.minutes * MINUTE + step.second * 1000;
    let paid = step.paid.filter(|_| step.kind == Kind::Purchase);
    let signed_up = step.signed_up_before.filter(|_| step.kind == Kind::SignUp);
    v1::Event {
        event_id: match step.id {
            Some(id) => format!("shared-{id}"),
            None => format!("own-{number}"),
        },
        user_id: user(step.user, true),
        kind: step.kind.to_wire() as i32,
        occurred_at_ms,
        campaign_id: CAMPAIGNS[step.place.0].to_owned(),
        activity_id: ACTIVITIES[step.place.1].to_owned(),
        user_agent: AGENTS[step.agent].to_owned(),
        client_hints: None,
        amount: paid.map(|(minor_units, currency)| v1::Amount {
            minor_units,
            currency: CURRENCIES[currency].to_owned(),
        }),
        signed_up_at_ms: signed_up.map(|before| occurred_at_ms - before * MINUTE),
    }
}

/// The headers: what the step says, and for an enter event without it a source of its own.
fn origin(step: &Step, number: usize, sequences: &mut [u64; SOURCES]) -> Vec<u8> {
    let mut packed = Vec::new();
    let (source, sequence) = match step.from {
        From::Source(source, on) => {
            sequences[source] += on;
            (format!("source-{source}"), sequences[source])
        }
        _ if step.kind == Kind::Enter => (format!("of-{number}"), 1),
        _ => (String::new(), 0),
    };
    if !source.is_empty() {
        Headers::push(&mut packed, headers::SOURCE, source.as_bytes());
        Headers::push(
            &mut packed,
            headers::SEQUENCE,
            sequence.to_string().as_bytes(),
        );
    }
    if let From::Replay(offset) = step.from {
        let of = format!("{PARTITION}/{offset}");
        Headers::push(&mut packed, headers::REPLAY_OF, of.as_bytes());
    }
    packed
}

/// Encodes the event, with this fault alone.
fn spoil(mut event: v1::Event, fault: Option<Reason>, clock: i64, sent: &mut Sent) {
    match fault {
        None | Some(Reason::Late | Reason::BadBytes | Reason::TooLarge | Reason::BadHeader) => {}
        Some(Reason::BadId) => event.event_id = "tab\there".to_owned(),
        Some(Reason::BadUserAgent) => event.user_agent = "x".repeat(2_049),
        Some(Reason::BadTime) => event.occurred_at_ms = 0,
        Some(Reason::TooOld) => event.occurred_at_ms = 1,
        Some(Reason::Future) if event.kind == Kind::Enter as i32 => {
            event.occurred_at_ms = i64::MAX;
        }
        Some(Reason::Future) => {
            event.occurred_at_ms = clock + 5 * MINUTE + 1;
            event.signed_up_at_ms = None;
        }
        Some(Reason::UnknownKind) => event.kind = 99,
        Some(Reason::BadAmount) => {
            event.amount = Some(v1::Amount {
                minor_units: -1,
                currency: "KRW".to_owned(),
            });
        }
        Some(Reason::Misrouted) => {
            event.user_id = user(0, false);
            sent.key = event.user_id.clone().into_bytes();
        }
    }
    sent.value = event.encode_to_vec();
    match fault {
        Some(Reason::BadBytes) => sent.value.push(0xff),
        Some(Reason::TooLarge) => sent.value.resize(16 * 1024 + 1, 0),
        Some(Reason::BadHeader) => Headers::push(&mut sent.headers, headers::REPLAY_OF, b"1"),
        _ => {}
    }
}

/// The cells of a state by name, zeroes left out, minutes too unless wanted.
pub fn cells(state: &State, minutes: bool) -> NamedCells {
    let mut cells = NamedCells::new();
    for frozen in state.all_rows() {
        if minutes || frozen.key.facet != Facet::Minutes {
            add_row(&mut cells, &frozen.key, &frozen.row.unwrap());
        }
    }
    cells.retain(|_, value| *value != 0);
    cells
}
