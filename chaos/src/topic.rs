//! A topic in memory, as a broker holds it; producers that fail, and readers that don't.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::{
    Appended, Batch, BatchBuilder, Bounds, Consumer, Delivery, Error, NewRecord, Positions,
    Producer, Reader,
};
use mutants::Mutant;
use pipeline::record::{Headers, Record};
use schemas::partition::partition_of;

use crate::dice::Dice;

struct Kept {
    appended_at: i64,
    record: NewRecord,
}

/// The records of each partition. Cheap to clone.
#[derive(Clone)]
pub struct Topic {
    partitions: Arc<Vec<Mutex<Vec<Kept>>>>,
    clock: Arc<AtomicI64>,
}

impl Topic {
    /// Without records; `clock` says when one was appended.
    pub fn new(partitions: u32, clock: Arc<AtomicI64>) -> Self {
        let partitions = (0..partitions).map(|_| Mutex::default()).collect();
        Self {
            partitions: Arc::new(partitions),
            clock,
        }
    }

    /// Appends a record where its key, or its maker, wants it.
    pub fn append(&self, record: NewRecord) -> Appended {
        let count = self.partitions.len() as u32;
        let by_key = || match mutants::is(Mutant::WrongPartitioner) {
            true => record.key.iter().map(|byte| u32::from(*byte)).sum::<u32>() % count,
            false => partition_of(&record.key, count),
        };
        let partition = record.partition.unwrap_or_else(by_key);
        let appended_at = self.clock.load(Ordering::Relaxed);
        let mut records = self.partitions[partition as usize].lock().unwrap();
        records.push(Kept {
            appended_at,
            record,
        });
        let offset = records.len() as u64 - 1;
        Appended { partition, offset }
    }

    /// One past the last record.
    pub fn end(&self, partition: u32) -> u64 {
        self.partitions[partition as usize].lock().unwrap().len() as u64
    }

    /// Hands over the records of a range, in order.
    pub fn each(&self, partition: u32, from: u64, to: u64, mut visit: impl FnMut(Record<'_>)) {
        let records = self.partitions[partition as usize].lock().unwrap();
        let range = from as usize..to as usize;
        for (offset, kept) in (from..).zip(&records[range]) {
            visit(Record {
                offset,
                appended_at: kept.appended_at,
                key: &kept.record.key,
                value: &kept.record.value,
                headers: Headers(&kept.record.headers),
            });
        }
    }

    /// The records of a range as one batch.
    pub fn batch(&self, partition: u32, from: u64, to: u64) -> Batch {
        let mut batch = BatchBuilder::new(partition);
        self.each(partition, from, to, |record| {
            let headers = |into: &mut Vec<u8>| into.extend_from_slice(record.headers.0);
            batch.push(
                record.offset,
                record.appended_at,
                record.key,
                record.value,
                headers,
            );
        });
        batch.build()
    }

    /// How many partitions.
    pub fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }
}

impl Reader for Topic {
    fn partitions(&mut self) -> Result<u32, Error> {
        Ok(Topic::partitions(self))
    }

    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        let end = self.end(partition);
        Ok(Bounds { start: 0, end })
    }

    fn read(
        &mut self,
        partition: u32,
        from: u64,
        to: u64,
        visit: &mut dyn FnMut(&Batch) -> bool,
    ) -> Result<(), Error> {
        Bounds {
            start: 0,
            end: self.end(partition),
        }
        .check(partition, to)?;
        if from < to {
            visit(&self.batch(partition, from, to));
        }
        Ok(())
    }
}

/// A producer whose calls fail by the dice, as one of Kafka's without gaps may: what is appended of a partition is the
/// beginning of what was sent to it.
pub struct Failing {
    topic: Topic,
    dice: Dice,
    /// Times in a hundred that a call fails.
    pub fails: Arc<AtomicI64>,
}

impl Failing {
    /// To that topic.
    pub fn new(topic: Topic, dice: Dice, fails: Arc<AtomicI64>) -> Self {
        Self { topic, dice, fails }
    }
}

impl Producer for Failing {
    fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, Error> {
        let fails = self.dice.percent(self.fails.load(Ordering::Relaxed) as u64);
        let whole = !fails || self.dice.percent(30);
        let mut most: Vec<u64> = (0..self.topic.partitions())
            .map(|_| if whole { u64::MAX } else { self.dice.below(4) })
            .collect();
        let mut appended = Vec::new();
        for record in records {
            let by_key = partition_of(&record.key, self.topic.partitions());
            let most = &mut most[record.partition.unwrap_or(by_key) as usize];
            if *most > 0 {
                *most -= 1;
                appended.push(self.topic.append(record));
            }
        }
        match fails {
            false => Ok(appended),
            true => Err(Error::Transient("not acknowledged".to_owned())),
        }
    }
}

/// A member that has every partition, and gets at most so many records a poll.
pub struct Follower {
    topic: Topic,
    positions: Arc<dyn Positions>,
    next: Option<Vec<u64>>,
    paused: Vec<bool>,
    most: u64,
}

impl Follower {
    /// Begins where `positions` says.
    pub fn new(topic: Topic, positions: Arc<dyn Positions>, most: u64) -> Self {
        Self {
            paused: vec![false; topic.partitions() as usize],
            topic,
            positions,
            next: None,
            most,
        }
    }
}

impl Consumer for Follower {
    fn poll(&mut self, _: Duration) -> Result<Vec<Delivery>, Error> {
        let all = 0..self.topic.partitions();
        let Some(next) = &mut self.next else {
            let starts = all.clone().map(|partition| self.positions.start(partition));
            self.next = Some(starts.collect::<Result<_, _>>().unwrap());
            return Ok(vec![Delivery::Assigned(all.collect())]);
        };
        let mut deliveries = Vec::new();
        for partition in all.filter(|partition| !self.paused[*partition as usize]) {
            let next = &mut next[partition as usize];
            let to = self.topic.end(partition).min(*next + self.most);
            if *next < to {
                deliveries.push(Delivery::Batch(self.topic.batch(partition, *next, to)));
                *next = to;
            }
        }
        Ok(deliveries)
    }

    fn pause(&mut self, partition: u32) {
        self.paused[partition as usize] = true;
    }

    fn resume(&mut self, partition: u32) {
        self.paused[partition as usize] = false;
    }

    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        Reader::bounds(&mut self.topic, partition)
    }

    fn leave(self: Box<Self>) {}
}
