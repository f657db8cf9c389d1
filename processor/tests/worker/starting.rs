//! A partition whose start fails, for now or for good; and a processor whose log can't be polled any more.

use std::path::Path;

use log::Error;
use processor::checkpoint::Checkpoint;
use processor::snapshots::Schedule;
use processor::{Parts, Processor, Settings};

use crate::halted;
use crate::objects::Objects;
use crate::script::Script;
use crate::traffic::Traffic;
use crate::world::{EVENTS, START, World};

const PARTITIONS: u32 = 2;

fn calm(seed: u64, records: usize) -> World {
    let world = World::new(PARTITIONS, 1);
    world.hot.calm();
    world.history.calm();
    world.append(Traffic::new(seed, PARTITIONS, 40).take(records, START));
    world
}

fn start(world: &World, state: &Path, objects: &Objects) -> Processor {
    let settings = Settings {
        snapshots: Schedule {
            ahead: 1,
            ..Schedule::default()
        },
        ..world.settings(state)
    };
    let parts = Parts {
        snapshots: Some(objects.store()),
        ..world.parts(true)
    };
    let join = |positions| world.log.consumer(EVENTS, positions);
    Processor::start(settings, parts, join).unwrap()
}

/// Why every partition stands still, once all do.
fn all_halted(processor: &Processor) -> Vec<String> {
    let partitions = 0..PARTITIONS;
    partitions.map(|of| halted(processor, of)).collect()
}

#[test]
fn a_state_folder_that_can_not_be_written_for_a_while_delays_its_partitions_and_no_more() {
    let world = calm(1, 200);
    let state = tempfile::tempdir().unwrap();
    let in_the_way = state.path().join(world.definition.id());
    std::fs::write(&in_the_way, "").unwrap();
    let processor = world.start(state.path());
    for why in all_halted(&processor) {
        assert!(why.contains("tried again"), "{why}");
    }
    std::fs::remove_file(in_the_way).unwrap();
    world.wait_until_done(&processor);
    world.wait_until_stored();
    for of in processor.status().partitions().values() {
        assert_eq!(of.halted, None);
    }
    processor.stop();
    world.check_checkpoints(state.path());
}

#[test]
fn a_machine_without_checkpoints_knows_by_the_snapshots_that_the_log_is_another_one() {
    let objects = Objects::new();
    let old = calm(1, 400);
    let state = tempfile::tempdir().unwrap();
    let processor = start(&old, state.path(), &objects);
    old.wait_until_done(&processor);
    processor.stop();
    for (records, says) in [
        (100, "the log ends at"),
        (1_000, "is not the one that was folded"),
    ] {
        let new = calm(2, records);
        let empty = tempfile::tempdir().unwrap();
        let processor = start(&new, empty.path(), &objects);
        for why in all_halted(&processor) {
            assert!(why.contains(says) && why.contains("re-created"), "{why}");
        }
        processor.stop();
    }
}

#[test]
fn no_checkpoint_is_removed_before_the_one_that_outran_it_is_found_to_be_of_this_log() {
    let (ours, other) = (calm(1, 100), calm(2, 400));
    let (state, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (world, folder) in [(&ours, &state), (&other, &theirs)] {
        let processor = world.start(folder.path());
        world.wait_until_done(&processor);
        processor.stop();
    }
    let path = |folder: &Path| Checkpoint::path(folder, &ours.definition, 0);
    let usual = path(state.path());
    let beside = usual.with_extension("0123456789ab.sqlite");
    std::fs::rename(&usual, &beside).unwrap();
    std::fs::rename(usual.with_extension("lock"), beside.with_extension("lock")).unwrap();
    std::fs::rename(path(theirs.path()), &usual).unwrap();
    let processor = ours.start(state.path());
    let why = halted(&processor, 0);
    assert!(why.contains("re-created"), "{why}");
    processor.stop();
    assert!(beside.exists() && usual.exists(), "the sound one is gone");
}

#[test]
fn a_log_that_can_not_be_polled_any_more_ends_the_processor_with_why() {
    let cases = [
        (
            Some(Error::Fatal("this member can't go on".to_owned())),
            "can't go on",
        ),
        (None, "died"),
    ];
    for (error, says) in cases {
        let world = calm(1, 100);
        let state = tempfile::tempdir().unwrap();
        let script = Script::default();
        let processor = script.start(&world, world.settings(state.path()), true);
        script.assign(&[0, 1]);
        for (partition, end) in (0..).zip(world.ends()) {
            script.deliver(partition, 0, end);
        }
        world.wait_until_done(&processor);
        script.fail(Error::Transient("a broker is away".to_owned()));
        match error {
            Some(error) => script.fail(error),
            None => script.die(),
        }
        let why = world.runtime.block_on(processor.ended());
        assert!(why.contains(says), "{why}");
        processor.stop();
        world.check_checkpoints(state.path());
    }
}
