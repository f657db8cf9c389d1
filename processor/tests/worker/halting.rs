//! A partition that must not go on halts, says why, and leaves its views as they are (I9).

use std::path::Path;

use log::{Batch, Bounds, Error, NewRecord, Reader};
use processor::{Parts, Processor, Settings};

use crate::script::Script;
use crate::traffic::Traffic;
use crate::world::{START, World};
use crate::{halted, wait_for};

/// Sound records of the partition.
fn sound(seed: u64, count: usize, partition: u32) -> Vec<NewRecord> {
    let mut traffic = Traffic::new(seed, 2, 50);
    traffic.faults = 0;
    let mut records = traffic.take(6 * count + 100, START);
    records.retain(|record| schemas::partition::partition_of(&record.key, 2) == partition);
    records.truncate(count);
    assert_eq!(records.len(), count);
    records
}

/// Records of the other partition, put into this one.
fn misrouted(seed: u64, count: usize, partition: u32) -> Vec<NewRecord> {
    let mut records = sound(seed, count, 1 - partition);
    for record in &mut records {
        record.partition = Some(partition);
    }
    records
}

fn calm() -> World {
    let world = World::new(2, 1);
    world.hot.calm();
    world.history.calm();
    world
}

#[test]
fn a_hundred_misrouted_of_ten_thousand_halt_their_partition_and_no_other() {
    let world = calm();
    world.append(misrouted(1, 99, 0));
    world.append(sound(2, 2_000, 0));
    world.append(sound(3, 500, 1));
    let state = tempfile::tempdir().unwrap();
    let processor = world.start(state.path());
    world.wait_until_done(&processor);
    assert_eq!(processor.status().partitions()[&0].halted, None);
    world.append(misrouted(4, 1, 0));
    world.append(sound(5, 50, 0));
    let why = halted(&processor, 0);
    assert!(
        why.contains("100 of the last 10000") && why.contains("murmur2_random"),
        "{why}"
    );
    assert!(why.contains("--pass-misrouted"), "{why}");
    let at = processor.status().partitions()[&0].next_offset;
    assert_eq!(at, 99 + 2_000 + 1);
    world.append(sound(6, 50, 1));
    let end = world.ends()[1];
    wait_for("the other partition to go on", || {
        processor.status().partitions()[&1].next_offset == end
    });
    assert_eq!(processor.status().partitions()[&0].next_offset, at);
    processor.stop();
    // A person who knows lets it pass.
    let settings = Settings {
        pass_misrouted: true,
        ..world.settings(state.path())
    };
    world.append(misrouted(7, 300, 0));
    let processor = world.start_with(settings, true);
    world.wait_until_done(&processor);
    world.wait_until_stored();
    processor.stop();
    world.check_letters();
}

#[test]
fn misrouted_records_far_apart_do_not_halt() {
    let world = calm();
    // One in 102: the hundredth comes 10,098 records after the first.
    let (mut wrong, mut right) = (misrouted(1, 120, 0), sound(2, 120 * 101, 0));
    let mut records = Vec::new();
    while let Some(record) = wrong.pop() {
        records.push(record);
        records.extend(right.drain(..101));
    }
    world.append(records);
    let state = tempfile::tempdir().unwrap();
    let processor = world.start_with(world.settings(state.path()), false);
    world.wait_until_done(&processor);
    assert_eq!(processor.status().partitions()[&0].halted, None);
    processor.stop();
}

/// Processes these records of partition 0 and stops; then goes on with a log of others.
fn on_another_log(first: &[NewRecord], second: &[NewRecord]) -> (World, String) {
    let state = tempfile::tempdir().unwrap();
    let world = calm();
    world.append(first.to_vec());
    let processor = world.start(state.path());
    world.wait_until_done(&processor);
    processor.stop();
    world.check_checkpoints(state.path());
    let other = calm();
    other.append(second.to_vec());
    let processor = other.start(state.path());
    let why = halted(&processor, 0);
    processor.stop();
    keeps(&world, state.path());
    (other, why)
}

/// The checkpoint is still that of the first log.
fn keeps(world: &World, state: &Path) {
    world.check_checkpoints(state);
}

