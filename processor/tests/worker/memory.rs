//! At the limit of memory all partitions pause; they go on when enough of it is free again.

use processor::Settings;

use crate::script::Script;
use crate::traffic::Traffic;
use crate::wait_for;
use crate::world::{START, World};

const PARTITIONS: u32 = 3;
/// So many misrouted records halt a partition.
const HALTING: usize = 100;
/// More batches than a worker's queue takes.
const BATCHES: usize = 20;

#[test]
fn partitions_pause_at_the_memory_limit_and_resume_below_it() {
    let world = World::new(PARTITIONS, 1);
    world.append(Traffic::new(1, PARTITIONS, 2_000).take(3_000, START));
    let ends = world.ends();
    let state = tempfile::tempdir().unwrap();
    let script = Script::default();
    // Less than two partitions take, more than one.
    let whole: Vec<_> = (0..PARTITIONS)
        .map(|partition| world.judge.lock().unwrap().whole(partition).memory())
        .collect();
    let settings = Settings {
        memory_limit: whole.iter().max().unwrap() * 3 / 2,
        ..world.settings(state.path())
    };
    let processor = script.start(&world, settings, false);
    let folded = |partition: u32, to: u64| {
        wait_for("records to be folded", || {
            let partitions = processor.status().partitions();
            partitions
                .get(&partition)
                .is_some_and(|s| s.next_offset == to)
        });
    };
    script.assign(&[0, 1]);
    script.deliver(0, 0, ends[0]);
    folded(0, ends[0]);
    script.deliver(1, 0, ends[1] / 10);
    folded(1, ends[1] / 10);
    assert!(
        !script.is_paused(0) && !script.is_paused(1),
        "paused below the limit"
    );
    script.deliver(1, ends[1] / 10, ends[1]);
    wait_for("both to pause", || {
        script.is_paused(0) && script.is_paused(1)
    });
    // What was fetched already is folded, not dropped.
    folded(1, ends[1]);
    // One that is assigned meanwhile pauses too.
    script.assign(&[2]);
    wait_for("the new one to pause", || script.is_paused(2));
    script.revoke(&[0]);
    wait_for("the others to resume", || {
        !script.is_paused(1) && !script.is_paused(2)
    });
    script.deliver(2, 0, ends[2]);
    wait_for("both to pause again", || {
        script.is_paused(1) && script.is_paused(2)
    });
    folded(2, ends[2]);
    processor.stop();
}

#[test]
fn a_partition_without_room_stays_paused_when_memory_is_free_again() {
    let world = World::new(PARTITIONS, 1);
    let mut strays = Traffic::new(2, PARTITIONS, 50);
    strays.faults = 0;
    let mut strays = strays.take(800, START);
    strays.retain(|record| schemas::partition::partition_of(&record.key, PARTITIONS) != 0);
    strays.truncate(HALTING + BATCHES);
    for record in &mut strays {
        record.partition = Some(0);
    }
    world.append(strays);
    world.append(Traffic::new(1, PARTITIONS, 2_000).take(3_000, START));
    let ends = world.ends();
    let state = tempfile::tempdir().unwrap();
    let script = Script::default();
    let whole = [1, 2].map(|partition| world.judge.lock().unwrap().whole(partition).memory());
    let settings = Settings {
        memory_limit: whole.iter().max().unwrap() * 3 / 2,
        ..world.settings(state.path())
    };
    let processor = script.start(&world, settings, false);
    script.assign(&[0, 1, 2]);
    script.deliver(0, 0, HALTING as u64);
    wait_for("the partition of strays to halt", || {
        let partitions = processor.status().partitions();
        partitions.get(&0).is_some_and(|of| of.halted.is_some())
    });
    for offset in HALTING..HALTING + BATCHES {
        script.deliver(0, offset as u64, offset as u64 + 1);
    }
    wait_for("its queue to be full", || script.is_paused(0));
    assert!(!script.is_paused(1), "paused below the limit");
    script.deliver(1, 0, ends[1]);
    script.deliver(2, 0, ends[2]);
    wait_for("the others to pause", || script.is_paused(1));
    script.revoke(&[2]);
    wait_for("the one with room to resume", || !script.is_paused(1));
    assert!(script.is_paused(0), "what is fetched of it would pile up");
    processor.stop();
}
