//! The embedded log: the conformance suite, and what is its own: reopening, its lock, its clock, kill -9.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use conformance::tools::{Delivered, Starts, append_numbered, number, numbered, read, read_all};
use conformance::{Harness, PARTITIONS};
use footfall_log::embedded::Log;
use footfall_log::{Bounds, Consumer, Positions, Producer, Reader};

const TOPIC: &str = "events";

struct Embedded {
    log: Arc<Log>,
    folder: tempfile::TempDir,
}

fn embedded() -> Embedded {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(&folder.path().join("log.db"), PARTITIONS).unwrap();
    Embedded { log, folder }
}

impl Harness for Embedded {
    fn producer(&self) -> Arc<dyn Producer> {
        self.log.producer(TOPIC).unwrap()
    }

    fn consumer(&self, positions: Arc<dyn Positions>) -> Box<dyn Consumer> {
        self.log.consumer(TOPIC, positions).unwrap()
    }

    fn follower(&self, positions: Arc<dyn Positions>) -> Box<dyn Consumer> {
        self.log.consumer(TOPIC, positions).unwrap()
    }

    fn reader(&self) -> Box<dyn Reader> {
        self.log.reader(TOPIC).unwrap()
    }

    fn trim(&self, partition: u32, below: u64) {
        let file = rusqlite::Connection::open(self.folder.path().join("log.db")).unwrap();
        file.execute(
            "DELETE FROM records WHERE partition = ?1 AND offset < ?2",
            rusqlite::params![partition, below as i64],
        )
        .unwrap();
    }
}

conformance!(embedded);

#[test]
fn reopening_keeps_every_record_and_goes_on_behind_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    for opening in 0..3 {
        let log = Log::open(&path, PARTITIONS).unwrap();
        let producer = log.producer(TOPIC).unwrap();
        assert_eq!(
            append_numbered(producer.as_ref(), 1, opening * 100, 100),
            opening * 100
        );
    }
    let log = Log::open(&path, PARTITIONS).unwrap();
    let numbers: Vec<u64> = read_all(log.reader(TOPIC).unwrap().as_mut(), 1)
        .iter()
        .map(|kept| number(&kept.value))
        .collect();
    assert_eq!(numbers, (0..300).collect::<Vec<_>>());
}

#[test]
fn topics_of_one_file_are_apart() {
    let harness = embedded();
    let events = harness.log.producer(TOPIC).unwrap();
    let letters = harness.log.producer("dead-letters").unwrap();
    append_numbered(events.as_ref(), 1, 0, 5);
    append_numbered(letters.as_ref(), 1, 100, 2);
    append_numbered(events.as_ref(), 1, 5, 5);
    let mut reader = harness.log.reader("dead-letters").unwrap();
    assert_eq!(reader.bounds(1).unwrap(), Bounds { start: 0, end: 2 });
    let numbers: Vec<u64> = read_all(reader.as_mut(), 1)
        .iter()
        .map(|kept| number(&kept.value))
        .collect();
    assert_eq!(numbers, [100, 101]);
    assert_eq!(read_all(harness.reader().as_mut(), 1).len(), 10);
}

#[test]
fn a_second_process_is_refused_and_told_who_holds_the_log() {
    let harness = embedded();
    let path = harness.folder.path().join("log.db");
    let holder = format!("process {}", std::process::id());
    let refused = Log::open(&path, PARTITIONS).err();
    let error = refused.expect("it is held").to_string();
    assert!(
        error.contains(&holder) && error.contains("stop it"),
        "{error}"
    );
    drop(harness.log);
    Log::open(&path, PARTITIONS).expect("it is free again");
}

#[test]
fn a_log_is_read_by_several_as_it_was_when_they_came_while_one_appends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let log = Log::open(&path, PARTITIONS).unwrap();
    let producer = log.producer(TOPIC).unwrap();
    for round in 1..=20 {
        append_numbered(producer.as_ref(), 1, (round - 1) * 100, 100);
        let (first, second) = (
            Log::open_read_only(&path).unwrap(),
            Log::open_read_only(&path).unwrap(),
        );
        append_numbered(producer.as_ref(), 2, (round - 1) * 100, 100);
        for log in [&first, &second] {
            let mut reader = log.reader(TOPIC).unwrap();
            assert_eq!(reader.partitions().unwrap(), PARTITIONS);
            let held = read_all(reader.as_mut(), 1);
            assert_eq!(held.len() as u64, round * 100);
            assert_eq!(number(&held[held.len() - 1].value), round * 100 - 1);
            assert_eq!(reader.bounds(2).unwrap().end, (round - 1) * 100);
        }
    }
}

#[test]
fn who_reads_a_log_appends_nothing_and_keeps_nobody_from_appending() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    drop(Log::open(&path, PARTITIONS).unwrap().producer(TOPIC));
    let reading = Log::open_read_only(&path).unwrap();
    assert!(reading.producer(TOPIC).is_err());
    assert!(reading.reader("no such topic").is_err());
    let log = Log::open(&path, PARTITIONS).expect("reading holds nothing");
    append_numbered(log.producer(TOPIC).unwrap().as_ref(), 1, 0, 10);
    drop(log);
    let later = Log::open_read_only(&path).unwrap();
    let mut reader = later.reader(TOPIC).unwrap();
    assert_eq!(read(reader.as_mut(), 1, 2, 10).len(), 8);
    let missing = Log::open_read_only(&folder.path().join("none.db"));
    assert!(missing.err().unwrap().to_string().contains("no log at"));
}

