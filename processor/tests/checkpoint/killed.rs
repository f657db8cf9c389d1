//! A process killed with SIGKILL while it writes checkpoints, again and again, goes on from each.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::partition::{Worker, check, load, log, open};
use crate::random::Random;
use crate::seed;

const FOLDER: &str = "FOOTFALL_TEST_CHECKPOINT_FOLDER";
/// Records between two checkpoints.
const STEP: usize = 25;
/// More than any child gets through.
const RECORDS: usize = 20_000;
const KILLS: usize = 15;
/// Kills before which the child had written something.
const MOVED: usize = 5;
/// The longest wait for anything.
const CAP: Duration = Duration::from_secs(180);

/// A process of this test that runs [`child`]; killed when it is dropped.
pub struct Child(std::process::Child);

impl Child {
    pub fn start(folder: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "killed::child", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    pub fn kill(self) {}

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // SIGKILL: nothing of it runs any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn wait_for(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < CAP, "waited for {CAP:?} in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Not a test by itself: goes through the log from the last checkpoint on, until it is killed.
#[test]
#[ignore = "is started by the tests of this file and of held.rs"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let mut file = open(folder).unwrap();
    let log = log(seed(), RECORDS, 200);
    let mut worker = Worker::new(load(&file).unwrap());
    std::fs::write(folder.join("started"), "").unwrap();
    loop {
        let to = worker.state.next_offset() as usize + STEP;
        assert!(to <= RECORDS, "a longer log is needed");
        worker.fold(&log, to);
        worker.write(&mut file).unwrap();
    }
}

#[test]
fn a_killed_writer_leaves_a_checkpoint_that_is_the_fold_of_a_prefix() {
    let log = log(seed(), RECORDS, 200);
    let mut random = Random::new(seed());
    let folder = tempfile::tempdir().unwrap();
    let (mut offset, mut moved, mut kills) = (0, 0, 0);
    let start = Instant::now();
    while kills < KILLS || moved < MOVED {
        assert!(
            start.elapsed() < CAP,
            "only {moved} of {kills} wrote anything"
        );
        let _ = std::fs::remove_file(folder.path().join("started"));
        let mut child = Child::start(folder.path());
        wait_for(|| folder.path().join("started").exists() || child.has_ended());
        assert!(!child.has_ended(), "the child could not go on at {offset}");
        std::thread::sleep(Duration::from_micros(random.below(40_000)));
        child.kill();
        let restored = load(&open(folder.path()).unwrap()).unwrap();
        let found = check(&restored, &log, STEP);
        assert!(found >= offset, "it went back from {offset} to {found}");
        assert_eq!(found % STEP as u64, 0);
        moved += usize::from(found > offset);
        kills += 1;
        offset = found;
    }
    println!("{kills} kills up to offset {offset}");
}
