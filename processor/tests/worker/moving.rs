//! Partitions move by snapshots to machines that have never seen them, whatever became of the store or the snapshots.

use std::sync::Arc;
use std::time::Duration;

use log::{Batch, Bounds, Error, Reader};
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::definition::Definition;
use processor::snapshots::{Schedule, Store};

use crate::machines::{
    PARTITIONS, at_the_end, calm, ends_well, files, fold_elsewhere, fold_elsewhere_as, start,
    start_reading, started,
};
use crate::objects::{Death, Objects};
use crate::traffic::Traffic;
use crate::world::{EVENTS, START, World};
use crate::{halted, wait_for};

#[test]
fn a_partition_goes_on_from_its_snapshot_on_a_machine_that_has_never_seen_it() {
    let world = calm(300);
    let objects = Objects::new();
    fold_elsewhere(&world, objects.store());
    let ends = world.ends();
    let state = tempfile::tempdir().unwrap();
    let processor = start(&world, state.path(), objects.store(), at_the_end());
    let expected: Vec<_> = ends.iter().map(|end| ("snapshot", *end)).collect();
    assert_eq!(started(&processor), expected);
    ends_well(&world, processor, state.path());
    let calls = objects.calls.lock().unwrap().clone();
    assert!(calls.contains(&"part"), "in several parts: {calls:?}");
    // Nothing is left on its way.
    assert_eq!(files(&state.path().join("staging")), Vec::<String>::new());
}

#[test]
fn snapshots_are_taken_on_schedule_and_the_newest_are_kept() {
    let world = calm(100);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let store = Store::open(&url, &[].into()).unwrap();
    let schedule = Schedule {
        every: Duration::from_millis(10),
        keep: 2,
        ..at_the_end()
    };
    let state = tempfile::tempdir().unwrap();
    let processor = start(&world, state.path(), store.clone(), schedule);
    let of = |partition: u32| {
        let folder = folder.path().join(world.definition.id());
        files(&folder.join(format!("{partition:04}")))
    };
    let mut traffic = Traffic::new(2, PARTITIONS, 40);
    for _ in 0..6 {
        world.append(traffic.take(50, START));
        let ends = world.ends();
        wait_for(
            "snapshots of the log's end, and two of each partition at most",
            || {
                (0..PARTITIONS).all(|partition| {
                    let names = of(partition);
                    let newest = format!("{:020}.sqlite", ends[partition as usize]);
                    names.last() == Some(&newest) && names.len() <= 2
                })
            },
        );
    }
    processor.stop();
    assert_eq!([of(0).len(), of(1).len()], [2, 2]);
    let other = tempfile::tempdir().unwrap();
    let processor = start(&world, other.path(), store, at_the_end());
    assert!(
        started(&processor)
            .iter()
            .all(|(from, _)| *from == "snapshot")
    );
    ends_well(&world, processor, other.path());
}

#[test]
fn a_store_that_dies_at_any_call_leaves_snapshots_that_are_whole() {
    let (mut cases, mut restored) = (0, 0);
    for death in [Death::Before, Death::After] {
        for calls in 1.. {
            let world = calm(120);
            let objects = Objects::dying(calls, death);
            let schedule = Schedule {
                every: Duration::from_millis(5),
                keep: 1,
                ..at_the_end()
            };
            let state = tempfile::tempdir().unwrap();
            let processor = start(&world, state.path(), objects.store(), schedule);
            world.wait_until_done(&processor);
            world.append(Traffic::new(3, PARTITIONS, 40).take(60, START));
            world.wait_until_done(&processor);
            processor.stop();
            // On this machine nothing was lost; on another what is there is used.
            world.check_checkpoints(state.path());
            let other = tempfile::tempdir().unwrap();
            let processor = start(
                &world,
                other.path(),
                objects.revived().store(),
                at_the_end(),
            );
            let from = started(&processor);
            restored += from.iter().filter(|(from, _)| *from == "snapshot").count();
            ends_well(&world, processor, other.path());
            cases += 1;
            // Two snapshots of each partition, each put and pruned, are behind us.
            if calls > 30 {
                break;
            }
        }
    }
    println!("{cases} deaths, {restored} partitions restored");
    assert!(restored > cases / 2, "{restored} of {cases}");
}

