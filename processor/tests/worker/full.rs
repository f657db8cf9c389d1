//! A disk that is full: a real limit of the operating system on the files a process writes.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use processor::checkpoint::Checkpoint;
use processor::snapshots::{Schedule, Store};
use processor::{Parts, Processor, Settings};

use crate::killed::{open, runtime};
use crate::traffic::Traffic;
use crate::wait_for;
use crate::world::{DEAD_LETTERS, EVENTS, START, definition};

const FOLDER: &str = "FOOTFALL_TEST_FULL_FOLDER";
const PARTITIONS: u32 = 2;
const RECORDS: usize = 6_000;
/// KiB that a file may have while the disk is full: the first checkpoint of the log needs more.
const ROOM: u32 = 96;

/// Not a test by itself: processes what is in the log until it is told to stop, and says how far it is.
#[test]
#[ignore = "is started by the tests of this file"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let (log, runtime) = (open(folder), runtime());
    let store = Store::open(
        &format!("file://{}/snapshots", folder.display()),
        &[].into(),
    );
    let settings = Settings {
        checkpoint_every: Duration::from_millis(20),
        snapshots: Schedule {
            every: Duration::from_millis(50),
            ahead: 1,
            ..Schedule::default()
        },
        ..Settings::new(definition(PARTITIONS), folder.join("state"))
    };
    let parts = Parts {
        reader: log.reader(EVENTS).unwrap(),
        dead_letters: Arc::new(Nowhere),
        hot: None,
        history: None,
        snapshots: Some(store.unwrap()),
        runtime: runtime.handle().clone(),
    };
    let join = |positions| log.consumer(EVENTS, positions);
    let processor = Processor::start(settings, parts, join).unwrap();
    while !folder.join("stop").exists() {
        let partitions = processor.status().partitions();
        let folded: u64 = partitions.values().map(|of| of.next_offset).sum();
        let kept: u64 = partitions.values().map(|of| of.checkpointed).sum();
        // Small enough for any disk, and never seen in part.
        std::fs::write(folder.join("said.new"), format!("{folded} {kept}")).unwrap();
        std::fs::rename(folder.join("said.new"), folder.join("said")).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    processor.stop();
}

/// Takes letters without writing them: the log is on the full disk.
struct Nowhere;

impl log::Producer for Nowhere {
    fn append(&self, _: Vec<log::NewRecord>) -> Result<Vec<log::Appended>, log::Error> {
        Ok(Vec::new())
    }
}

/// A process on a disk with so little room. Writing more fails, as on a full disk; it is no signal's doing.
fn start(folder: &Path, room: &str) -> Child {
    let _ = std::fs::remove_file(folder.join("said"));
    let script =
        format!("trap '' XFSZ; ulimit -S -f {room}; exec \"$0\" --ignored --exact full::child");
    let test = std::env::current_exe().unwrap();
    let mut shell = Command::new("bash");
    let shell = shell.arg("-c").arg(script).arg(test);
    let shell = shell.env(FOLDER, folder).stdout(Stdio::null());
    shell.spawn().unwrap()
}

/// How much is folded, and how much kept.
fn said(folder: &Path) -> Option<(u64, u64)> {
    let said = std::fs::read_to_string(folder.join("said")).ok()?;
    let (folded, kept) = said.split_once(' ')?;
    Some((folded.parse().ok()?, kept.parse().ok()?))
}

/// Each partition's checkpoint is whole, wherever it is.
fn kept(folder: &Path) -> u64 {
    let of = |partition| {
        let state = folder.join("state");
        let file = Checkpoint::open(&state, &definition(PARTITIONS), partition).unwrap();
        let restored = file.load(definition(PARTITIONS), &[]).unwrap();
        restored.state.next_offset()
    };
    (0..PARTITIONS).map(of).sum()
}

#[test]
fn a_full_disk_holds_up_checkpoints_and_snapshots_only_and_both_go_on_when_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let log = open(folder);
    let records = Traffic::new(1, PARTITIONS, 3_000).take(RECORDS, START);
    log.producer(EVENTS).unwrap().append(records).unwrap();
    log.producer(DEAD_LETTERS).unwrap();
    drop(log);
    let all = RECORDS as u64;
    let wait_until_folded = |child: &mut Child| {
        wait_for("everything to be folded", || {
            assert_eq!(child.try_wait().unwrap(), None, "it died of the full disk");
            said(folder).is_some_and(|(folded, _)| folded == all)
        });
    };
    // Killed while the disk is full, at whatever step.
    for pause in [0, 20, 300, 700] {
        let mut child = start(folder, &ROOM.to_string());
        wait_until_folded(&mut child);
        std::thread::sleep(Duration::from_millis(pause));
        let (_, kept_of) = said(folder).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(kept_of < all, "the disk had room for everything");
        assert!(kept(folder) < all);
    }
    let mut child = start(folder, &ROOM.to_string());
    wait_until_folded(&mut child);
    let more = Command::new("prlimit")
        .args(["--fsize=unlimited:", "--pid", &child.id().to_string()])
        .status();
    assert!(more.unwrap().success());
    wait_for("everything to be kept, and snapshots of it", || {
        assert_eq!(child.try_wait().unwrap(), None, "it died");
        said(folder) == Some((all, all))
    });
    std::fs::write(folder.join("stop"), "").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(kept(folder), all);
    // The last snapshots are of everything, too: another machine goes on from there.
    std::fs::remove_dir_all(folder.join("state")).unwrap();
    std::fs::remove_file(folder.join("stop")).unwrap();
    let mut child = start(folder, "unlimited");
    wait_until_folded(&mut child);
    std::fs::write(folder.join("stop"), "").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(kept(folder), all);
}
