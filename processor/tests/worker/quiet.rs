//! What a processor does when no records come, and when it is told to stop.

use std::time::Duration;

use processor::Settings;
use processor::checkpoint::Checkpoint;

use crate::traffic::Traffic;
use crate::wait_for;
use crate::world::{START, World};

/// A world of calm stores with this many records.
fn calm(records: usize) -> World {
    let world = World::new(2, 1);
    world.hot.calm();
    world.history.calm();
    world.append(Traffic::new(1, 2, 20).take(records, START));
    world
}

#[test]
fn a_store_that_falls_back_while_no_records_come_is_brought_up_again() {
    let world = calm(200);
    let state = tempfile::tempdir().unwrap();
    let processor = world.start(state.path());
    world.wait_until_stored();
    world.append(Traffic::new(2, 2, 20).take(200, START));
    world.wait_until_stored();
    world.hot.fall_back(0);
    world.hot.wipe(1);
    world.history.wipe(0);
    world.wait_until_stored();
    assert_eq!(world.hot.wrong(), Vec::<String>::new());
    // What follows is sent as changes again.
    let fills = world.hot.seen().fills;
    world.append(Traffic::new(3, 2, 20).take(50, START));
    world.wait_until_stored();
    assert_eq!(world.hot.seen().fills, fills);
    processor.stop();
}

#[test]
fn a_partition_without_records_is_made_known_to_the_stores() {
    let world = calm(0);
    let state = tempfile::tempdir().unwrap();
    let processor = world.start(state.path());
    wait_for("both stores to hold both empty partitions", || {
        let stores = [&world.hot, &world.history];
        stores.iter().all(|store| {
            [0, 1]
                .iter()
                .all(|partition| store.stored_offset(*partition) == Some(0))
        })
    });
    processor.stop();
}

#[test]
fn stopping_brings_stores_and_checkpoints_to_the_last_record() {
    for _ in 0..5 {
        let world = calm(100);
        let state = tempfile::tempdir().unwrap();
        // Nothing is projected or kept in time.
        let settings = Settings {
            checkpoint_every: Duration::from_secs(3_600),
            hot_every: Duration::from_secs(3_600),
            history_every: Duration::from_secs(3_600),
            ..world.settings(state.path())
        };
        let processor = world.start_with(settings, true);
        world.wait_until_stored();
        world.append(Traffic::new(2, 2, 20).take(100, START));
        let ends = world.ends();
        wait_for("the records to be folded", || {
            let partitions = processor.status().partitions();
            ends.iter()
                .enumerate()
                .all(|(p, end)| partitions[&(p as u32)].next_offset == *end)
        });
        processor.stop();
        for partition in [0, 1] {
            assert!(world.hot.is_whole(partition), "the hot views lag behind");
            assert!(world.history.is_whole(partition), "the history lags behind");
        }
        world.check_checkpoints(state.path());
    }
}

#[test]
fn stopping_amid_records_brings_stores_to_what_was_folded() {
    let world = calm(100);
    let state = tempfile::tempdir().unwrap();
    let mut traffic = Traffic::new(2, 2, 20);
    let mut folded = Vec::new();
    for round in 0..20 {
        let settings = Settings {
            hot_every: Duration::from_secs(3_600),
            history_every: Duration::from_secs(3_600),
            ..world.settings(state.path())
        };
        let processor = world.start_with(settings, true);
        // After this the next projection is an hour away.
        world.append(traffic.take(50, START));
        world.wait_until_stored();
        world.append(traffic.take(300, START));
        std::thread::sleep(Duration::from_micros(round * 200));
        processor.stop();
        for partition in [0, 1] {
            let file = Checkpoint::open(state.path(), &world.definition, partition).unwrap();
            let (next_offset, _) = file.position().unwrap().unwrap();
            assert_eq!(world.hot.stored_offset(partition), Some(next_offset));
            assert_eq!(world.history.stored_offset(partition), Some(next_offset));
            folded.push(next_offset);
        }
    }
    println!("folded up to {folded:?}");
}
