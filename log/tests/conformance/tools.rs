//! What the suite's functions share: records made and kept, positions, and waiting with a cap.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use footfall_log::{
    Batch, Consumer, Delivery, Error, NewRecord, NoStart, Positions, Producer, Reader,
};

/// How long anything may take before a test gives up; no test asserts less.
pub const CAP: Duration = Duration::from_secs(180);

/// How long one poll waits.
pub const POLL: Duration = Duration::from_millis(200);

/// A record read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub partition: u32,
    pub offset: u64,
    pub appended_at: i64,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub headers: Vec<u8>,
}

/// A record with that key and value.
pub fn record(key: &str, value: &str) -> NewRecord {
    NewRecord {
        key: key.into(),
        value: value.into(),
        ..NewRecord::default()
    }
}

/// `count` records of `partition`, their values numbered from `first`.
pub fn numbered(partition: u32, first: u64, count: u64) -> Vec<NewRecord> {
    (first..first + count)
        .map(|number| NewRecord {
            partition: Some(partition),
            ..record("key", &number.to_string())
        })
        .collect()
}

/// Appends numbered records and returns the offset of the first.
pub fn append_numbered(producer: &dyn Producer, partition: u32, first: u64, count: u64) -> u64 {
    let appended = producer
        .append(numbered(partition, first, count))
        .expect("the append is acknowledged");
    appended[0].offset
}

pub fn keep(batch: &Batch) -> Vec<Kept> {
    batch
        .records()
        .map(|record| Kept {
            partition: batch.partition,
            offset: record.offset,
            appended_at: record.appended_at,
            key: record.key.to_vec(),
            value: record.value.to_vec(),
            headers: record.headers.0.to_vec(),
        })
        .collect()
}

/// Everything a partition holds.
pub fn read_all(reader: &mut dyn Reader, partition: u32) -> Vec<Kept> {
    let bounds = reader.bounds(partition).expect("bounds");
    read(reader, partition, bounds.start, bounds.end)
}

pub fn read(reader: &mut dyn Reader, partition: u32, from: u64, to: u64) -> Vec<Kept> {
    let mut kept = Vec::new();
    reader
        .read(partition, from, to, &mut |batch| {
            kept.extend(keep(batch));
            true
        })
        .expect("the range is read");
    kept
}

/// Positions by partition; a partition that is not named starts at 0.
#[derive(Default)]
pub struct Starts(pub BTreeMap<u32, Result<u64, NoStart>>);

impl Starts {
    pub fn at(partition: u32, start: Result<u64, NoStart>) -> Arc<Self> {
        Arc::new(Self(BTreeMap::from([(partition, start)])))
    }

    pub fn zero() -> Arc<Self> {
        Arc::default()
    }
}

impl Positions for Starts {
    fn start(&self, partition: u32) -> Result<u64, NoStart> {
        self.0.get(&partition).cloned().unwrap_or(Ok(0))
    }
}

/// What a consumer delivered until now.
#[derive(Default)]
pub struct Delivered {
    pub assigned: Vec<u32>,
    pub records: Vec<Kept>,
    pub halted: Vec<(u32, Error)>,
    pub delayed: Vec<(u32, String)>,
}

impl Delivered {
    /// Polls until `enough` says so; fails after [`CAP`].
    pub fn poll_until(&mut self, consumer: &mut dyn Consumer, enough: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !enough(self) {
            assert!(
                started.elapsed() < CAP,
                "not delivered in time; assigned {:?}, {} records, halted {:?}",
                self.assigned,
                self.records.len(),
                self.halted
            );
            self.poll(consumer, POLL);
        }
    }

    /// Polls once.
    pub fn poll(&mut self, consumer: &mut dyn Consumer, timeout: Duration) {
        for delivery in consumer.poll(timeout).expect("the log can be read") {
            match delivery {
                Delivery::Assigned(partitions) => self.assigned.extend(partitions),
                Delivery::Revoked(partitions) => {
                    self.assigned.retain(|held| !partitions.contains(held));
                }
                Delivery::Batch(batch) => {
                    assert!(
                        self.assigned.contains(&batch.partition),
                        "records of partition {} came while it was not assigned",
                        batch.partition
                    );
                    self.records.extend(keep(&batch));
                }
                Delivery::Halted { partition, error } => self.halted.push((partition, error)),
                Delivery::Delayed { partition, why } => self.delayed.push((partition, why)),
            }
        }
    }

    pub fn of(&self, partition: u32) -> Vec<&Kept> {
        self.records
            .iter()
            .filter(|kept| kept.partition == partition)
            .collect()
    }

    /// The values of a partition as numbers.
    pub fn numbers(&self, partition: u32) -> Vec<u64> {
        self.of(partition)
            .iter()
            .map(|kept| number(&kept.value))
            .collect()
    }
}

pub fn number(value: &[u8]) -> u64 {
    std::str::from_utf8(value)
        .expect("a number in text")
        .parse()
        .expect("a number")
}
