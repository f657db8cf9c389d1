//! Writes the records of a random history, one after the other.

use pipeline::definition::{Definition, NOT_BEFORE_MS};
use pipeline::record::Headers;
use prost::Message;
use schemas::headers;
use schemas::partition::partition_of;
use schemas::v1::{Amount, ClientHints, Event, Kind};

use crate::faults;
use crate::history::Sent;
use crate::random::Random;

/// Instants near which periods end, wherever.
const EDGES: [&str; 5] = [
    "2005-01-01T00:00:00Z",
    "2008-12-31T15:00:00Z", // in a week of 2009
    "2024-02-29T12:00:00Z",
    "2026-12-31T15:00:00Z",
    "2027-01-03T15:00:00Z", // the end of week 53
];

const USER_AGENTS: [&str; 9] = [
    "",
    "curl/8.5.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 KAKAOTALK",
    "Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
];

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// What the next record depends on.
pub struct Writer {
    pub random: Random,
    users: Vec<String>,
    /// Milliseconds around which events occur.
    middle: i64,
    /// Milliseconds by which they stray.
    spread: i64,
    /// The append time of the last record.
    pub clock: i64,
    /// The longest step of the clock. Milliseconds.
    pace: i64,
    offset: u64,
    sequences: [u64; 2],
    /// Percent of the records with a fault.
    faults: u64,
}

impl Writer {
    pub fn new(
        mut random: Random,
        definition: &Definition,
        partition: u32,
        changes: &[&str],
    ) -> Self {
        let at_home =
            |user: &String| partition_of(user.as_bytes(), definition.partitions) == partition;
        let users = 1 + random.below(5) as usize;
        let middle = match random.below(4) {
            0 => random.within(NOT_BEFORE_MS, 4_000_000_000_000),
            1 => instant(random.pick(&EDGES)),
            _ if changes.is_empty() => instant(random.pick(&EDGES)),
            _ => instant(random.pick(changes)),
        };
        let spread = random.pick(&[HOUR, 6 * HOUR, 2 * DAY, 20 * DAY]);
        Self {
            users: (0..)
                .map(|n| format!("사람-{n}"))
                .filter(at_home)
                .take(users)
                .collect(),
            middle,
            spread,
            clock: middle + random.pick(&[0, spread / 2, spread, 400 * DAY]),
            pace: random.pick(&[100, MINUTE, 30 * MINUTE, 3 * HOUR]),
            offset: random.below(3),
            sequences: [0, 0],
            faults: random.pick(&[0, 5, 30]),
            random,
        }
    }

    pub fn write(&mut self) -> Sent {
        let random = &mut self.random;
        self.offset += 1 + random.below(12) / 11;
        self.clock += random.within(0, self.pace);
        // Append times go back now and then; log time must not.
        let appended_at = self.clock
            - if random.chance(5) {
                random.within(0, 2 * HOUR)
            } else {
                0
            };
        let event = self.event();
        let mut sent = Sent {
            offset: self.offset,
            appended_at,
            key: event.user_id.clone().into_bytes(),
            value: Vec::new(),
            headers: self.headers(&event),
        };
        sent.value = if self.random.chance(self.faults) {
            faults::put(self, event, &mut sent)
        } else {
            event.encode_to_vec()
        };
        sent
    }

    fn event(&mut self) -> Event {
        let random = &mut self.random;
        let kind = random.pick(&[
            Kind::Visit,
            Kind::Visit,
            Kind::Click,
            Kind::Enter,
            Kind::Purchase,
            Kind::SignUp,
        ]);
        let mut occurred_at_ms = self.middle + random.within(-self.spread, self.spread);
        if random.chance(20) {
            // Full minutes and hours: the edges of periods.
            occurred_at_ms -= occurred_at_ms.rem_euclid(random.pick(&[MINUTE, HOUR]));
        }
        let occurred_at_ms = occurred_at_ms.max(NOT_BEFORE_MS);
        let signed_up = kind == Kind::SignUp && random.chance(60);
        let paid = kind == Kind::Purchase && random.chance(70);
        let id = if random.chance(40) { 8 } else { 1 << 40 };
        Event {
            event_id: format!("id-{}", random.below(id)),
            user_id: random.pick(&self.users),
            kind: kind as i32,
            occurred_at_ms,
            campaign_id: random.pick(&["", "(none)", "spring", "가을"]).to_owned(),
            activity_id: random.pick(&["", "(none)", "coupon", "raffle"]).to_owned(),
            user_agent: random.pick(&USER_AGENTS).to_owned(),
            client_hints: random.chance(30).then(|| hints(random)),
            amount: paid.then(|| Amount {
                minor_units: random.pick(&[0, 1, 990, 12_000, 1_000_000_000_000]),
                currency: random.pick(&["KRW", "USD", "AAA", "ZZZ"]).to_owned(),
            }),
            signed_up_at_ms: signed_up.then(|| {
                let before = random.pick(&[0, MINUTE, DAY, 40 * DAY]);
                (occurred_at_ms - random.within(0, before)).max(NOT_BEFORE_MS)
            }),
        }
    }

    /// Enter events have a source, a few others too; some are replays.
    fn headers(&mut self, event: &Event) -> Vec<u8> {
        let random = &mut self.random;
        let mut packed = Vec::new();
        let enters = event.kind == Kind::Enter as i32;
        if random.chance(if enters { 97 } else { 10 }) {
            let source = random.below(2) as usize;
            let repeats = random.chance(20);
            if !repeats {
                self.sequences[source] += 1 + random.below(3);
            }
            let back = if repeats { random.below(4) } else { 0 };
            let sequence = self.sequences[source].saturating_sub(back).to_string();
            Headers::push(
                &mut packed,
                headers::SOURCE,
                format!("source-{source}").as_bytes(),
            );
            Headers::push(&mut packed, headers::SEQUENCE, sequence.as_bytes());
        }
        if random.chance(10) {
            let of = format!("{}/{}", random.below(2), random.below(6));
            Headers::push(&mut packed, headers::REPLAY_OF, of.as_bytes());
        }
        if random.chance(5) {
            Headers::push(&mut packed, "traceparent", &[0xff, 0]);
        }
        packed
    }
}

/// Milliseconds since the epoch of an instant such as `2026-03-08T07:00:00Z`.
pub fn instant(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn hints(random: &mut Random) -> ClientHints {
    ClientHints {
        mobile: random.pick(&[None, Some(false), Some(true)]),
        platform: random
            .pick(&["", "Android", "macOS", "\"Windows\"", "Fuchsia"])
            .to_owned(),
        model: random
            .pick(&["", "SM-S921N", "iPad", "\"Pixel 8\""])
            .to_owned(),
    }
}
