//! What producers append: events with copies and faults, and the acts of people who want seats.

use log::NewRecord;
use pipeline::record::Headers;
use prost::Message;
use schemas::headers;
use schemas::partition::partition_of;
use schemas::v1::entry_record::Act;
use schemas::v1::{
    ActivityDefined, Amount, EntryCancelled, EntryRecord, EntryRequested, Event, Kind,
};

use crate::dice::Dice;

const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;
const USERS: u64 = 12;
/// What says which device somebody has.
pub const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "",
];
/// What seats are asked for.
pub const SEATS: [&str; 2] = ["bag", "hat"];

/// Writes one record after the other.
pub struct Traffic {
    dice: Dice,
    partitions: u32,
    written: u64,
    /// Of each partition's source.
    sequences: Vec<u64>,
    /// Sound records, for copies.
    sent: Vec<NewRecord>,
}

impl Traffic {
    /// For a topic with so many partitions.
    pub fn new(dice: Dice, partitions: u32) -> Self {
        Self {
            dice,
            partitions,
            written: 0,
            sequences: vec![0; partitions as usize],
            sent: Vec::new(),
        }
    }

    /// The next record, of an event around `now`, milliseconds since the epoch.
    pub fn event(&mut self, now: i64) -> NewRecord {
        self.written += 1;
        if !self.sent.is_empty() && self.dice.percent(10) {
            return self.sent[self.dice.index(self.sent.len())].clone();
        }
        let event = self.sound(now);
        let mut record = NewRecord {
            partition: None,
            key: event.user_id.clone().into_bytes(),
            value: event.encode_to_vec(),
            headers: self.headers(&event),
        };
        if self.dice.percent(8) {
            self.spoil(&mut record);
        } else {
            self.sent.push(record.clone());
        }
        record
    }

    fn sound(&self, now: i64) -> Event {
        let dice = &self.dice;
        let kind = dice.pick(&[
            Kind::Visit,
            Kind::Visit,
            Kind::Click,
            Kind::Enter,
            Kind::Purchase,
            Kind::SignUp,
        ]);
        let most = dice.pick(&[5 * MINUTE, 90 * MINUTE, 5 * DAY]);
        let occurred_at_ms = now - dice.below(most) as i64;
        let signed_up = kind == Kind::SignUp && dice.percent(50);
        Event {
            event_id: format!("id-{}", self.written),
            user_id: format!("user-{}", dice.below(USERS)),
            kind: kind.into(),
            occurred_at_ms,
            campaign_id: dice.pick(&["spring", "가을"]).to_owned(),
            activity_id: dice.pick(&["coupon", ""]).to_owned(),
            user_agent: dice.pick(&AGENTS).to_owned(),
            client_hints: None,
            amount: (kind == Kind::Purchase).then(|| Amount {
                minor_units: dice.below(90_000) as i64,
                currency: dice.pick(&["KRW", "USD"]).to_owned(),
            }),
            signed_up_at_ms: signed_up.then(|| occurred_at_ms - dice.below(3 * DAY) as i64),
        }
    }

    /// Enter events come from the source of their partition, in order.
    fn headers(&mut self, event: &Event) -> Vec<u8> {
        let mut packed = Vec::new();
        if event.kind() == Kind::Enter {
            let partition = partition_of(event.user_id.as_bytes(), self.partitions);
            let sequence = &mut self.sequences[partition as usize];
            *sequence += 1;
            let source = format!("generator-{partition}");
            Headers::push(&mut packed, headers::SOURCE, source.as_bytes());
            Headers::push(
                &mut packed,
                headers::SEQUENCE,
                sequence.to_string().as_bytes(),
            );
        }
        packed
    }

    fn spoil(&self, record: &mut NewRecord) {
        match self.dice.below(4) {
            0 => record.value.push(0xff),
            1 => record.value.clear(),
            2 => record.key.push(b'!'),
            _ => Headers::push(&mut record.headers, headers::REPLAY_OF, b"nowhere"),
        }
    }

    /// The next act about seats, appended around `now`.
    pub fn act(&self, now: i64) -> NewRecord {
        let activity = self.dice.pick(&SEATS);
        let user = format!("user-{}", self.dice.below(USERS));
        match self.dice.below(12) {
            0 => act(activity, Act::Defined(self.defined(activity, now))),
            1 | 2 => {
                let rank = 1 + self.dice.below(8);
                let cancelled = EntryCancelled {
                    activity_id: activity.to_owned(),
                    user_id: user,
                    rank,
                };
                act(activity, Act::Cancelled(cancelled))
            }
            _ => {
                let requested = EntryRequested {
                    activity_id: activity.to_owned(),
                    user_id: user,
                    request_id: format!("r{}", self.dice.below(3)),
                    user_agent: self.dice.pick(&AGENTS).to_owned(),
                    ..EntryRequested::default()
                };
                act(activity, Act::Requested(requested))
            }
        }
    }

    /// An activity that is open.
    pub fn defined(&self, activity: &str, now: i64) -> ActivityDefined {
        ActivityDefined {
            activity_id: activity.to_owned(),
            campaign_id: "spring".to_owned(),
            capacity: self.dice.below(7),
            opens_at_ms: now - 1,
            ..ActivityDefined::default()
        }
    }
}

/// The record of an act.
pub fn act(activity: &str, act: Act) -> NewRecord {
    NewRecord {
        key: activity.into(),
        value: EntryRecord { act: Some(act) }.encode_to_vec(),
        ..NewRecord::default()
    }
}
