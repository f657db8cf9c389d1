//! Snapshots in a bucket of an S3-compatible server, as in a folder: partitions move by them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// What is shared with the tests on folders is used here in part.
#![allow(dead_code)]

mod bucket;
#[path = "worker/judge.rs"]
mod judge;
#[path = "worker/machines.rs"]
mod machines;
#[path = "fold_agrees/random.rs"]
mod random;
#[path = "worker/store.rs"]
mod store;
mod traffic;
#[path = "worker/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bucket::Bucket;
use machines::{PARTITIONS, at_the_end, calm, ends_well, files, fold_elsewhere, start, started};
use processor::snapshots::{Error, Name, Schedule, Snapshots, Store};
use traffic::Traffic;
use world::{START, World};

/// The longest wait for anything.
const CAP: Duration = Duration::from_secs(180);

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < CAP, "waited {CAP:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn until() -> tokio::time::Instant {
    tokio::time::Instant::now() + CAP
}

fn open(bucket: &Bucket) -> Store {
    Store::open(&bucket.url(), &bucket.options()).unwrap()
}

fn of(bucket: &Bucket, world: &World, partition: u32) -> Vec<String> {
    let folder = bucket.objects().join(world.definition.id());
    files(&folder.join(format!("{partition:04}")))
}

#[test]
#[ignore = "needs servers"]
fn a_partition_moves_by_a_bucket_past_snapshots_that_are_damaged_or_another_partitions() {
    let bucket = Bucket::start();
    let world = calm(300);
    fold_elsewhere(&world, open(&bucket));
    let older = world.ends();
    world.append(Traffic::new(2, PARTITIONS, 40).take(200, START));
    fold_elsewhere(&world, open(&bucket));
    let newer = world.ends();
    let name = |offset: u64| format!("{offset:020}.sqlite");
    for partition in 0..PARTITIONS {
        let at = partition as usize;
        let expected = [name(older[at]), name(newer[at])];
        assert_eq!(of(&bucket, &world, partition), expected);
    }
    // The newest of partition 0 is cut short; that of partition 1 is another's.
    let folder = bucket.objects().join(world.definition.id());
    let zero = folder.join("0000").join(name(newer[0]));
    let one = folder.join("0001").join(name(newer[1]));
    let bytes = std::fs::read(&zero).unwrap();
    std::fs::write(&one, &bytes).unwrap();
    std::fs::write(&zero, &bytes[..bytes.len() / 2]).unwrap();
    let state = tempfile::tempdir().unwrap();
    let processor = start(&world, state.path(), open(&bucket), at_the_end());
    let expected = [("snapshot", older[0]), ("snapshot", older[1])];
    assert_eq!(started(&processor), expected);
    ends_well(&world, processor, state.path());
}

#[test]
#[ignore = "needs servers"]
fn snapshots_are_taken_on_schedule_and_the_bucket_keeps_the_newest_through_a_death_of_its_server() {
    let mut bucket = Bucket::start();
    let world = calm(100);
    let schedule = Schedule {
        every: Duration::from_millis(50),
        keep: 2,
        ..at_the_end()
    };
    let state = tempfile::tempdir().unwrap();
    let processor = start(&world, state.path(), open(&bucket), schedule);
    let mut traffic = Traffic::new(2, PARTITIONS, 40);
    for round in 0..4 {
        if round == 2 {
            bucket.kill();
        }
        world.append(traffic.take(50, START));
        world.wait_until_done(&processor);
        if round == 2 {
            bucket.restart();
        }
        let ends = world.ends();
        wait_for(
            "snapshots of the log's end, two of each partition at most",
            || {
                (0..PARTITIONS).all(|partition| {
                    let names = of(&bucket, &world, partition);
                    let newest = format!("{:020}.sqlite", ends[partition as usize]);
                    names.last() == Some(&newest) && names.len() <= 2
                })
            },
        );
    }
    ends_well(&world, processor, state.path());
}

