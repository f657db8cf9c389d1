//! Producers against a real Kafka: the generator, and the example in Python that knows the .proto and the key rule alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use footfall::generate::{Generator, Traffic, to_log};
use log::Reader as _;
use log::kafka::{Config, Producer, Reader, topics};
use pipeline::decode;
use pipeline::record::{Headers, Record};
use schemas::partition::partition_of;
use schemas::v1::Event;
use serde_json::Value;

const PARTITIONS: u32 = 5;

fn kafka() -> Config {
    let brokers = std::env::var("FOOTFALL_TEST_KAFKA").expect(
        "set FOOTFALL_TEST_KAFKA to the brokers, host:port; deploy/up.sh kafka starts some",
    );
    Config {
        brokers,
        ..Config::default()
    }
}

/// A topic that no other test knows.
fn fresh_topic(config: &Config, what: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let name = format!(
        "footfall-test-{what}-{}-{}",
        now.as_nanos(),
        std::process::id()
    );
    let layout = topics::Layout {
        partitions: PARTITIONS,
        replication: 3,
        min_insync_replicas: 2,
        keeps: topics::Keeps::Everything,
        max_message_bytes: 1 << 20,
    };
    topics::create(config, &name, layout).unwrap();
    name
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Runs a program of schemas/python; its output, or a panic with what it said.
fn python(program: &str, arguments: &[&str]) -> String {
    let interpreter = std::env::var_os("FOOTFALL_TEST_PYTHON").map_or_else(
        || checkout().join(".footfall/software/venv/bin/python"),
        PathBuf::from,
    );
    let output = Command::new(&interpreter)
        .arg(checkout().join("schemas/python").join(program))
        .args(arguments)
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "{}: {error}; deploy/install.sh test makes it",
                interpreter.display()
            )
        });
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// Calls `visit` for every record of the topic, with its partition.
fn read_all(config: &Config, topic: &str, mut visit: impl FnMut(u32, &Record<'_>)) {
    let mut reader = Reader::new(config, topic).unwrap();
    for partition in 0..PARTITIONS {
        let bounds = reader.bounds(partition).unwrap();
        reader
            .read(partition, bounds.start, bounds.end, &mut |batch| {
                batch.records().for_each(|record| visit(partition, &record));
                true
            })
            .unwrap();
    }
}

#[test]
#[ignore = "needs servers"]
fn what_the_python_example_says_it_sent_stands_where_the_key_rule_says() {
    let config = kafka();
    let topic = fresh_topic(&config, "python");
    let arguments = [
        "--brokers",
        &config.brokers,
        "--topic",
        &topic,
        "--count",
        "300",
        "--campaign",
        "봄맞이-할인",
    ];
    let mut sent: HashMap<(u64, u64), Value> = HashMap::new();
    for line in python("produce.py", &arguments).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let place = (
            line["partition"].as_u64().unwrap(),
            line["offset"].as_u64().unwrap(),
        );
        assert!(
            sent.insert(place, line["event"].clone()).is_none(),
            "{place:?} twice"
        );
    }
    assert_eq!(sent.len(), 300);
    let mut partitions_used = [false; PARTITIONS as usize];
    read_all(&config, &topic, |partition, record| {
        let said = sent
            .remove(&(u64::from(partition), record.offset))
            .expect("a record nobody sent");
        let mut message = Event::default();
        let event = decode::decode(
            record,
            &decode::origin(record.headers),
            record.appended_at,
            &mut message,
        )
        .unwrap();
        assert_eq!(event.user_id.as_bytes(), record.key);
        assert_eq!(partition_of(record.key, PARTITIONS), partition);
        assert_eq!(event.user_id, said["user_id"]);
        assert_eq!(event.event_id, said["event_id"]);
        assert_eq!(event.campaign, "봄맞이-할인");
        partitions_used[partition as usize] = true;
    });
    assert!(sent.is_empty(), "acknowledged and not in the log: {sent:?}");
    assert_eq!(partitions_used, [true; PARTITIONS as usize]);
}

#[test]
#[ignore = "needs servers"]
fn what_generate_sends_stands_in_kafka_byte_for_byte_and_in_order() {
    let config = kafka();
    let topic = fresh_topic(&config, "generate");
    let producer = Producer::new(&config, &topic).unwrap();
    let traffic = Traffic {
        count: 20_000,
        bad: 0.01,
        from: Some("2026-11-01T00:00:00+09:00".parse().unwrap()),
        ..Traffic::default()
    };
    let report = to_log(&traffic, &producer, PARTITIONS, &AtomicBool::new(false)).unwrap();
    assert_eq!(report.journal.records, 20_000);
    let mut expected: Vec<Vec<_>> = vec![Vec::new(); PARTITIONS as usize];
    for generated in Generator::new(&traffic, PARTITIONS, 0) {
        let record = generated.record;
        let partition = record
            .partition
            .unwrap_or_else(|| partition_of(&record.key, PARTITIONS));
        expected[partition as usize].push((record.key, record.value, record.headers));
    }
    let mut found: Vec<Vec<_>> = vec![Vec::new(); PARTITIONS as usize];
    read_all(&config, &topic, |partition, record| {
        let Headers(headers) = record.headers;
        found[partition as usize].push((
            record.key.to_vec(),
            record.value.to_vec(),
            headers.to_vec(),
        ));
    });
    assert!(found == expected, "other records than were made");
}

/// Needs no server, but the packages of the Python example.
#[test]
#[ignore = "needs servers"]
fn another_protobuf_library_reads_and_writes_the_golden_messages_alike() {
    let said = python("check_golden.py", &[]);
    assert!(said.ends_with("golden messages, 0 differences\n"), "{said}");
}
