//! What may happen next, how likely it is, and what it does.

use std::time::Duration;

use crate::gateways::PLAIN;
use crate::traffic::{SEATS, act};
use crate::world::{HOSTS, NODES, PARTITIONS, TELLERS, World};
use crate::{opensearch, redis};
use schemas::v1::entry_record::Act;

/// One kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Producers append events.
    Publish,
    /// People ask for seats, and give them back.
    Ask,
    /// Time passes for processes.
    Pass,
    /// The broker's clock goes on, or back a little; else it stands.
    Tick,
    /// A worker takes what came.
    Turn,
    /// A checkpoint is written, or the disk refuses.
    Write,
    /// Dead letters are delivered.
    Deliver,
    /// Redis gets a call.
    Redis,
    /// OpenSearch gets a request.
    Search,
    /// Redis' replication goes on, or its primary is lost.
    Failover,
    /// OpenSearch's index is deleted.
    Delete,
    /// A processor is given a partition, whoever else has it.
    Own,
    /// A processor lets a partition go.
    Release,
    /// A processor is killed, or started.
    Kill,
    /// A checkpoint file is lost, damaged, or replaced by an older one.
    Disk,
    /// A snapshot is taken.
    Snapshot,
    /// An emitter goes on, is killed, loses its disk, or starts.
    Tell,
}

/// How often each comes, in a thousand or so.
const WEIGHTS: [(Step, u64); 17] = [
    (Step::Publish, 55),
    (Step::Ask, 25),
    (Step::Pass, 120),
    (Step::Tick, 30),
    (Step::Turn, 300),
    (Step::Write, 45),
    (Step::Deliver, 25),
    (Step::Redis, 150),
    (Step::Search, 150),
    (Step::Failover, 30),
    (Step::Delete, 2),
    (Step::Own, 25),
    (Step::Release, 8),
    (Step::Kill, 14),
    (Step::Disk, 24),
    (Step::Snapshot, 8),
    (Step::Tell, 25),
];

impl World {
    /// Does the step of this number.
    pub fn step(&mut self, number: u64) {
        self.dice.turn_to(number);
        mutants::set_wall_clock(self.broker_now());
        let all = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut left = self.dice.below(all);
        let step = WEIGHTS.iter().find(|(_, weight)| {
            let is_it = left < *weight;
            left = left.saturating_sub(*weight);
            is_it
        });
        let kind = step.unwrap().0;
        match kind {
            Step::Publish => self.publish(),
            Step::Ask => self.ask(),
            Step::Pass => {
                let ms = self.dice.pick(&[1, 5, 30, 60, 120, 400, 2_500]);
                self.clock.pass(Duration::from_millis(ms));
                self.say(|| format!("{ms} ms pass"));
            }
            Step::Tick => {
                let by = self
                    .dice
                    .pick(&[-2_000, 1, 900, 61_000, 1_900_000, 26 * 3_600_000]);
                self.clock.set_broker(by);
                self.say(|| format!("the broker's clock goes on by {by} ms"));
            }
            Step::Turn => self.turn(),
            Step::Write => self.write(),
            Step::Deliver => self.deliver(),
            Step::Redis => self.call_redis(),
            Step::Search => self.call_search(),
            Step::Failover => self.fail_over(),
            Step::Delete => {
                self.search.delete_index();
                self.count("indices deleted");
                self.say(|| "OpenSearch's index is deleted".to_owned());
            }
            Step::Own => self.own(),
            Step::Release => self.release(),
            Step::Kill => self.kill(),
            Step::Disk => self.disk(),
            Step::Snapshot => self.snapshot(),
            Step::Tell => self.tell(),
        }
        self.clock.settle();
        self.step_gateways(number);
    }

