//! Random traffic for whole processors: what producers would append, record after record.

use log::NewRecord;
use pipeline::record::Headers;
use prost::Message;
use schemas::headers;
use schemas::partition::partition_of;
use schemas::v1::{Amount, Event, Kind};

use crate::random::Random;

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "",
];

/// Writes one record after the other.
pub struct Traffic {
    random: Random,
    partitions: u32,
    users: u64,
    written: u64,
    /// Of each partition's source.
    sequences: Vec<u64>,
    /// Of every hundred records, how many have a fault.
    pub faults: u64,
    /// Sound records, for copies.
    sent: Vec<NewRecord>,
}

impl Traffic {
    pub fn new(seed: u64, partitions: u32, users: u64) -> Self {
        Self {
            random: Random::new(seed),
            partitions,
            users,
            written: 0,
            sequences: vec![0; partitions as usize],
            faults: 5,
            sent: Vec::new(),
        }
    }

    /// The next records, of events around `now`, milliseconds since the epoch.
    pub fn take(&mut self, count: usize, now: i64) -> Vec<NewRecord> {
        (0..count).map(|_| self.next(now)).collect()
    }

    fn next(&mut self, now: i64) -> NewRecord {
        self.written += 1;
        if self.random.chance(8) && !self.sent.is_empty() {
            return self.random.pick(&self.sent);
        }
        let event = self.event(now);
        let key = event.user_id.clone().into_bytes();
        let mut record = NewRecord {
            partition: None,
            value: event.encode_to_vec(),
            headers: self.headers(&event),
            key,
        };
        if self.random.chance(self.faults) {
            self.spoil(&mut record);
        } else {
            self.sent.push(record.clone());
        }
        record
    }

    fn event(&mut self, now: i64) -> Event {
        let random = &mut self.random;
        let kind = random.pick(&[
            Kind::Visit,
            Kind::Visit,
            Kind::Click,
            Kind::Enter,
            Kind::Purchase,
            Kind::SignUp,
        ]);
        let most = random.pick(&[5 * MINUTE, 90 * MINUTE, 5 * DAY]);
        let occurred_at_ms = now - random.within(0, most);
        let signed_up = kind == Kind::SignUp && random.chance(50);
        Event {
            event_id: format!("id-{}", self.written),
            user_id: format!("user-{}", random.below(self.users)),
            kind: kind as i32,
            occurred_at_ms,
            campaign_id: random.pick(&["spring", "가을", ""]).to_owned(),
            activity_id: random.pick(&["coupon", "raffle", ""]).to_owned(),
            user_agent: random.pick(&AGENTS).to_owned(),
            client_hints: None,
            amount: (kind == Kind::Purchase).then(|| Amount {
                minor_units: random.within(0, 90_000),
                currency: random.pick(&["KRW", "USD"]).to_owned(),
            }),
            signed_up_at_ms: signed_up.then(|| occurred_at_ms - random.within(0, 3 * DAY)),
        }
    }

    /// Enter events come from the source of their partition, in order.
    fn headers(&mut self, event: &Event) -> Vec<u8> {
        let mut packed = Vec::new();
        if event.kind == Kind::Enter as i32 {
            let partition = partition_of(event.user_id.as_bytes(), self.partitions) as usize;
            self.sequences[partition] += 1;
            let sequence = self.sequences[partition].to_string();
            Headers::push(
                &mut packed,
                headers::SOURCE,
                format!("s{partition}").as_bytes(),
            );
            Headers::push(&mut packed, headers::SEQUENCE, sequence.as_bytes());
        }
        packed
    }

    fn spoil(&mut self, record: &mut NewRecord) {
        match self.random.below(4) {
            0 => record.value.push(0xff),
            1 => record.value.clear(),
            2 => record.key.push(b'!'),
            _ => Headers::push(&mut record.headers, headers::REPLAY_OF, b"nowhere"),
        }
    }
}
