//! The log on Kafka: the conformance suite against real brokers, and what is Kafka's own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod kafka;

use std::sync::Arc;
use std::time::Instant;

use conformance::tools::{Delivered, POLL, Starts, append_numbered, number, read, read_all};
use conformance::{Harness, PARTITIONS};
use footfall_log::kafka::topics::Keeps::{Everything, LastOfEachKey};
use footfall_log::kafka::{self as log, topics};
use footfall_log::{Bounds, Consumer, Error, Positions, Producer, Reader};
use kafka::{Topic, config, foreign_producer, foreign_topic, fresh_name};
use rdkafka::producer::{BaseRecord, Producer as _};

conformance!(Topic::fresh, ignore = "needs servers");

#[test]
#[ignore = "needs servers"]
fn absent_keys_and_values_of_other_producers_read_as_empty() {
    let topic = Topic::fresh();
    let producer = foreign_producer(&[]);
    let to = || BaseRecord::<[u8], [u8]>::to(&topic.name).partition(1);
    producer.send(to()).expect("queued");
    producer.send(to().key(b"k")).expect("queued");
    producer.send(to().payload(b"v")).expect("queued");
    producer.flush(conformance::tools::CAP).unwrap();

    let read: Vec<(Vec<u8>, Vec<u8>)> = read_all(topic.reader().as_mut(), 1)
        .into_iter()
        .map(|kept| (kept.key, kept.value))
        .collect();
    let pair = |key: &str, value: &str| (key.into(), value.into());
    assert_eq!(read, [pair("", ""), pair("k", ""), pair("", "v")]);
}

#[test]
#[ignore = "needs servers"]
fn offsets_without_records_are_passed_over() {
    let topic = Topic::fresh();
    let id = fresh_name();
    let producer = foreign_producer(&[("transactional.id", id.as_str())]);
    producer.init_transactions(conformance::tools::CAP).unwrap();
    for transaction in 0..4 {
        producer.begin_transaction().unwrap();
        for record in 0..3 {
            let value = (transaction * 3 + record).to_string();
            let new = BaseRecord::<[u8], [u8]>::to(&topic.name)
                .partition(1)
                .payload(value.as_bytes());
            producer.send(new).expect("queued");
        }
        if transaction == 1 {
            producer.flush(conformance::tools::CAP).unwrap();
            producer.abort_transaction(conformance::tools::CAP).unwrap();
        } else {
            producer
                .commit_transaction(conformance::tools::CAP)
                .unwrap();
        }
    }
    let committed: Vec<u64> = [0, 1, 2, 6, 7, 8, 9, 10, 11].into();

    // Each transaction ends in a marker, so the partition ends in an offset without a record.
    // A commit is answered before the broker has written its marker.
    let mut reader = topic.reader();
    let asked = Instant::now();
    while reader.bounds(1).unwrap() != (Bounds { start: 0, end: 16 }) {
        let bounds = reader.bounds(1).unwrap();
        assert!(asked.elapsed() < conformance::tools::CAP, "{bounds:?}");
    }
    let numbers = |from, to| -> Vec<u64> {
        read(topic.reader().as_mut(), 1, from, to)
            .iter()
            .map(|kept| number(&kept.value))
            .collect()
    };
    assert_eq!(numbers(0, 16), committed);
    assert_eq!(
        numbers(3, 8),
        [] as [u64; 0],
        "a marker and what was aborted"
    );
    assert_eq!(numbers(2, 9), [2, 6]);

    let mut consumer = topic.consumer(Starts::zero());
    let mut delivered = Delivered::default();
    delivered.poll_until(consumer.as_mut(), |so_far| {
        so_far.records.len() >= committed.len()
    });
    assert_eq!(delivered.numbers(1), committed);
    consumer.leave();
}

#[test]
#[ignore = "needs servers"]
fn a_partition_trimmed_past_a_consumer_halts() {
    let topic = Topic::fresh();
    append_numbered(topic.producer().as_ref(), 1, 0, 10);
    let mut consumer = topic.consumer(Starts::zero());
    let mut delivered = Delivered::default();
    delivered.poll_until(consumer.as_mut(), |so_far| so_far.records.len() >= 10);
    consumer.pause(1);
    append_numbered(topic.producer().as_ref(), 1, 10, 10);
    topic.trim(1, 15);
    consumer.resume(1);
    delivered.poll_until(consumer.as_mut(), |so_far| !so_far.halted.is_empty());
    let expected = "offset 10 is outside the log, which holds 15 up to 20";
    assert!(
        delivered.halted[0].1.to_string().contains(expected),
        "{:?}",
        delivered.halted
    );
    assert_eq!(delivered.records.len(), 10);
    consumer.leave();
}