/// Changes the newest snapshot of partition 0.
fn change(world: &World, objects: &Objects, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    world.runtime.block_on(async {
        let names = objects.names().await;
        let mut of_0 = names.iter().filter(|name| name.contains("/0000/"));
        let newest = object_store::path::Path::from(of_0.next_back().unwrap().as_str());
        let bytes = objects.inner.get(&newest).await.unwrap().bytes().await;
        let changed = change(bytes.unwrap().to_vec());
        let payload = PutPayload::from(changed);
        objects.inner.put(&newest, payload).await.unwrap();
        newest.to_string()
    })
}

#[test]
fn a_damaged_snapshot_is_refused_and_the_next_older_is_used() {
    let world = calm(200);
    let objects = Objects::new();
    fold_elsewhere(&world, objects.store());
    let older = world.ends();
    world.append(Traffic::new(5, PARTITIONS, 40).take(200, START));
    fold_elsewhere(&world, objects.store());
    let newer = world.ends();
    let damage = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    change(&world, &objects, damage);
    let state = tempfile::tempdir().unwrap();
    let processor = start(&world, state.path(), objects.store(), at_the_end());
    let expected = [("snapshot", older[0]), ("snapshot", newer[1])];
    assert_eq!(started(&processor), expected);
    ends_well(&world, processor, state.path());
}

#[test]
fn snapshots_of_another_partition_or_offset_are_refused_and_the_log_is_folded_from_its_start() {
    let world = calm(200);
    let objects = Objects::new();
    fold_elsewhere(&world, objects.store());
    let names = world.runtime.block_on(objects.names());
    let [zero, one] = &names[..] else {
        panic!("{names:?}");
    };
    let mischief = [
        ("another partition", one, zero.clone()),
        ("another offset", zero, {
            let (folder, _) = zero.rsplit_once('/').unwrap();
            format!("{folder}/00000000000000000050.sqlite")
        }),
    ];
    for (what, source, target) in mischief {
        let only = Objects::new();
        world.runtime.block_on(async {
            let path = object_store::path::Path::from(source.as_str());
            let bytes = objects
                .inner
                .get(&path)
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
            let target = object_store::path::Path::from(target);
            only.inner.put(&target, bytes.into()).await.unwrap();
        });
        let state = tempfile::tempdir().unwrap();
        let processor = start(&world, state.path(), only.store(), at_the_end());
        assert_eq!(started(&processor)[0], ("log", 0), "{what}");
        world.wait_until_done(&processor);
        processor.stop();
        world.check_checkpoints(state.path());
    }
}

#[test]
fn a_snapshot_of_another_definition_is_refused_and_the_next_older_is_used() {
    let world = calm(200);
    let objects = Objects::new();
    fold_elsewhere(&world, objects.store());
    let older = world.ends();
    world.append(Traffic::new(5, PARTITIONS, 40).take(200, START));
    type Change = fn(&mut Definition);
    let changes: [(&str, Change); 4] = [
        ("hash key", |of| of.hash_key = "ff".repeat(16)),
        ("time zone", |of| of.time_zone = "Europe/Berlin".to_owned()),
        ("dedup window", |of| of.dedup_slot_ms *= 2),
        ("limit", |of| of.limits.names -= 1),
    ];
    for (what, change) in changes {
        let mut other = (*world.definition).clone();
        change(&mut other);
        let foreign = Objects::new();
        fold_elsewhere_as(&world, Arc::new(other.clone()), foreign.store());
        // It lies where ours would, under the name that ours would have.
        world.runtime.block_on(async {
            for name in foreign.names().await {
                let path = object_store::path::Path::from(name.as_str());
                let bytes = foreign.inner.get(&path).await.unwrap().bytes().await;
                let ours = name.replace(&other.id(), &world.definition.id());
                assert_ne!(ours, name);
                let ours = object_store::path::Path::from(ours);
                objects
                    .inner
                    .put(&ours, bytes.unwrap().into())
                    .await
                    .unwrap();
            }
        });
        let state = tempfile::tempdir().unwrap();
        let processor = start(&world, state.path(), objects.store(), at_the_end());
        let expected = [("snapshot", older[0]), ("snapshot", older[1])];
        assert_eq!(started(&processor), expected, "{what}");
        world.wait_until_done(&processor);
        processor.stop();
        world.check_checkpoints(state.path());
    }
}

/// A log whose records before `start` are gone.
struct Trimmed {
    log: Box<dyn Reader>,
    start: u64,
}

