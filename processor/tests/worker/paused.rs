//! An owner that stands still holds its checkpoints; whoever is given its partitions goes on beside it.

use std::path::Path;
use std::time::Duration;

use processor::checkpoint::Checkpoint;
use processor::{Processor, Settings};

use crate::script::Script;
use crate::traffic::Traffic;
use crate::wait_for;
use crate::world::{START, World};

/// A member of a group that does what the script says.
fn member(world: &World, state: &Path, script: &Script) -> Processor {
    let settings = Settings {
        handover: Duration::from_millis(50),
        ..world.settings(state)
    };
    let processor = script.start(world, settings, true);
    script.assign(&[0, 1]);
    processor
}

fn deliver(world: &World, script: &Script, from: &[u64]) {
    for (partition, end) in (0..).zip(world.ends()) {
        script.deliver(partition, from[partition as usize], end);
    }
}

fn files(world: &World, state: &Path) -> Vec<String> {
    let usual = Checkpoint::path(state, &world.definition, 0);
    let entries = std::fs::read_dir(usual.parent().unwrap()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".sqlite")).collect()
}

fn started(processor: &Processor) -> Vec<(&'static str, u64)> {
    let mut found = Vec::new();
    wait_for("both partitions to start", || {
        let partitions = processor.status().partitions();
        found = partitions.values().filter_map(|of| of.started).collect();
        found.len() == 2
    });
    found
}

#[test]
fn a_new_owner_goes_on_from_a_copy_while_the_old_one_holds_its_files_and_both_may_write() {
    let world = World::new(2, 1);
    world.hot.calm();
    world.history.calm();
    let mut traffic = Traffic::new(1, 2, 40);
    world.append(traffic.take(300, START));
    let state = tempfile::tempdir().unwrap();
    let (old_script, new_script) = (Script::default(), Script::default());
    let old = member(&world, state.path(), &old_script);
    deliver(&world, &old_script, &[0, 0]);
    world.wait_until_done(&old);
    let first = world.ends();

    let new = member(&world, state.path(), &new_script);
    assert_eq!(started(&new), [("copy", first[0]), ("copy", first[1])]);
    assert_eq!(files(&world, state.path()).len(), 4);
    world.append(traffic.take(300, START));
    deliver(&world, &new_script, &first);
    world.wait_until_done(&new);
    world.wait_until_stored();
    // The old one wakes up and folds what it was given; nothing goes back.
    deliver(&world, &old_script, &first);
    world.wait_until_done(&old);
    world.append(traffic.take(100, START));
    let last = world.ends();
    deliver(&world, &new_script, &first);
    world.wait_until_done(&new);
    world.wait_until_stored();
    old.stop();
    new.stop();
    assert_eq!(world.hot.wrong(), Vec::<String>::new());
    assert_eq!(world.history.wrong(), Vec::<String>::new());

    // The furthest of what they left is used, in the usual place, and the rest is gone.
    let script = Script::default();
    let next = member(&world, state.path(), &script);
    assert_eq!(
        started(&next),
        [("checkpoint", last[0]), ("checkpoint", last[1])]
    );
    let mut left = files(&world, state.path());
    left.sort();
    assert_eq!(left, ["0000.sqlite", "0001.sqlite"]);
    next.stop();
    world.check_checkpoints(state.path());
    world.check_letters();
}

#[test]
fn a_file_that_an_owner_of_its_own_left_behind_is_gone_on_from_while_the_usual_one_is_held() {
    let world = World::new(2, 1);
    world.hot.calm();
    world.history.calm();
    world.append(Traffic::new(1, 2, 40).take(200, START));
    let state = tempfile::tempdir().unwrap();
    let old_script = Script::default();
    let old = member(&world, state.path(), &old_script);
    started(&old);
    // It stands still before its first record.
    for _ in 0..2 {
        let script = Script::default();
        let new = member(&world, state.path(), &script);
        let ends = world.ends();
        let from = started(&new);
        let is_new = from == [("log", 0), ("log", 0)];
        let goes_on = from == [("checkpoint", ends[0]), ("checkpoint", ends[1])];
        assert!(is_new || goes_on, "{from:?}");
        deliver(&world, &script, &[0, 0]);
        world.wait_until_done(&new);
        new.stop();
        assert_eq!(files(&world, state.path()).len(), 4);
    }
    let script = Script::default();
    let new = member(&world, state.path(), &script);
    assert!(started(&new).iter().all(|(from, _)| *from == "checkpoint"));
    new.stop();
    old.stop();
    assert_eq!(world.hot.wrong(), Vec::<String>::new());
}