    /// The broker's time, milliseconds since the epoch.
    pub fn broker_now(&self) -> i64 {
        self.clock
            .broker()
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    fn publish(&mut self) {
        for _ in 0..1 + self.dice.below(6) {
            let record = self.traffic.event(self.broker_now());
            let at = self.events.append(record);
            self.say(|| format!("an event is appended at {at:?}"));
            self.count("events");
        }
    }

    fn ask(&mut self) {
        for _ in 0..1 + self.dice.below(5) {
            let at = self.entries.append(self.traffic.act(self.broker_now()));
            self.say(|| format!("an act is appended at {at:?}"));
            self.count("acts");
        }
    }

    /// Activities that are open from the beginning.
    pub fn open_activities(&mut self) {
        for activity in SEATS {
            let defined = self.traffic.defined(activity, self.broker_now());
            self.entries.append(act(activity, Act::Defined(defined)));
        }
        // It has seats, and more people want them.
        let mut plain = self.traffic.defined(PLAIN, self.broker_now());
        plain.capacity = 1 + self.dice.below(4);
        self.entries.append(act(PLAIN, Act::Defined(plain)));
    }

    /// Processors that run, with a partition of each; all of them or none.
    pub fn owners(&self) -> Vec<(usize, u32)> {
        let nodes = self.nodes.iter().enumerate();
        let owned = |(slot, node): (usize, &Option<crate::node::Node>)| {
            let owned = node.as_ref().map(|node| node.owned()).unwrap_or_default();
            owned
                .into_iter()
                .map(move |partition| (slot, partition))
                .collect::<Vec<_>>()
        };
        nodes.flat_map(owned).collect()
    }

    fn an_owner(&self) -> Option<(usize, u32)> {
        let owners = self.owners();
        (!owners.is_empty()).then(|| self.dice.pick(&owners))
    }

    fn a_node(&self) -> Option<usize> {
        let running: Vec<usize> = (0..NODES)
            .filter(|slot| self.nodes[*slot].is_some())
            .collect();
        (!running.is_empty()).then(|| self.dice.pick(&running))
    }

    fn turn(&mut self) {
        let Some((slot, partition)) = self.an_owner() else {
            return;
        };
        let records = 1 + self.dice.below(9);
        let again = self.dice.percent(4).then(|| self.dice.below(6));
        let node = self.nodes[slot].as_mut().unwrap();
        if let Some(back) = again {
            node.deliver_again(partition, back);
        }
        let came = node.turn(partition, records, &self.clock);
        self.say(|| format!("processor {slot}, partition {partition}: {came}"));
        self.must_go_on(slot);
    }

    fn must_go_on(&self, slot: usize) {
        let halted = self.nodes[slot].as_ref().and_then(|node| node.halted());
        assert!(halted.is_none(), "processor {slot} halts: {halted:?}");
    }

    fn write(&mut self) {
        let Some(slot) = self.a_node() else {
            return;
        };
        let refuses = self.dice.percent(15);
        let written = self.nodes[slot].as_mut().unwrap().write(refuses);
        self.say(|| format!("processor {slot} writes a checkpoint: {written:?}"));
        if written.is_some() {
            self.count("checkpoints");
        }
    }

    fn deliver(&mut self) {
        let Some(slot) = self.a_node() else {
            return;
        };
        let delivered = self.nodes[slot].as_mut().unwrap().deliver();
        self.say(|| format!("processor {slot} delivers letters: {delivered:?}"));
    }

    fn call_redis(&mut self) {
        let waiting = self.redis.len();
        if waiting == 0 {
            return;
        }
        let place = self.dice.index(waiting);
        let fate = match self.dice.below(20) {
            0 | 1 => redis::Fate::LoseRequest,
            2 | 3 => redis::Fate::LoseReply,
            4 => redis::Fate::Twice,
            5 => redis::Fate::Late,
            _ => redis::Fate::Good,
        };
        let done = self.redis.deliver(place, fate);
        self.say(|| format!("Redis gets a call, {fate:?}: {done:?}"));
        self.count("calls of Redis");
        self.check_call(&done);
    }

    fn call_search(&mut self) {
        for _ in 0..1 + self.dice.below(3) {
            let waiting = self.search.len();
            if waiting == 0 {
                return;
            }
            let place = self.dice.index(waiting);
            let fate = match self.dice.below(30) {
                0 => opensearch::Fate::LoseRequest,
                1 => opensearch::Fate::LoseReply,
                2 => opensearch::Fate::Twice,
                3 => opensearch::Fate::Throttle,
                4 => opensearch::Fate::Unavailable,
                5 | 6 => opensearch::Fate::Partial(self.dice.below(u64::MAX)),
                7 => opensearch::Fate::Slow,
                _ => opensearch::Fate::Good,
            };
            let what = self.search.what(place);
            self.say(|| format!("OpenSearch gets a request, {fate:?}: {what}"));
            self.search.deliver(place, fate);
            self.count("requests of OpenSearch");
            self.check_claims();
            self.clock.settle();
        }
        self.check_search();
    }

    fn fail_over(&mut self) {
        let replicas = self.redis.servers(|servers| servers.replicas());
        let replica = self.dice.pick(&replicas);
        let what = match self.dice.below(24) {
            0..=9 => {
                let calls = self.dice.index(6);
                self.redis
                    .servers(|servers| servers.replicate(replica, calls));
                "a replica follows"
            }
            10..=15 => {
                self.redis.servers(|servers| servers.fail_over(replica));
                "the primary dies"
            }
            16..=18 => {
                self.redis.servers(|servers| servers.split(replica));
                "two primaries"
            }
            19 | 20 => {
                self.redis.servers(|servers| servers.heal());
                "one primary again"
            }
            21 => {
                self.redis.servers(|servers| servers.wipe());
                "all is wiped"
            }
            _ => {
                self.redis.servers(|servers| servers.restart_empty());
                "the primary comes back empty"
            }
        };
        self.count(what);
        self.say(|| format!("Redis, replica {replica}: {what}"));
        self.check_redis();
    }

    fn own(&mut self) {
        let slot = self.dice.index(NODES);
        let partition = self.dice.below(PARTITIONS.into()) as u32;
        self.give(slot, partition);
    }

    /// Gives a processor a partition, and starts it for that.
    pub fn give(&mut self, slot: usize, partition: u32) {
        if self.nodes[slot].is_none() {
            self.start_node(slot);
        }
        let node = self.nodes[slot].as_mut().unwrap();
        if node.owned().contains(&partition) {
            return;
        }
        let started = node.own(partition, &self.clock);
        let Ok(start) = started else {
            panic!("partition {partition} has no start on processor {slot}: {started:?}");
        };
        let digest = self.judge.digest(partition, start.offset);
        assert!(
            start.digest == digest,
            "partition {partition} goes on at {} from a {} that is not the fold of all before",
            start.offset,
            start.from
        );
        self.count(start.from);
        self.say(|| format!("processor {slot} gets partition {partition}: {start:?}"));
    }

    fn release(&mut self) {
        let Some((slot, partition)) = self.an_owner() else {
            return;
        };
        let graceful = self.dice.percent(50);
        self.nodes[slot]
            .as_mut()
            .unwrap()
            .stop(partition, graceful, &self.clock);
        self.say(|| {
            format!("processor {slot} lets partition {partition} go, gracefully: {graceful}")
        });
        self.count("releases");
    }

    fn kill(&mut self) {
        let slot = self.dice.index(NODES);
        if self.nodes[slot].take().is_some() {
            self.count("kills");
            self.say(|| format!("processor {slot} is killed"));
        }
    }

    /// Only where nobody has the file: the files of the living are theirs.
    fn disk(&mut self) {
        let host = self.dice.index(HOSTS);
        let partition = self.dice.below(PARTITIONS.into()) as u32;
        let what = self.dice.below(5);
        let file = self.file_of(host, partition);
        let is_used = (host..NODES)
            .step_by(HOSTS)
            .any(|slot| self.nodes[slot].is_some());
        if !file.exists() || is_used && what > 0 {
            return;
        }
        match what {
            0 => self.copy_file(host, partition),
            1 | 2 => self.put_back(host, partition),
            3 => {
                remove(&file);
                self.count("files lost");
                self.say(|| format!("machine {host} loses partition {partition}"));
            }
            _ => {
                let bytes = std::fs::read(&file).unwrap();
                let keep = self.dice.index(bytes.len().max(1));
                remove(&file);
                std::fs::write(&file, &bytes[..keep]).unwrap();
                self.count("files truncated");
                self.say(|| format!("machine {host} keeps {keep} bytes of partition {partition}"));
            }
        }
    }

    /// Keeps the file as it is now.
    fn copy_file(&mut self, host: usize, partition: u32) {
        let number = self.old_files.values().map(Vec::len).sum::<usize>();
        let copy = self.place_for_copy(&format!("old-{host}-{partition}-{number}"));
        let source = rusqlite::Connection::open(self.file_of(host, partition)).unwrap();
        // A damaged file is nobody's to copy.
        if source
            .execute("VACUUM INTO ?1", [copy.to_string_lossy()])
            .is_err()
        {
            return;
        }
        self.old_files
            .entry((host, partition))
            .or_default()
            .push(copy);
        self.say(|| format!("machine {host} keeps a copy of partition {partition}"));
    }

    /// The file is again what it once was.
    fn put_back(&mut self, host: usize, partition: u32) {
        let Some(copies) = self.old_files.get(&(host, partition)) else {
            return;
        };
        let copy = copies[self.dice.index(copies.len())].clone();
        let file = self.file_of(host, partition);
        remove(&file);
        std::fs::copy(copy, file).unwrap();
        self.count("old files");
        self.say(|| format!("machine {host} has an old file of partition {partition}"));
    }

    fn snapshot(&mut self) {
        let Some((slot, partition)) = self.an_owner() else {
            return;
        };
        let taken = self.nodes[slot].as_mut().unwrap().snapshot(partition);
        self.say(|| format!("processor {slot} takes a snapshot of {partition}: {taken:?}"));
        if taken.is_some() {
            self.count("snapshots");
        }
    }

    fn tell(&mut self) {
        let slot = self.dice.index(TELLERS);
        let what = self.dice.below(10);
        if self.tellers[slot].is_none() {
            self.start_teller(slot);
            self.say(|| format!("emitter {slot} starts"));
        } else if what == 0 {
            self.tellers[slot] = None;
            self.count("emitters killed");
            self.say(|| format!("emitter {slot} is killed"));
        } else if what == 1 {
            self.tellers[slot] = None;
            // It may not have kept anything yet.
            let _ = std::fs::remove_dir_all(self.teller_folder(slot));
            self.say(|| format!("emitter {slot} is killed, and its disk is lost"));
        } else {
            self.tellers[slot].as_mut().unwrap().step();
            self.say(|| format!("emitter {slot} goes on"));
        }
    }
}

/// A file of SQLite's, with what lies beside it.
fn remove(file: &std::path::Path) {
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", file.display());
        // Two of them are there only sometimes.
        let _ = std::fs::remove_file(path);
    }
}