fn snapshots(world: &World, url: &str, options: &BTreeMap<String, String>) -> Snapshots {
    let store = Store::open(url, options).unwrap();
    let runtime = world.runtime.handle().clone();
    Snapshots::new(store, world.definition.clone(), runtime)
}

/// As `snapshots.url` and an option are, all calls fail.
fn failures(world: &World, url: &str, options: &BTreeMap<String, String>) -> Vec<Error> {
    let snapshots = snapshots(world, url, options);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"whatever").unwrap();
    let name = Name {
        partition: 0,
        offset: 5,
    };
    vec![
        snapshots.list(0, until()).unwrap_err(),
        snapshots.newest(until()).unwrap_err(),
        snapshots.put(&file, name, until()).unwrap_err(),
        snapshots.fetch(name, &file, until()).unwrap_err(),
        snapshots.try_out(until()).unwrap_err(),
    ]
}

#[test]
#[ignore = "needs servers"]
fn a_bucket_that_cannot_be_used_is_told_with_the_setting_and_the_partitions_go_on_without() {
    let mut bucket = Bucket::start();
    let world = calm(100);
    let with = |name: &str, value: &str| {
        let mut options = bucket.options();
        options.insert(name.to_owned(), value.to_owned());
        options
    };
    let (url, options) = (bucket.url(), bucket.options());
    let cases = [
        (
            "snapshots.options: the store refuses us (SignatureDoesNotMatch); see that access_key_id",
            url.as_str(),
            with("secret_access_key", "wrong"),
        ),
        (
            "snapshots.options: the store refuses us (InvalidAccessKeyId); see that access_key_id",
            &url,
            with("access_key_id", "wrong"),
        ),
        (
            "snapshots.url: the store has no such bucket (NoSuchBucket); make it",
            "s3://absent/x",
            options.clone(),
        ),
    ];
    for (said, url, options) in cases {
        for error in failures(&world, url, &options) {
            let sentence = error.to_string();
            assert!(sentence.starts_with(said), "{sentence}");
            assert!(!sentence.contains(['<', '\n']), "{sentence}");
            assert!(!error.is_silence(), "{sentence}");
        }
    }
    bucket.kill();
    let error = snapshots(&world, &url, &options)
        .list(0, until())
        .unwrap_err();
    let sentence = error.to_string();
    assert!(sentence.starts_with("snapshots.url: "), "{sentence}");
    assert!(sentence.contains("Connection refused"), "{sentence}");
    assert!(error.is_silence(), "{sentence}");
    let state = tempfile::tempdir().unwrap();
    let schedule = Schedule {
        fetching: Duration::from_millis(100),
        last: Duration::from_millis(100),
        ..at_the_end()
    };
    let processor = start(&world, state.path(), open(&bucket), schedule);
    assert_eq!(started(&processor), [("log", 0), ("log", 0)]);
    ends_well(&world, processor, state.path());
}

#[test]
#[ignore = "needs servers"]
fn a_snapshot_of_several_parts_arrives_as_it_was() {
    let bucket = Bucket::start();
    let world = calm(1);
    let snapshots = snapshots(&world, &bucket.url(), &bucket.options());
    let folder = tempfile::tempdir().unwrap();
    let (file, fetched) = (folder.path().join("file"), folder.path().join("fetched"));
    // Two parts, and a little.
    let mut random = random::Random::new(1);
    let bytes: Vec<u8> = (0..(16 << 20) + 5)
        .map(|_| random.below(256) as u8)
        .collect();
    std::fs::write(&file, &bytes).unwrap();
    let name = Name {
        partition: 1,
        offset: 77,
    };
    snapshots.put(&file, name, until()).unwrap();
    snapshots.fetch(name, &fetched, until()).unwrap();
    assert!(std::fs::read(&fetched).unwrap() == bytes);
    snapshots.try_out(until()).unwrap();
    let newest = snapshots.newest(until()).unwrap();
    assert_eq!(newest.len(), 1);
    assert_eq!(newest[&1].name, name);
    assert_eq!(snapshots.list(1, until()).unwrap(), [newest[&1]]);
    assert_eq!(files(&bucket.objects()), [world.definition.id()]);
}
