//! A disk that refuses, a dead-letter topic that is away, a log that repeats itself: others don't wait, nothing is lost.

use std::sync::{Arc, Mutex};

use log::{Appended, Error, NewRecord, Producer};
use processor::checkpoint::Checkpoint;
use processor::outbox::MOST_WAITING;
use processor::{Parts, Processor};

use crate::random::Random;
use crate::script::Script;
use crate::traffic::Traffic;
use crate::wait_for;
use crate::world::{DEAD_LETTERS, EVENTS, START, World};

/// How the dead-letter topic answers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Well,
    Away,
    /// Some calls fail, before or after some of their letters were written.
    Odd,
}

struct Topic {
    inner: Arc<dyn Producer>,
    mood: Mutex<Mood>,
    random: Mutex<Random>,
}

impl Topic {
    fn of(world: &World, mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            inner: world.log.producer(DEAD_LETTERS).unwrap(),
            mood: Mutex::new(mood),
            random: Mutex::new(Random::new(3)),
        })
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }
}

impl Producer for Topic {
    fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, Error> {
        let failed = || Err(Error::Transient("the topic is away".to_owned()));
        let fate = match *self.mood.lock().unwrap() {
            Mood::Well => 2,
            Mood::Away => 0,
            Mood::Odd => self.random.lock().unwrap().below(3),
        };
        match fate {
            0 => failed(),
            1 => {
                let some = records.into_iter().step_by(2).collect();
                self.inner.append(some)?;
                failed()
            }
            _ => self.inner.append(records),
        }
    }
}

fn start(world: &World, state: &std::path::Path, topic: Arc<Topic>) -> Processor {
    let parts = Parts {
        dead_letters: topic,
        ..world.parts(true)
    };
    let join = |positions| world.log.consumer(EVENTS, positions);
    Processor::start(world.settings(state), parts, join).unwrap()
}

fn calm() -> World {
    let world = World::new(2, 1);
    world.hot.calm();
    world.history.calm();
    world
}

#[test]
fn letters_that_are_not_acknowledged_are_delivered_again() {
    let world = calm();
    let state = tempfile::tempdir().unwrap();
    let topic = Topic::of(&world, Mood::Odd);
    let processor = start(&world, state.path(), topic.clone());
    let mut traffic = Traffic::new(1, 2, 30);
    traffic.faults = 30;
    for _ in 0..3 {
        world.append(traffic.take(100, START));
        world.wait_until_stored();
    }
    world.wait_until_done(&processor);
    processor.stop();
    assert!(world.check_letters() > 10);
    // Letters that wait when the processor ends are delivered by the next.
    topic.is(Mood::Away);
    let processor = start(&world, state.path(), topic.clone());
    world.append(traffic.take(100, START));
    world.wait_until_stored();
    processor.stop();
    topic.is(Mood::Well);
    let processor = start(&world, state.path(), topic);
    world.wait_until_done(&processor);
    processor.stop();
    world.check_letters();
    world.check_checkpoints(state.path());
}

#[test]
fn a_partition_stops_folding_before_too_many_letters_wait() {
    let world = calm();
    let state = tempfile::tempdir().unwrap();
    let topic = Topic::of(&world, Mood::Away);
    let bad = |n: usize| NewRecord {
        partition: Some(0),
        key: format!("user-{n}").into_bytes(),
        value: vec![0xff],
        headers: Vec::new(),
    };
    world.append((0..MOST_WAITING + 10_000).map(bad).collect());
    world.append(Traffic::new(1, 2, 30).take(100, START));
    let processor = start(&world, state.path(), topic.clone());
    let status = |partition| processor.status().partitions().remove(&partition);
    wait_for("as many letters to wait as may", || {
        status(0).is_some_and(|status| status.letters_waiting >= MOST_WAITING)
    });
    // The other partition doesn't wait for this one.
    let ends = world.ends();
    wait_for("the other partition to go on", || {
        status(1).is_some_and(|status| status.next_offset == ends[1])
    });
    assert!(status(0).is_some_and(|status| status.next_offset < ends[0]));
    topic.is(Mood::Well);
    world.wait_until_done(&processor);
    processor.stop();
    assert!(world.check_letters() >= MOST_WAITING + 10_000);
}

#[test]
fn a_disk_that_refuses_holds_up_nothing_but_the_checkpoint() {
    let world = calm();
    let state = tempfile::tempdir().unwrap();
    let processor = world.start(state.path());
    let mut traffic = Traffic::new(1, 2, 30);
    world.append(traffic.take(200, START));
    world.wait_until_done(&processor);
    let kept = world.ends();
    for partition in 0..2 {
        let path = Checkpoint::path(state.path(), &world.definition, partition);
        let file = rusqlite::Connection::open(path).unwrap();
        let refuse =
            "CREATE TRIGGER refuse BEFORE INSERT ON head BEGIN SELECT RAISE(ABORT, 'no room'); END";
        file.execute_batch(refuse).unwrap();
    }
    for _ in 0..3 {
        world.append(traffic.take(100, START));
        world.wait_until_stored();
    }
    for (partition, status) in processor.status().partitions() {
        assert_eq!(status.checkpointed, kept[partition as usize]);
    }
    for partition in 0..2 {
        let path = Checkpoint::path(state.path(), &world.definition, partition);
        let file = rusqlite::Connection::open(path).unwrap();
        file.execute_batch("DROP TRIGGER refuse").unwrap();
    }
    world.wait_until_done(&processor);
    processor.stop();
    world.check_checkpoints(state.path());
    world.check_letters();
}

#[test]
fn records_that_come_again_are_dropped() {
    let world = calm();
    world.append(Traffic::new(1, 2, 30).take(400, START));
    let ends = world.ends();
    let state = tempfile::tempdir().unwrap();
    let script = Script::default();
    let processor = script.start(&world, world.settings(state.path()), true);
    script.assign(&[0, 1]);
    for (partition, end) in [(0, ends[0]), (1, ends[1])] {
        for (from, to) in [(0, end / 2), (0, end / 2), (end / 3, end), (end - 1, end)] {
            script.deliver(partition, from, to);
        }
    }
    world.wait_until_done(&processor);
    world.wait_until_stored();
    for (partition, status) in processor.status().partitions() {
        assert_eq!(status.tally.consumed, ends[partition as usize]);
    }
    processor.stop();
    world.check_checkpoints(state.path());
}
