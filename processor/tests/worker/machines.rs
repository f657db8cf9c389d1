//! Machines of their own: processors on empty folders, with a place for snapshots between them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use log::Reader;
use pipeline::definition::Definition;
use processor::snapshots::{Schedule, Store};
use processor::{Parts, Processor, Settings};

use crate::traffic::Traffic;
use crate::wait_for;
use crate::world::{EVENTS, START, World};

pub const PARTITIONS: u32 = 2;

pub fn calm(records: usize) -> World {
    let world = World::new(PARTITIONS, 1);
    world.hot.calm();
    world.history.calm();
    world.append(Traffic::new(1, PARTITIONS, 40).take(records, START));
    world
}

/// No snapshot but the last; any that is further is worth fetching.
pub fn at_the_end() -> Schedule {
    Schedule {
        every: Duration::from_secs(3_600),
        ahead: 1,
        ..Schedule::default()
    }
}

fn settings(world: &World, state: &Path, snapshots: Schedule) -> Settings {
    Settings {
        snapshots,
        handover: Duration::from_millis(50),
        ..world.settings(state)
    }
}

pub fn start(world: &World, state: &Path, store: Store, schedule: Schedule) -> Processor {
    let reader = world.log.reader(EVENTS).unwrap();
    start_reading(world, state, store, schedule, reader)
}

pub fn start_reading(
    world: &World,
    state: &Path,
    store: Store,
    schedule: Schedule,
    reader: Box<dyn Reader>,
) -> Processor {
    let parts = Parts {
        snapshots: Some(store),
        reader,
        ..world.parts(true)
    };
    let join = |positions| world.log.consumer(EVENTS, positions);
    Processor::start(settings(world, state, schedule), parts, join).unwrap()
}

/// Folds everything on a machine of its own, and stops: the last snapshots are at the log's end.
pub fn fold_elsewhere(world: &World, store: Store) {
    let state = tempfile::tempdir().unwrap();
    let processor = start(world, state.path(), store, at_the_end());
    world.wait_until_done(&processor);
    processor.stop();
}

/// Folds everything under another definition, before no store, and stops.
pub fn fold_elsewhere_as(world: &World, definition: Arc<Definition>, store: Store) {
    let state = tempfile::tempdir().unwrap();
    let settings = Settings {
        definition,
        ..settings(world, state.path(), at_the_end())
    };
    let parts = Parts {
        snapshots: Some(store),
        ..world.parts(false)
    };
    let join = |positions| world.log.consumer(EVENTS, positions);
    let processor = Processor::start(settings, parts, join).unwrap();
    world.wait_until_done(&processor);
    processor.stop();
}

/// From where each partition started, and at which offset.
pub fn started(processor: &Processor) -> Vec<(&'static str, u64)> {
    let mut found = Vec::new();
    wait_for("every partition to start", || {
        let partitions = processor.status().partitions();
        found = partitions.values().filter_map(|of| of.started).collect();
        found.len() == PARTITIONS as usize
    });
    found
}

/// Everything is folded, stored, kept and delivered, and each number is right.
pub fn ends_well(world: &World, processor: Processor, state: &Path) {
    world.append(Traffic::new(2, PARTITIONS, 40).take(100, START));
    world.wait_until_done(&processor);
    world.wait_until_stored();
    processor.stop();
    world.check_checkpoints(state);
    world.check_letters();
    assert_eq!(world.hot.wrong(), Vec::<String>::new());
}

/// Names of the files in a folder, in order.
pub fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let names = entries.map(|entry| name(entry).to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
