//! A real process with a log, a processor and its checkpoints, killed with SIGKILL again and again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::embedded::Log;
use pipeline::aggregate::Reader;
use processor::snapshots::{Schedule, Store};
use processor::{Parts, Processor, Settings};
use views::Views;

use crate::judge::Judge;
use crate::random::Random;
use crate::store::Store as Sink;
use crate::traffic::Traffic;
use crate::wait_for;
use crate::world::{DEAD_LETTERS, EVENTS, World, definition};

const FOLDER: &str = "FOOTFALL_TEST_PROCESSOR_FOLDER";
const KILLS: u64 = 8;
const PARTITIONS: u32 = 2;

pub fn open(folder: &Path) -> Arc<Log> {
    Log::open(&folder.join("log.sqlite"), PARTITIONS).unwrap()
}

/// In the folder, as an object store would be elsewhere.
fn snapshots(folder: &Path) -> Store {
    let url = format!("file://{}", folder.join("snapshots").display());
    Store::open(&url, &[].into()).unwrap()
}

fn start(folder: &Path, log: &Arc<Log>, runtime: &tokio::runtime::Runtime) -> Processor {
    let settings = Settings {
        checkpoint_every: Duration::from_millis(5),
        snapshots: Schedule {
            every: Duration::from_millis(10),
            ahead: 1,
            ..Schedule::default()
        },
        ..Settings::new(definition(PARTITIONS), folder.join("state"))
    };
    let parts = Parts {
        reader: log.reader(EVENTS).unwrap(),
        dead_letters: log.producer(DEAD_LETTERS).unwrap(),
        hot: None,
        history: None,
        snapshots: Some(snapshots(folder)),
        runtime: runtime.handle().clone(),
    };
    Processor::start(settings, parts, |positions| log.consumer(EVENTS, positions)).unwrap()
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap()
}

/// Not a test by itself: appends and processes until it is killed.
#[test]
#[ignore = "is started by a_killed_processor_goes_on_and_loses_nothing"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let (log, runtime) = (open(folder), runtime());
    let _processor = start(folder, &log, &runtime);
    let round: u64 = std::fs::read_to_string(folder.join("round"))
        .unwrap()
        .parse()
        .unwrap();
    let mut traffic = Traffic::new(round, PARTITIONS, 40);
    let producer = log.producer(EVENTS).unwrap();
    loop {
        let now = jiff::Timestamp::now().as_millisecond();
        producer.append(traffic.take(20, now)).unwrap();
        std::fs::write(folder.join("started"), "").unwrap();
    }
}

#[test]
fn a_killed_processor_goes_on_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut random = Random::new(7);
    for round in 0..KILLS {
        let started = folder.join("started");
        let _ = std::fs::remove_file(&started);
        std::fs::write(folder.join("round"), round.to_string()).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "killed::child", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("the child to start", || {
            assert_eq!(child.try_wait().unwrap(), None, "the child could not go on");
            started.exists()
        });
        std::thread::sleep(Duration::from_millis(random.below(150)));
        // SIGKILL: nothing of it runs any more.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    check(folder);
}

/// What a process that is not killed makes of it all.
fn check(folder: &Path) {
    let (log, runtime) = (open(folder), runtime());
    let reader = log.reader(EVENTS).unwrap();
    let judge = Arc::new(Mutex::new(Judge::new(definition(PARTITIONS), reader)));
    let store = |reader| Arc::new(Sink::new("none", reader, judge.clone(), 0));
    let world = World {
        definition: definition(PARTITIONS),
        log: log.clone(),
        judge: judge.clone(),
        hot: store(Reader::Hot),
        history: store(Reader::History),
        now: Arc::default(),
        runtime,
        _folder: tempfile::tempdir().unwrap(),
    };
    let processor = start(folder, &log, &world.runtime);
    world.wait_until_done(&processor);
    let (_, cells) = world.runtime.block_on(processor.views().dump()).unwrap();
    assert!(
        cells == judge.lock().unwrap().cells(),
        "the fold's own view"
    );
    processor.stop();
    world.check_checkpoints(&folder.join("state"));
    // Each snapshot that the killed ones left is whole: on another machine the newest is gone on from.
    std::fs::remove_dir_all(folder.join("state")).unwrap();
    let processor = start(folder, &log, &world.runtime);
    world.wait_until_done(&processor);
    let from = processor.status().partitions();
    let from: Vec<_> = from.values().map(|of| of.started).collect();
    let expected = world.ends().into_iter().map(|end| Some(("snapshot", end)));
    assert_eq!(from, expected.collect::<Vec<_>>());
    processor.stop();
    world.check_checkpoints(&folder.join("state"));
    let letters = world.check_letters();
    println!(
        "{KILLS} kills, {:?} records, {letters} letters",
        world.ends()
    );
    assert!(letters > 0 && world.ends().iter().all(|end| *end > 0));
}
