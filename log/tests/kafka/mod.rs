//! Topics on a real cluster, and clients that are not ours.

pub mod group;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use footfall_log::kafka::{Config, topics};
use futures::executor::block_on;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{DefaultProducerContext, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::conformance::PARTITIONS;

pub const LAYOUT: topics::Layout = topics::Layout {
    partitions: PARTITIONS,
    replication: 3,
    min_insync_replicas: 2,
    max_message_bytes: 1 << 20,
    keeps: topics::Keeps::Everything,
};

pub fn config() -> Config {
    let brokers = std::env::var("FOOTFALL_TEST_KAFKA").unwrap_or_else(|_| {
        panic!("set FOOTFALL_TEST_KAFKA to the brokers, host:port; deploy/up.sh kafka starts some")
    });
    Config {
        brokers,
        ..Config::default()
    }
}

/// A topic of its own for each test; deleted at the end of a test that passes.
pub struct Topic {
    pub name: String,
}

impl Topic {
    pub fn fresh() -> Self {
        let name = fresh_name();
        assert!(topics::create(&config(), &name, LAYOUT).unwrap());
        Self { name }
    }

    pub fn delete_records(&self, partition: u32, below: u64) {
        let mut list = TopicPartitionList::new();
        let offset = Offset::Offset(below as i64);
        list.add_partition_offset(&self.name, partition as i32, offset)
            .unwrap();
        block_on(admin().delete_records(&list, &AdminOptions::new())).unwrap();
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = block_on(admin().delete_topics(&[&self.name], &AdminOptions::new()));
        }
    }
}

/// No two runs share it.
pub fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(
        "footfall-test-{}-{}-{number}",
        now.as_nanos(),
        std::process::id()
    )
}

/// A topic as [`topics::create`] makes it, save for some settings.
pub fn foreign_topic(replication: i32, settings: &[(&str, &str)]) -> String {
    let name = fresh_name();
    let mut all = BTreeMap::from([
        ("min.insync.replicas", "2"),
        ("unclean.leader.election.enable", "false"),
        ("message.timestamp.type", "LogAppendTime"),
        ("retention.ms", "-1"),
        ("retention.bytes", "-1"),
        ("cleanup.policy", "delete"),
    ]);
    all.extend(settings.iter().copied());
    let replication = TopicReplication::Fixed(replication);
    let new = all.iter().fold(
        NewTopic::new(&name, PARTITIONS as i32, replication),
        |new, (name, value)| new.set(name, value),
    );
    let created = block_on(admin().create_topics([&new], &AdminOptions::new())).unwrap();
    created[0].as_ref().unwrap();
    name
}

/// A producer that is not ours.
pub fn foreign_producer(settings: &[(&str, &str)]) -> ThreadedProducer<DefaultProducerContext> {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", config().brokers);
    for (name, value) in settings {
        client.set(*name, *value);
    }
    client.create().unwrap()
}

fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", config().brokers)
        .create()
        .unwrap()
}