impl Reader for Trimmed {
    fn partitions(&mut self) -> Result<u32, Error> {
        self.log.partitions()
    }

    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        let bounds = self.log.bounds(partition)?;
        Ok(Bounds {
            start: self.start,
            ..bounds
        })
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
fn a_trimmed_log_is_folded_on_from_a_snapshot_and_without_one_the_partition_halts() {
    let world = calm(300);
    let objects = Objects::new();
    fold_elsewhere(&world, objects.store());
    let trimmed = || {
        Box::new(Trimmed {
            log: world.log.reader(EVENTS).unwrap(),
            start: 20,
        })
    };
    let state = tempfile::tempdir().unwrap();
    let none = Objects::new().store();
    let processor = start_reading(&world, state.path(), none, at_the_end(), trimmed());
    let why = halted(&processor, 0);
    assert!(
        why.contains("begins at offset 20") && why.contains("snapshots.url"),
        "{why}"
    );
    processor.stop();

    let store = objects.store();
    let processor = start_reading(&world, state.path(), store, at_the_end(), trimmed());
    assert!(
        started(&processor)
            .iter()
            .all(|(from, _)| *from == "snapshot")
    );
    ends_well(&world, processor, state.path());
}

#[test]
fn a_damaged_checkpoint_is_set_aside_where_there_are_snapshots() {
    for damage in [
        "UPDATE rows SET changed_at = 1 WHERE changed_at > 1",
        "PRAGMA user_version = 7",
    ] {
        let world = calm(300);
        let objects = Objects::new();
        let state = tempfile::tempdir().unwrap();
        let processor = start(&world, state.path(), objects.store(), at_the_end());
        world.wait_until_done(&processor);
        processor.stop();
        let path = processor::checkpoint::Checkpoint::path(state.path(), &world.definition, 0);
        let file = rusqlite::Connection::open(&path).unwrap();
        file.execute_batch(damage).unwrap();
        drop(file);
        let ends = world.ends();
        let processor = start(&world, state.path(), objects.store(), at_the_end());
        let expected = [("snapshot", ends[0]), ("checkpoint", ends[1])];
        assert_eq!(started(&processor), expected, "{damage}");
        ends_well(&world, processor, state.path());
        let names = files(path.parent().unwrap());
        let aside = names
            .iter()
            .filter(|name| name.starts_with("0000.sqlite.damaged-"));
        assert_eq!(aside.count(), 1, "{names:?}");
    }
}

#[test]
fn a_snapshot_much_further_than_the_checkpoint_at_hand_is_used_and_one_a_little_further_is_not() {
    let world = calm(200);
    let state = tempfile::tempdir().unwrap();
    let objects = Objects::new();
    let processor = start(&world, state.path(), objects.store(), at_the_end());
    world.wait_until_done(&processor);
    processor.stop();
    let before = world.ends();
    world.append(Traffic::new(4, PARTITIONS, 40).take(400, START));
    let after = world.ends();
    fold_elsewhere(&world, objects.store());
    let least = |p: usize| after[p] - before[p];
    let copy = world.left_by_a_kill(state.path());
    let a_little = Schedule {
        ahead: least(0).max(least(1)) + 1,
        ..at_the_end()
    };
    let processor = start(&world, copy.path(), objects.store(), a_little);
    let expected = [("checkpoint", before[0]), ("checkpoint", before[1])];
    assert_eq!(started(&processor), expected);
    world.wait_until_done(&processor);
    processor.stop();
    let much = Schedule {
        ahead: least(0).min(least(1)),
        ..at_the_end()
    };
    let processor = start(&world, state.path(), objects.store(), much);
    let expected = [("snapshot", after[0]), ("snapshot", after[1])];
    assert_eq!(started(&processor), expected);
    ends_well(&world, processor, state.path());
}

#[test]
fn a_store_that_never_answers_keeps_no_partition_from_starting_and_no_process_from_ending() {
    let world = calm(100);
    let state = tempfile::tempdir().unwrap();
    let schedule = Schedule {
        every: Duration::from_millis(20),
        last: Duration::from_millis(300),
        fetching: Duration::from_millis(100),
        ..at_the_end()
    };
    let processor = start(&world, state.path(), Objects::silent().store(), schedule);
    assert_eq!(started(&processor), [("log", 0), ("log", 0)]);
    ends_well(&world, processor, state.path());
}
