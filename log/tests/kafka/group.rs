//! Members of a group that come and go while records are appended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use footfall_log::{Consumer, Delivery, NoStart, Positions};

use super::Topic;
use crate::conformance::tools::{CAP, POLL, append_numbered, number};
use crate::conformance::{Harness, PARTITIONS};

/// The next offset of each partition, shared by all members as checkpoints would be. Values equal offsets.
#[derive(Default)]
struct Checkpoints([AtomicU64; PARTITIONS as usize]);

impl Checkpoints {
    fn of(&self, partition: u32) -> &AtomicU64 {
        &self.0[partition as usize]
    }

    fn reached(&self, offset: u64) -> bool {
        self.0
            .iter()
            .all(|next| next.load(Ordering::SeqCst) >= offset)
    }
}

impl Positions for Checkpoints {
    fn start(&self, partition: u32) -> Result<u64, NoStart> {
        Ok(self.of(partition).load(Ordering::SeqCst))
    }
}

/// A member on its own thread, until it is told to leave.
struct Member {
    leave: AtomicBool,
    held: AtomicU64,
}

impl Member {
    fn new() -> Self {
        Self {
            leave: AtomicBool::new(false),
            held: AtomicU64::new(0),
        }
    }

    fn run(&self, mut consumer: Box<dyn Consumer>, checkpoints: &Checkpoints) {
        let mut held = Vec::new();
        while !self.leave.load(Ordering::SeqCst) {
            for delivery in consumer.poll(POLL).expect("polled") {
                match delivery {
                    Delivery::Assigned(partitions) => held.extend(partitions),
                    Delivery::Revoked(partitions) => {
                        held.retain(|partition| !partitions.contains(partition));
                    }
                    Delivery::Batch(batch) => {
                        assert!(held.contains(&batch.partition), "not ours");
                        for record in batch.records() {
                            let next = checkpoints.of(batch.partition);
                            let expected = next.fetch_add(1, Ordering::SeqCst);
                            assert_eq!(record.offset, expected, "lost or doubled");
                            assert_eq!(number(record.value), expected);
                        }
                    }
                    Delivery::Halted { partition, error } => panic!("{partition}: {error}"),
                    Delivery::Delayed { partition, why } => panic!("{partition}: {why}"),
                }
            }
            self.held.store(held.len() as u64, Ordering::SeqCst);
        }
        consumer.leave();
    }
}

pub fn members_that_come_and_go_lose_and_double_nothing(topic: &Topic) {
    const ROUNDS: u64 = 3;
    let checkpoints = Arc::new(Checkpoints::default());
    let members: Vec<Member> = (0..=ROUNDS).map(|_| Member::new()).collect();
    let appended = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let join = |member: &'static str, index: usize| {
            let positions: Arc<dyn Positions> = Arc::clone(&checkpoints) as _;
            let consumer = topic.consumer(positions);
            let (member_of, checkpoints) = (&members[index], &checkpoints);
            std::thread::Builder::new()
                .name(member.into())
                .spawn_scoped(scope, move || member_of.run(consumer, checkpoints))
                .unwrap();
        };
        let producer = topic.producer();
        let (appended, done) = (&appended, &done);
        let appender = scope.spawn(move || {
            while !done.load(Ordering::SeqCst) {
                let first = appended.load(Ordering::SeqCst);
                for partition in 0..PARTITIONS {
                    append_numbered(producer.as_ref(), partition, first, 50);
                }
                appended.store(first + 50, Ordering::SeqCst);
            }
        });
        // Whatever fails in between, the threads must end for the scope to end.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            join("first", 0);
            wait(|| members[0].held.load(Ordering::SeqCst) == 4);
            for round in 1..=ROUNDS as usize {
                let (old, new) = (&members[round - 1], &members[round]);
                join("next", round);
                wait(|| {
                    old.held.load(Ordering::SeqCst) == 2 && new.held.load(Ordering::SeqCst) == 2
                });
                old.leave.store(true, Ordering::SeqCst);
                wait(|| new.held.load(Ordering::SeqCst) == 4);
                let reached = appended.load(Ordering::SeqCst) + 100;
                wait(|| checkpoints.reached(reached));
            }
            done.store(true, Ordering::SeqCst);
            wait(|| appender.is_finished() && checkpoints.reached(appended.load(Ordering::SeqCst)));
        }));
        done.store(true, Ordering::SeqCst);
        for member in &members {
            member.leave.store(true, Ordering::SeqCst);
        }
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
}

fn wait(reached: impl Fn() -> bool) {
    let started = Instant::now();
    while !reached() {
        assert!(started.elapsed() < CAP, "not reached in time");
        std::thread::sleep(POLL);
    }
}
