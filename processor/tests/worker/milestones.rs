//! Two owners of one partition have digests at equal offsets, whenever each takes its checkpoints.

use std::sync::atomic::Ordering;
use std::time::Duration;

use processor::milestones::Milestone;
use processor::{Processor, Settings};

use crate::traffic::Traffic;
use crate::wait_for;
use crate::world::World;

const MINUTE_MS: i64 = 60_000;

fn milestones(processor: &Processor) -> Vec<Milestone> {
    let partitions = processor.status().partitions();
    partitions[&0]
        .milestones
        .iter()
        .flatten()
        .copied()
        .collect()
}

#[test]
fn owners_that_checkpoint_at_different_times_have_equal_digests_at_equal_offsets() {
    let world = World::new(1, 1);
    let mut traffic = Traffic::new(1, 1, 40);
    // Records that are old make no milestones.
    let start = jiff::Timestamp::now().as_millisecond();
    let often = tempfile::tempdir().unwrap();
    let first = world.start_with(world.settings(often.path()), false);
    let mut entered = Vec::new();
    for minute in 0..3 {
        let now = start + minute * MINUTE_MS;
        world.now.store(now, Ordering::Relaxed);
        entered.push(world.ends()[0]);
        world.append(traffic.take(70, now));
        // Its checkpoint is written: the next minute finds it free to take another.
        world.wait_until_done(&first);
    }
    let mut found = milestones(&first);
    found.sort_by_key(|of| of.offset);
    let offsets: Vec<u64> = found.iter().map(|of| of.offset).collect();
    assert_eq!(offsets, entered[1..], "the offset before each minute");
    first.stop();

    let seldom = tempfile::tempdir().unwrap();
    let settings = Settings {
        checkpoint_every: Duration::from_secs(3_600),
        ..world.settings(seldom.path())
    };
    let second = world.start_with(settings, false);
    let end = world.ends()[0];
    wait_for("the other owner to fold the log", || {
        let partitions = second.status().partitions();
        partitions.get(&0).is_some_and(|of| of.next_offset == end)
    });
    let others = milestones(&second);
    second.stop();
    assert!(!others.is_empty());
    for milestone in others {
        assert!(found.contains(&milestone), "{milestone:?} of {found:?}");
    }
}