#[test]
#[ignore = "needs servers"]
fn a_pause_is_kept_over_a_rebalance_and_ends_with_the_assignment() {
    let topic = Topic::fresh();
    let producer = topic.producer();
    let mut first = topic.consumer(Starts::zero());
    let mut of_first = Delivered::default();
    of_first.poll_until(first.as_mut(), |so_far| {
        so_far.assigned.len() as u32 == PARTITIONS
    });
    for partition in 0..PARTITIONS {
        first.pause(partition);
        append_numbered(producer.as_ref(), partition, 0, 10);
    }

    let mut second = topic.consumer(Starts::zero());
    let mut of_second = Delivered::default();
    while of_second.records.len() < 20 {
        of_first.poll(first.as_mut(), POLL);
        of_second.poll(second.as_mut(), POLL);
    }
    assert_eq!(of_first.records.len(), 0, "kept, and paused");
    let mut kept = of_first.assigned.clone();
    kept.sort_unstable();
    assert_eq!(kept.len(), 2);

    second.leave();
    of_first.poll_until(first.as_mut(), |so_far| so_far.records.len() >= 20);
    for _ in 0..5 {
        of_first.poll(first.as_mut(), POLL);
    }
    for partition in 0..PARTITIONS {
        let expected = if kept.contains(&partition) { 0 } else { 10 };
        assert_eq!(of_first.of(partition).len(), expected, "{partition}");
    }
    for partition in kept {
        first.resume(partition);
    }
    of_first.poll_until(first.as_mut(), |so_far| so_far.records.len() >= 40);
    for partition in 0..PARTITIONS {
        assert_eq!(of_first.numbers(partition), (0..10).collect::<Vec<_>>());
    }
    first.leave();
}

#[test]
#[ignore = "needs servers"]
fn members_that_come_and_go_lose_and_double_nothing() {
    kafka::group::members_that_come_and_go_lose_and_double_nothing(&Topic::fresh());
}

#[test]
#[ignore = "needs servers"]
fn a_created_topic_has_no_weakness() {
    let topic = Topic::fresh();
    let findings = topics::check(&config(), &topic.name, PARTITIONS, Everything, false).unwrap();
    assert_eq!(findings, []);
    let again = topics::create(&config(), &topic.name, kafka::LAYOUT);
    assert!(!again.unwrap(), "it is there already");
    let missing = topics::check(&config(), &fresh_name(), PARTITIONS, Everything, false);
    assert!(matches!(missing, Err(Error::Fatal(text)) if text.contains("footfall topics create")));
}

#[test]
#[ignore = "needs servers"]
fn a_topic_of_the_last_of_each_key_has_no_weakness_and_is_told_from_one_that_keeps_all() {
    let name = fresh_name();
    let layout = topics::Layout {
        keeps: LastOfEachKey,
        ..kafka::LAYOUT
    };
    assert!(topics::create(&config(), &name, layout).unwrap());
    for (keeps, found) in [(LastOfEachKey, 0), (Everything, 1)] {
        let findings = topics::check(&config(), &name, PARTITIONS, keeps, false).unwrap();
        assert_eq!(findings.len(), found, "{findings:?}");
    }
    let keeps_all = Topic::fresh();
    let findings = topics::check(&config(), &keeps_all.name, PARTITIONS, LastOfEachKey, true);
    let findings = findings.unwrap();
    assert!(findings[0].sentence.contains("set it to compact"));
    assert!(findings[0].refused && findings.len() == 1);
}

/// A broker that has not heard of a new topic yet answers like one that never will: with no settings.
#[test]
#[ignore = "needs servers"]
fn settings_that_are_not_told_are_no_wrong_settings() {
    let topic = fresh_name();
    let Err(Error::Fatal(said)) = topics::record_limit(&config(), &topic) else {
        panic!("a topic that is not there has settings");
    };
    assert!(said.contains(&topic), "{said}");
    assert!(said.contains("tell nothing of its settings"), "{said}");
}

#[test]
#[ignore = "needs servers"]
fn each_weakness_of_a_topic_is_found() {
    // A setting, its bad value, the word the sentence must hold, and whether development may have it.
    let cases = [
        ("min.insync.replicas", "1", "min.insync.replicas", true),
        ("unclean.leader.election.enable", "true", "unclean", true),
        ("retention.ms", "604800000", "retention.ms", true),
        ("retention.bytes", "1000000", "retention.bytes", true),
        (
            "message.timestamp.type",
            "CreateTime",
            "LogAppendTime",
            false,
        ),
        ("cleanup.policy", "compact", "cleanup.policy", false),
        ("cleanup.policy", "delete,compact", "cleanup.policy", false),
    ];
    for (name, value, word, tolerated) in cases {
        let topic = foreign_topic(3, &[(name, value)]);
        assert_found(&topic, PARTITIONS, word, tolerated);
    }
    assert_found(&foreign_topic(1, &[]), PARTITIONS, "1 copies", true);
    assert_found(&foreign_topic(3, &[]), 7, "the definition says 7", false);
}

fn assert_found(topic: &str, partitions: u32, word: &str, tolerated: bool) {
    for development in [false, true] {
        let findings =
            topics::check(&config(), topic, partitions, Everything, development).unwrap();
        let [finding] = findings.as_slice() else {
            panic!("expected one finding with {word:?}: {findings:?}");
        };
        assert!(finding.sentence.contains(word), "{}", finding.sentence);
        assert_eq!(finding.refused, !(development && tolerated));
    }
}

impl Harness for Topic {
    fn producer(&self) -> Arc<dyn Producer> {
        Arc::new(log::Producer::new(&config(), &self.name).unwrap())
    }

    fn consumer(&self, positions: Arc<dyn Positions>) -> Box<dyn Consumer> {
        let group = &self.name;
        Box::new(log::Consumer::join(&config(), group, &self.name, positions).unwrap())
    }

    fn follower(&self, positions: Arc<dyn Positions>) -> Box<dyn Consumer> {
        let follower = log::Consumer::follow(&config(), &self.name, PARTITIONS, positions);
        Box::new(follower.unwrap())
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(log::Reader::new(&config(), &self.name).unwrap())
    }

    fn trim(&self, partition: u32, below: u64) {
        self.delete_records(partition, below);
    }
}
