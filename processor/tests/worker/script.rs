//! A consumer that does what a test says.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::{Bounds, Consumer, Delivery, Error, NoStart, Positions, Reader};
use processor::{Processor, Settings};

use crate::world::{EVENTS, World};

#[derive(Debug)]
enum Line {
    Assign(Vec<u32>),
    Revoke(Vec<u32>),
    Deliver(u32, u64, u64),
    Halt(u32, String),
    Fail(Error),
    Die,
}

/// What the consumer does next, and what it was told.
#[derive(Clone, Default)]
pub struct Script {
    lines: Arc<Mutex<VecDeque<Line>>>,
    paused: Arc<Mutex<BTreeSet<u32>>>,
}

impl Script {
    fn add(&self, line: Line) {
        self.lines.lock().unwrap().push_back(line);
    }

    pub fn assign(&self, partitions: &[u32]) {
        self.add(Line::Assign(partitions.to_vec()));
    }

    pub fn revoke(&self, partitions: &[u32]) {
        self.add(Line::Revoke(partitions.to_vec()));
    }

    /// The records from one offset up to another.
    pub fn deliver(&self, partition: u32, from: u64, to: u64) {
        self.add(Line::Deliver(partition, from, to));
    }

    pub fn halt(&self, partition: u32, why: &str) {
        self.add(Line::Halt(partition, why.to_owned()));
    }

    /// A poll that ends with this error.
    pub fn fail(&self, error: Error) {
        self.add(Line::Fail(error));
    }

    /// A poll that panics.
    pub fn die(&self) {
        self.add(Line::Die);
    }

    pub fn is_paused(&self, partition: u32) -> bool {
        self.paused.lock().unwrap().contains(&partition)
    }

    /// A processor whose consumer does what is written here.
    pub fn start(&self, world: &World, settings: Settings, stores: bool) -> Processor {
        let join = self.join(world.log.reader(EVENTS).unwrap());
        Processor::start(settings, world.parts(stores), join).unwrap()
    }

    /// Makes the consumer, on the log that `reader` reads.
    fn join(
        &self,
        reader: Box<dyn Reader>,
    ) -> impl FnOnce(Arc<dyn Positions>) -> Result<Box<dyn Consumer>, Error> + use<> {
        let script = self.clone();
        move |positions| {
            Ok(Box::new(Actor {
                script,
                reader,
                positions,
            }))
        }
    }
}

struct Actor {
    script: Script,
    reader: Box<dyn Reader>,
    positions: Arc<dyn Positions>,
}

impl Consumer for Actor {
    fn poll(&mut self, timeout: Duration) -> Result<Vec<Delivery>, Error> {
        let Some(line) = self.script.lines.lock().unwrap().pop_front() else {
            std::thread::sleep(timeout.min(Duration::from_millis(5)));
            return Ok(Vec::new());
        };
        let mut deliveries = Vec::new();
        match line {
            Line::Assign(partitions) => {
                let starts: Vec<_> = (partitions.iter())
                    .map(|partition| (*partition, self.positions.start(*partition)))
                    .collect();
                deliveries.push(Delivery::Assigned(partitions));
                for (partition, start) in starts {
                    match start {
                        Ok(_) => {}
                        Err(NoStart::Passing(why)) => {
                            deliveries.push(Delivery::Delayed { partition, why });
                        }
                        Err(NoStart::Fatal(why)) => deliveries.push(Delivery::Halted {
                            partition,
                            error: Error::Fatal(why),
                        }),
                    }
                }
            }
            Line::Revoke(partitions) => deliveries.push(Delivery::Revoked(partitions)),
            Line::Deliver(partition, from, to) => {
                self.reader.read(partition, from, to, &mut |batch| {
                    deliveries.push(Delivery::Batch(batch.clone()));
                    true
                })?;
            }
            Line::Fail(error) => return Err(error),
            Line::Die => panic!("a bug in the consumer"),
            Line::Halt(partition, why) => deliveries.push(Delivery::Halted {
                partition,
                error: Error::Fatal(why),
            }),
        }
        Ok(deliveries)
    }

    fn pause(&mut self, partition: u32) {
        self.script.paused.lock().unwrap().insert(partition);
    }

    fn resume(&mut self, partition: u32) {
        self.script.paused.lock().unwrap().remove(&partition);
    }

    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        self.reader.bounds(partition)
    }

    fn leave(self: Box<Self>) {}
}
