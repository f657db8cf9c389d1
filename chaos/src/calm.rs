//! The end of a run: nothing fails any more, and everything must arrive.

use std::sync::atomic::Ordering;
use std::time::Duration;

use pipeline::row::NamedCells;
use views::Views;

use crate::node::Node;
use crate::redis::Servers;
use crate::world::{NODES, PARTITIONS, TELLERS, World};
use crate::{opensearch, redis};

/// Rounds after which a run that has not come to its end never will: some minutes of virtual time.
const ROUNDS: u64 = 500;
const ROUND: Duration = Duration::from_millis(400);
/// Records a worker takes at a time.
const RECORDS: u64 = 64;
/// Turns of a worker, and steps of an emitter, in a round.
const TURNS: u64 = 4;

impl World {
    /// Lets everything arrive, and checks that it is all there.
    pub fn finish(&mut self) {
        self.dice.turn_to(u64::MAX);
        self.log_fails.store(0, Ordering::Relaxed);
        self.redis.servers(Servers::heal);
        self.check_redis();
        self.finish_gateways();
        for slot in 0..TELLERS {
            if self.tellers[slot].is_none() {
                self.start_teller(slot);
            }
        }
        let rounds = (0..ROUNDS).find(|_| {
            self.round();
            self.is_over()
        });
        assert!(
            rounds.is_some(),
            "not everything arrives: {}",
            self.progress()
        );
        self.check_all();
        self.restart_all();
    }

    fn round(&mut self) {
        self.clock.pass(ROUND);
        for partition in 0..PARTITIONS {
            // One that was let go gracefully has an owner for a while.
            if !self.owners().iter().any(|(_, owned)| *owned == partition) {
                let slot = self.dice.index(NODES);
                self.give(slot, partition);
            }
        }
        for slot in 0..TELLERS {
            for _ in 0..TURNS {
                self.tellers[slot].as_mut().unwrap().step();
            }
        }
        for slot in 0..NODES {
            let Some(node) = self.nodes[slot].as_mut() else {
                continue;
            };
            for partition in node.owned() {
                for _ in 0..TURNS {
                    node.turn(partition, RECORDS, &self.clock);
                }
            }
            let halted = node.halted();
            assert!(halted.is_none(), "processor {slot} halts: {halted:?}");
            while node.write(false).is_some() {}
            while node.deliver().is_some() {}
        }
        self.clock.settle();
        self.carry();
    }

    /// Every call arrives and is answered.
    fn carry(&mut self) {
        while !(self.redis.is_empty() && self.search.is_empty()) {
            if !self.redis.is_empty() {
                let done = self.redis.deliver(0, redis::Fate::Good);
                self.check_call(&done);
            }
            if !self.search.is_empty() {
                self.search.deliver(0, opensearch::Fate::Good);
                self.check_search();
            }
            self.clock.settle();
        }
    }

    fn is_over(&self) -> bool {
        self.tellers.iter().flatten().all(|teller| teller.is_done())
            && (0..PARTITIONS).all(|partition| {
                let end = self.events.end(partition);
                let nodes = self.nodes.iter().flatten();
                let owns = |node: &&Node| node.owned().contains(&partition);
                let mut owners = nodes.filter(owns).peekable();
                self.stored(partition) == Some(end)
                    && self.search.checkpoint(partition) == Some(end)
                    && owners.peek().is_some()
                    && owners.all(|node| node.is_done(partition))
            })
    }

    fn progress(&self) -> String {
        let of = |partition| {
            format!(
                "partition {partition} ends at {}; Redis is at {:?}, OpenSearch at {:?}; owners done: {:?}",
                self.events.end(partition),
                self.stored(partition),
                self.search.checkpoint(partition),
                self.nodes
                    .iter()
                    .flatten()
                    .map(|node| node.is_done(partition))
                    .collect::<Vec<_>>(),
            )
        };
        let all: Vec<String> = (0..PARTITIONS).map(of).collect();
        all.join("; ")
    }

    /// Every cell of Redis, as readers get it.
    pub fn dump(&mut self) -> NamedCells {
        let store = self.reader();
        let reading = self
            .clock
            .runtime()
            .spawn(async move { store.dump().await });
        while !reading.is_finished() {
            self.clock.settle();
            self.carry();
        }
        let (as_of, cells) = self.clock.runtime().block_on(reading).unwrap().unwrap();
        for stamp in as_of.partitions {
            assert_eq!(stamp.offset, self.events.end(stamp.partition), "as of");
        }
        cells
    }

    /// I2: all die, and each partition goes on from the log's end.
    fn restart_all(&mut self) {
        let owners = self.owners();
        self.nodes.fill_with(|| None);
        self.clock.settle();
        for partition in 0..PARTITIONS {
            let owner = owners.iter().find(|(_, owned)| *owned == partition);
            let (slot, _) = *owner.unwrap();
            self.give(slot, partition);
            let next = self.nodes[slot]
                .as_ref()
                .and_then(|node| node.next(partition));
            assert_eq!(
                next,
                Some(self.events.end(partition)),
                "a checkpoint is lost"
            );
        }
    }
}