#[test]
fn a_log_made_anew_halts_and_nothing_is_written() {
    let first = sound(1, 300, 0);
    let (other, why) = on_another_log(&first, &sound(2, 300, 0));
    assert!(
        why.contains("re-created") && why.contains("definition.hash_key"),
        "{why}"
    );
    assert_eq!(other.hot.stored_offset(0), None);
    assert_eq!(other.history.stored_offset(0), None);
    // One record that differs is enough, if it is the last that was folded.
    let mut differs = first.clone();
    differs[299].headers = Vec::new();
    differs[299].value.extend_from_slice(&[0x9a, 0x06, 0]);
    let (_, why) = on_another_log(&first, &differs);
    assert!(why.contains("offset 299"), "{why}");
}

#[test]
fn a_truncated_log_halts_and_nothing_is_written() {
    let first = sound(1, 300, 0);
    let (other, why) = on_another_log(&first, &first[..299]);
    assert!(why.contains("0 to 299") && why.contains("300"), "{why}");
    assert!(why.contains("truncated"), "{why}");
    assert_eq!(other.hot.stored_offset(0), None);
    let (_, why) = on_another_log(&first, &[]);
    assert!(why.contains("0 to 0"), "{why}");
}

#[test]
fn a_damaged_checkpoint_halts_its_partition_and_no_other() {
    let world = calm();
    world.append(sound(1, 200, 0));
    world.append(sound(1, 200, 1));
    let state = tempfile::tempdir().unwrap();
    let processor = world.start(state.path());
    world.wait_until_done(&processor);
    processor.stop();
    let path = processor::checkpoint::Checkpoint::path(state.path(), &world.definition, 0);
    let file = rusqlite::Connection::open(path).unwrap();
    let damage = "UPDATE rows SET changed_at = 1 WHERE changed_at > 1";
    file.execute_batch(damage).unwrap();
    drop(file);
    let processor = world.start(state.path());
    let why = halted(&processor, 0);
    assert!(
        why.contains("damaged") && why.contains("0000.sqlite"),
        "{why}"
    );
    world.append(sound(2, 20, 1));
    let end = world.ends()[1];
    wait_for("the other partition to go on", || {
        let partitions = processor.status().partitions();
        partitions
            .get(&1)
            .is_some_and(|status| status.next_offset == end)
    });
    processor.stop();
}

#[test]
fn a_partition_that_the_log_halts_goes_on_saying_so() {
    let world = calm();
    world.append(sound(1, 100, 0));
    let state = tempfile::tempdir().unwrap();
    let script = Script::default();
    let processor = script.start(&world, world.settings(state.path()), true);
    script.assign(&[0, 1]);
    script.deliver(0, 0, 50);
    script.halt(0, "trimmed under our feet");
    // What came before is still folded, and each step of the worker reports.
    wait_for("what came before to be folded and kept", || {
        let partitions = processor.status().partitions();
        partitions.get(&0).is_some_and(|status| {
            (status.next_offset, status.checkpointed) == (50, 50)
                && status.stored.get("hot") == Some(&50)
        })
    });
    let why = halted(&processor, 0);
    assert!(why.contains("trimmed under our feet"), "{why}");
    processor.stop();
}

/// A log whose leaders are being elected: it answers no question but every fourth and fifth.
struct Unsettled {
    log: Box<dyn Reader>,
    questions: u32,
}

impl Unsettled {
    fn answers(&mut self) -> Result<&mut dyn Reader, Error> {
        self.questions += 1;
        match self.questions % 5 {
            0 | 4 => Ok(self.log.as_mut()),
            _ => Err(Error::Transient("no leader".to_owned())),
        }
    }
}

impl Reader for Unsettled {
    fn partitions(&mut self) -> Result<u32, Error> {
        self.answers()?.partitions()
    }

    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        self.answers()?.bounds(partition)
    }

    fn read(
        &mut self,
        partition: u32,
        from: u64,
        to: u64,
        visit: &mut dyn FnMut(&Batch) -> bool,
    ) -> Result<(), Error> {
        self.log.read(partition, from, to, visit)
    }
}

#[test]
fn a_log_that_does_not_answer_while_partitions_are_assigned_halts_nothing() {
    let world = calm();
    world.append(sound(1, 200, 0));
    world.append(sound(2, 200, 1));
    let state = tempfile::tempdir().unwrap();
    let parts = Parts {
        reader: Box::new(Unsettled {
            log: world.log.reader(crate::world::EVENTS).unwrap(),
            questions: 0,
        }),
        ..world.parts(true)
    };
    let join = |positions| world.log.consumer(crate::world::EVENTS, positions);
    let processor = Processor::start(world.settings(state.path()), parts, join).unwrap();
    world.wait_until_done(&processor);
    world.wait_until_stored();
    processor.stop();
}