#[test]
fn another_number_of_partitions_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    drop(Log::open(&path, 4).unwrap().producer(TOPIC).unwrap());
    let error = Log::open(&path, 8).err().expect("4 is not 8").to_string();
    assert!(error.contains("with 4 partitions, not 8"), "{error}");
    assert!(Log::open(&folder.path().join("other.db"), 0).is_err());
}

#[test]
fn a_file_that_is_no_log_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    std::fs::write(
        &path,
        "these are notes, not a database, and long enough to be read as one",
    )
    .unwrap();
    assert!(Log::open(&path, PARTITIONS).is_err());
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .starts_with("these are notes")
    );
}

#[test]
fn append_times_stand_still_when_the_clock_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let time = Arc::new(AtomicI64::new(0));
    let open = || {
        let time = Arc::clone(&time);
        let clock = Box::new(move || time.load(Ordering::SeqCst));
        Log::open_with_clock(&path, PARTITIONS, clock).unwrap()
    };
    let append_at = |log: &Arc<Log>, now: i64, partition: u32| {
        time.store(now, Ordering::SeqCst);
        let producer = log.producer(TOPIC).unwrap();
        producer.append(numbered(partition, 0, 1)).unwrap();
    };
    let log = open();
    append_at(&log, 1_000, 1);
    append_at(&log, 400, 1);
    append_at(&log, 400, 2);
    drop(log);
    let log = open();
    append_at(&log, 900, 1);
    append_at(&log, 1_001, 1);
    let times = |partition| -> Vec<i64> {
        read_all(log.reader(TOPIC).unwrap().as_mut(), partition)
            .iter()
            .map(|kept| kept.appended_at)
            .collect()
    };
    assert_eq!(times(1), [1_000, 1_000, 1_000, 1_001]);
    assert_eq!(times(2), [400], "each partition has a time of its own");
}

#[test]
fn a_record_missing_from_the_file_halts_its_partition() {
    let harness = embedded();
    for partition in [1, 2] {
        append_numbered(harness.producer().as_ref(), partition, 0, 10);
    }
    let file = rusqlite::Connection::open(harness.folder.path().join("log.db")).unwrap();
    file.execute("DELETE FROM records WHERE partition = 1 AND offset = 5", [])
        .unwrap();
    let mut consumer = harness.consumer(Starts::zero());
    let mut delivered = Delivered::default();
    delivered.poll_until(consumer.as_mut(), |so_far| {
        !so_far.halted.is_empty() && so_far.of(2).len() == 10
    });
    assert_eq!(delivered.halted[0].0, 1);
    assert!(harness.reader().read(1, 0, 10, &mut |_| true).is_err());
}

/// Where [`appends_until_killed`] finds its log.
const PATH: &str = "FOOTFALL_TEST_EMBEDDED_LOG";
const KILLS: u32 = 5;
const ACKNOWLEDGED_BEFORE_A_KILL: u64 = 200;

#[test]
fn kill_9_loses_no_acknowledged_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        let before = acknowledged.len();
        acknowledged.extend(acknowledged_until_killed(&path));
        assert!(acknowledged.len() > before);
        // Every other time the log is read before anything else recovers it.
        if kill % 2 == 0 {
            let log = Log::open_read_only(&path).unwrap();
            assert_holds(&log, &acknowledged);
        }
        let log = Log::open(&path, PARTITIONS).unwrap();
        assert_holds(&log, &acknowledged);
    }
}

/// Lets a child append, kills it, and returns the (partition, offset, number) it had said were acknowledged.
fn acknowledged_until_killed(path: &Path) -> Vec<(u32, u64, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "appends_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    for line in lines {
        // The harness of the child's tests prints too, and the last line may be cut off.
        let fields: Vec<u64> = line
            .unwrap()
            .strip_prefix("acknowledged ")
            .and_then(|rest| rest.strip_suffix('.'))
            .map(|rest| rest.split(' ').map(|n| n.parse().unwrap()).collect())
            .unwrap_or_default();
        let [partition, offset, number] = fields[..] else {
            continue;
        };
        acknowledged.push((partition as u32, offset, number));
        if acknowledged.len() as u64 == ACKNOWLEDGED_BEFORE_A_KILL {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() as u64 >= ACKNOWLEDGED_BEFORE_A_KILL);
    acknowledged
}

fn assert_holds(log: &Arc<Log>, acknowledged: &[(u32, u64, u64)]) {
    let mut reader = log.reader(TOPIC).unwrap();
    let held: Vec<_> = (0..PARTITIONS)
        .map(|partition| read_all(reader.as_mut(), partition))
        .collect();
    for (partition, offset, expected) in acknowledged {
        let kept = &held[*partition as usize][*offset as usize];
        assert_eq!((kept.offset, number(&kept.value)), (*offset, *expected));
    }
}

/// The child of [`kill_9_loses_no_acknowledged_record`]: threads append and say so, for ever.
#[test]
#[ignore = "is started by kill_9_loses_no_acknowledged_record"]
fn appends_until_killed() {
    let Some(path) = std::env::var_os(PATH) else {
        return;
    };
    let log = Log::open(Path::new(&path), PARTITIONS).unwrap();
    let producer = log.producer(TOPIC).unwrap();
    std::thread::scope(|scope| {
        for partition in 0..PARTITIONS {
            let producer = &producer;
            scope.spawn(move || {
                for number in 0.. {
                    let appended = producer.append(numbered(partition, number, 1)).unwrap();
                    let line = format!(
                        "acknowledged {partition} {} {number}.\n",
                        appended[0].offset
                    );
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}
