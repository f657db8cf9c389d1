//! A consumer of all partitions, beside any number of others. It is woken when something is appended.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{Log, Tail, Topic, file, load, lock};
use crate::{Bounds, Delivery, Error, NoStart, Positions, START_AGAIN};

/// Bytes one poll delivers before it leaves the other partitions to the next one.
const POLL_BYTES: usize = 16 << 20;

pub(super) struct Consumer {
    /// Before the log: closed while the lock is still held.
    connection: Connection,
    _log: Arc<Log>,
    topic: Arc<Topic>,
    positions: Arc<dyn Positions>,
    /// Empty until the partitions are assigned by the first poll.
    partitions: Vec<Partition>,
    /// Which partition the next poll begins with, so that none is starved.
    first: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Partition {
    next_offset: u64,
    paused: bool,
    halted: bool,
    /// When its start is asked for again; it is halted until then.
    again: Option<Instant>,
}

impl Partition {
    fn has_more(&self, tail: &Tail) -> bool {
        !self.paused && !self.halted && self.next_offset < tail.next_offset
    }
}

impl Consumer {
    pub(super) fn new(
        log: Arc<Log>,
        topic: Arc<Topic>,
        positions: Arc<dyn Positions>,
    ) -> Result<Self, Error> {
        Ok(Self {
            connection: file::open_reader(&log.path)?,
            _log: log,
            topic,
            positions,
            partitions: Vec::new(),
            first: 0,
        })
    }

    fn assign(&mut self) -> Result<Vec<Delivery>, Error> {
        let all: Vec<u32> = (0..self.topic.partitions()).collect();
        let mut deliveries = vec![Delivery::Assigned(all.clone())];
        let mut states = Vec::with_capacity(all.len());
        for partition in all {
            states.push(self.start(partition, &mut deliveries)?);
        }
        self.partitions = states;
        Ok(deliveries)
    }

    /// Asks again for the starts that may be there by now.
    fn assign_the_delayed(&mut self, deliveries: &mut Vec<Delivery>) -> Result<(), Error> {
        let now = Instant::now();
        for index in 0..self.partitions.len() {
            if self.partitions[index].again.is_none_or(|at| at > now) {
                continue;
            }
            let state = self.start(index as u32, deliveries)?;
            if !state.halted {
                deliveries.push(Delivery::Assigned(vec![index as u32]));
            }
            let paused = self.partitions[index].paused;
            self.partitions[index] = Partition { paused, ..state };
        }
        Ok(())
    }

    /// Where a partition stands at first, if that is within what it holds.
    fn start(&self, partition: u32, deliveries: &mut Vec<Delivery>) -> Result<Partition, Error> {
        let bounds = self.topic.bounds(&self.connection, partition)?;
        let mut state = Partition::default();
        match self.positions.start(partition) {
            Ok(offset) => match bounds.check(partition, offset) {
                Ok(()) => state.next_offset = offset,
                Err(error) => {
                    state.halted = true;
                    deliveries.push(Delivery::Halted { partition, error });
                }
            },
            Err(NoStart::Fatal(why)) => {
                state.halted = true;
                let error = Error::Fatal(why);
                deliveries.push(Delivery::Halted { partition, error });
            }
            Err(NoStart::Passing(why)) => {
                state.halted = true;
                state.again = Some(Instant::now() + START_AGAIN);
                deliveries.push(Delivery::Delayed { partition, why });
            }
        }
        Ok(state)
    }

    /// Waits until a partition that may be delivered has grown, or the time is up.
    fn wait(&self, timeout: Duration) {
        let started = Instant::now();
        let mut tails = lock(&self.topic.tails);
        loop {
            let grown = self
                .partitions
                .iter()
                .zip(tails.iter())
                .any(|(partition, tail)| partition.has_more(tail));
            let left = timeout.saturating_sub(started.elapsed());
            if grown || left.is_zero() {
                return;
            }
            tails = self
                .topic
                .grown
                .wait_timeout(tails, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// One batch of each partition that has more, up to a number of bytes.
    fn deliver(&mut self) -> Result<Vec<Delivery>, Error> {
        let tails = lock(&self.topic.tails).clone();
        let count = self.partitions.len();
        let mut deliveries = Vec::new();
        let mut bytes = 0;
        let mut index = self.first;
        for _ in 0..count {
            let (partition, tail) = (&mut self.partitions[index], &tails[index]);
            if partition.has_more(tail) && bytes < POLL_BYTES {
                let number = index as u32;
                let (from, to) = (partition.next_offset, tail.next_offset);
                match load::batch(&self.connection, self.topic.id, number, from, to) {
                    Ok(batch) => {
                        bytes += batch.bytes();
                        partition.next_offset = batch.next_offset().unwrap_or(from);
                        self.first = (index + 1) % count;
                        deliveries.push(Delivery::Batch(batch));
                    }
                    Err(error @ Error::Transient(_)) if deliveries.is_empty() => return Err(error),
                    Err(Error::Transient(_)) => return Ok(deliveries),
                    Err(error) => {
                        partition.halted = true;
                        deliveries.push(Delivery::Halted {
                            partition: number,
                            error,
                        });
                    }
                }
            }
            index = (index + 1) % count;
        }
        Ok(deliveries)
    }
}

impl crate::Consumer for Consumer {
    fn poll(&mut self, timeout: Duration) -> Result<Vec<Delivery>, Error> {
        if self.partitions.is_empty() {
            return self.assign();
        }
        let mut deliveries = Vec::new();
        self.assign_the_delayed(&mut deliveries)?;
        if !deliveries.is_empty() {
            return Ok(deliveries);
        }
        self.wait(timeout);
        self.deliver()
    }

    fn pause(&mut self, partition: u32) {
        if let Some(partition) = self.partitions.get_mut(partition as usize) {
            partition.paused = true;
        }
    }

    fn resume(&mut self, partition: u32) {
        if let Some(partition) = self.partitions.get_mut(partition as usize) {
            partition.paused = false;
        }
    }

    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        self.topic.bounds(&self.connection, partition)
    }

    fn leave(self: Box<Self>) {}
}
