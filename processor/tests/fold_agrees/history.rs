//! Random histories: few users, campaigns and days, so that everything meets everything.

use std::fmt;

use pipeline::definition::{Definition, Limits};
use pipeline::record::{Headers, Record};
use prost::Message;
use schemas::v1::{Event, Kind};

use crate::random::Random;
use crate::writer::{DAY, HOUR, MINUTE, Writer};

/// The most records of a history; most are short, so that a failure shrinks fast.
const MOST_RECORDS: [u64; 4] = [20, 200, 200, 1_000];

/// Zones with whole, half and quarter hours, and instants near which their clocks change.
const ZONES: [(&str, &[&str]); 13] = [
    ("Asia/Seoul", &[]),
    ("UTC", &[]),
    ("Asia/Kolkata", &[]),
    ("Asia/Kathmandu", &[]),
    ("Pacific/Kiritimati", &[]),
    // Forward and back by an hour in the night.
    (
        "America/New_York",
        &["2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"],
    ),
    // A day without midnight, and one with its last hour twice.
    (
        "America/Sao_Paulo",
        &["2018-11-04T03:00:00Z", "2019-02-17T02:00:00Z"],
    ),
    (
        "Africa/Cairo",
        &["2023-04-27T22:00:00Z", "2023-10-26T21:00:00Z"],
    ),
    // Twice a year for Ramadan.
    (
        "Africa/Casablanca",
        &["2026-02-15T02:00:00Z", "2026-03-22T02:00:00Z"],
    ),
    // Back and forward by half an hour.
    (
        "Australia/Lord_Howe",
        &["2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"],
    ),
    // Back by an hour at a minute past midnight: the day before comes again.
    (
        "America/St_Johns",
        &["2010-11-07T02:31:00Z", "2010-03-14T03:31:00Z"],
    ),
    // Back by half an hour at midnight, for three years.
    (
        "Asia/Pyongyang",
        &["2015-08-14T15:00:00Z", "2018-05-04T15:00:00Z"],
    ),
    // Leaves out 30 December.
    ("Pacific/Apia", &["2011-12-30T10:00:00Z"]),
];

/// A record as it stands in the log.
#[derive(Clone)]
pub struct Sent {
    pub offset: u64,
    pub appended_at: i64,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub headers: Vec<u8>,
}

impl Sent {
    /// A visit by one user, appended a month later.
    pub fn visit(offset: u64, instant: &str) -> Self {
        let occurred_at_ms = crate::writer::instant(instant);
        let event = Event {
            event_id: offset.to_string(),
            user_id: "u".to_owned(),
            kind: Kind::Visit as i32,
            occurred_at_ms,
            ..Event::default()
        };
        Self {
            offset,
            appended_at: occurred_at_ms + 30 * DAY,
            key: b"u".to_vec(),
            value: event.encode_to_vec(),
            headers: Vec::new(),
        }
    }

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

/// A definition and the records of one of its partitions.
#[derive(Clone)]
pub struct History {
    pub definition: Definition,
    pub partition: u32,
    pub records: Vec<Sent>,
}

impl History {
    pub fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (zone, changes) = random.pick(&ZONES);
        let definition = Definition {
            time_zone: zone.to_owned(),
            partitions: random.pick(&[1, 2, 12]),
            hash_key: format!("{:016x}{:016x}", random.next(), random.next()),
            dedup_slot_ms: random.pick(&[1_000, 10 * MINUTE, HOUR]),
            lateness_ms: random.pick(&[None, None, None, None, Some(HOUR), Some(3 * DAY)]),
            hot_days: random.pick(&[None, Some(1), Some(35)]),
            limits: Limits {
                names: random.pick(&[100_000, 100_000, 100_000, 5]),
                contributions: random.pick(&[256, 256, 8, 2]),
            },
        };
        let partition = random.below(u64::from(definition.partitions)) as u32;
        let mut writer = Writer::new(random, &definition, partition, changes);
        let most = writer.random.pick(&MOST_RECORDS);
        let records = writer.random.below(most);
        Self {
            records: (0..records).map(|_| writer.write()).collect(),
            definition,
            partition,
        }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "partition {} of {:?}", self.partition, self.definition)?;
        for sent in &self.records {
            let appended = jiff::Timestamp::from_millisecond(sent.appended_at).unwrap();
            write!(
                f,
                "offset {} appended {appended} key {:?}",
                sent.offset,
                String::from_utf8_lossy(&sent.key)
            )?;
            for (name, value) in Headers(&sent.headers).iter() {
                let [name, value] = [name, value].map(String::from_utf8_lossy);
                write!(f, " [{name}: {value:?}]")?;
            }
            match Event::decode(&*sent.value) {
                Ok(event) => {
                    let occurred = jiff::Timestamp::from_millisecond(event.occurred_at_ms)
                        .map_or_else(|_| "outside the calendar".to_owned(), |at| at.to_string());
                    writeln!(
                        f,
                        " {} bytes: occurred {occurred} {event:?}",
                        sent.value.len()
                    )?;
                }
                Err(error) => writeln!(f, " {} bytes: {error}", sent.value.len())?,
            }
        }
        Ok(())
    }
}
