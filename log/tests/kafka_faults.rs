//! Errors that real brokers give rarely, injected by librdkafka's mock of a cluster. The mock stands in for
//! nothing else: what the log promises is tested on real brokers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use footfall_log::kafka::{Config, Consumer, Producer};
use footfall_log::{
    Appended, Caller, Consumer as _, Delivery, Error, NewRecord, NoStart, Positions, Producer as _,
};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

const TOPIC: &str = "topic";
const CAP: Duration = Duration::from_secs(180);

type Cluster = MockCluster<'static, DefaultProducerContext>;

fn cluster() -> (Cluster, Config) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    let config = Config {
        brokers: cluster.bootstrap_servers(),
        ..Config::default()
    };
    (cluster, config)
}

fn records(count: usize) -> Vec<NewRecord> {
    vec![NewRecord::default(); count]
}

struct Zero;

impl Positions for Zero {
    fn start(&self, _partition: u32) -> Result<u64, NoStart> {
        Ok(0)
    }
}

/// Polls until an offset is delivered; returns all of them.
fn offsets_up_to(consumer: &mut Consumer, last: u64) -> Vec<u64> {
    let started = Instant::now();
    let mut offsets = Vec::new();
    while offsets.last() != Some(&last) {
        assert!(
            started.elapsed() < CAP,
            "not delivered in time: {offsets:?}"
        );
        for delivery in consumer.poll(Duration::from_millis(100)).unwrap() {
            match delivery {
                Delivery::Batch(batch) => {
                    offsets.extend(batch.records().map(|record| record.offset));
                }
                Delivery::Halted { error, .. } => panic!("{error}"),
                Delivery::Delayed { why, .. } => panic!("{why}"),
                Delivery::Assigned(_) | Delivery::Revoked(_) => {}
            }
        }
    }
    offsets
}

#[test]
fn an_offset_that_is_missing_for_a_moment_is_fetched_again() {
    let (cluster, config) = cluster();
    let producer = Producer::new(&config, TOPIC).unwrap();
    producer.append(records(10)).unwrap();
    cluster.request_errors(
        RDKafkaApiKey::Fetch,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE; 2],
    );
    let mut consumer = Consumer::join(&config, "group", TOPIC, Arc::new(Zero)).unwrap();
    assert_eq!(offsets_up_to(&mut consumer, 9), (0..10).collect::<Vec<_>>());

    cluster.request_errors(
        RDKafkaApiKey::Fetch,
        &[
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    );
    producer.append(records(10)).unwrap();
    assert_eq!(
        offsets_up_to(&mut consumer, 19),
        (10..20).collect::<Vec<_>>()
    );
}

#[test]
fn records_that_came_before_a_right_was_lost_are_delivered() {
    let (cluster, config) = cluster();
    let producer = Producer::new(&config, TOPIC).unwrap();
    producer.append(records(1)).unwrap();
    let mut consumer = Consumer::join(&config, "group", TOPIC, Arc::new(Zero)).unwrap();
    let mut offsets = offsets_up_to(&mut consumer, 0);

    // Both wait for the next poll: the records, and behind them the refusal.
    producer.append(records(10)).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    cluster.request_errors(
        RDKafkaApiKey::Fetch,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED],
    );
    std::thread::sleep(Duration::from_secs(2));
    let (started, mut refused) = (Instant::now(), 0);
    while offsets.len() < 11 || refused == 0 {
        assert!(
            started.elapsed() < CAP,
            "{offsets:?} delivered, refused {refused} times"
        );
        match consumer.poll(Duration::from_millis(100)) {
            Ok(deliveries) => offsets.extend(deliveries.iter().flat_map(|delivery| {
                let Delivery::Batch(batch) = delivery else {
                    return Vec::new();
                };
                batch.records().map(|record| record.offset).collect()
            })),
            Err(error) => {
                assert!(error.to_string().contains("the right READ"), "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!(offsets, (0..11).collect::<Vec<_>>());
}

#[test]
fn errors_that_pass_are_ridden_out_by_the_producer() {
    let (cluster, config) = cluster();
    let producer = Producer::new(&config, TOPIC).unwrap();
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        ],
    );
    let appended = producer.append(records(5)).unwrap();
    let offsets: Vec<u64> = appended.iter().map(|at| at.offset).collect();
    assert_eq!(offsets, [0, 1, 2, 3, 4]);
}

#[test]
fn a_record_the_broker_refuses_for_good_is_fatal() {
    let (cluster, config) = cluster();
    let producer = Producer::new(&config, TOPIC).unwrap();
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED],
    );
    let error = producer.append(records(1)).unwrap_err();
    assert!(matches!(error, Error::Fatal(_)), "{error:?}");
    let too_large = NewRecord {
        value: vec![0; 3 << 20],
        ..NewRecord::default()
    };
    let error = producer.append(vec![too_large]).unwrap_err();
    assert!(matches!(error, Error::Fatal(_)), "{error:?}");
}

/// A producer that has appended, and whose next records the broker refuses as out of their sequence.
fn out_of_sequence() -> (Cluster, Producer) {
    let (cluster, config) = cluster();
    let producer = Producer::new(&config, TOPIC).unwrap();
    producer.append(records(1)).unwrap();
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER],
    );
    (cluster, producer)
}

#[test]
fn a_producer_that_lost_its_sequence_is_made_anew() {
    let (_cluster, producer) = out_of_sequence();
    let error = producer.append(records(3)).unwrap_err();
    assert!(matches!(error, Error::Transient(_)), "{error:?}");
    producer.append(records(3)).expect("by a new client");
}

type Told = std::sync::mpsc::Receiver<Result<Vec<Appended>, Error>>;

/// A caller of one record in that partition, and what it is told.
fn caller(partition: u32) -> (Caller, Told) {
    let (tell, told) = std::sync::mpsc::channel();
    let record = NewRecord {
        partition: Some(partition),
        ..NewRecord::default()
    };
    let caller = Caller {
        records: vec![record],
        told: Box::new(move |appended| tell.send(appended).unwrap()),
    };
    (caller, told)
}

#[test]
fn a_leader_that_is_down_keeps_only_its_own_callers_waiting() {
    let cluster = MockCluster::new(2).unwrap();
    cluster.create_topic(TOPIC, 2, 2).unwrap();
    for (partition, leader) in [(0, 1), (1, 2)] {
        cluster
            .partition_leader(TOPIC, partition, Some(leader))
            .expect("the leader is set");
    }
    let config = Config {
        brokers: cluster.bootstrap_servers(),
        ..Config::default()
    };
    let producer = Producer::new(&config, TOPIC).unwrap();
    for partition in [0, 1] {
        let (both, told) = caller(partition);
        producer.append_each(vec![both]);
        told.recv_timeout(CAP).expect("told").expect("acknowledged");
    }
    cluster.broker_down(1).unwrap();
    let (of_dead, waits) = caller(0);
    let (of_living, told) = caller(1);
    producer.append_each(vec![of_dead, of_living]);
    let appended = told.recv_timeout(CAP).expect("told").expect("acknowledged");
    assert_eq!((appended[0].partition, appended[0].offset), (1, 1));
    assert!(waits.try_recv().is_err(), "its leader is down");
    cluster.broker_up(1).unwrap();
    let appended = waits
        .recv_timeout(CAP)
        .expect("told")
        .expect("acknowledged");
    assert_eq!((appended[0].partition, appended[0].offset), (0, 1));
}

#[test]
fn a_producer_that_nobody_waits_for_is_made_anew_as_well() {
    let (_cluster, producer) = out_of_sequence();
    let (first, told) = caller(0);
    producer.append_each(vec![first]);
    let error = told.recv_timeout(CAP).expect("told").unwrap_err();
    assert!(matches!(error, Error::Transient(_)), "{error:?}");
    let (second, told) = caller(0);
    producer.append_each(vec![second]);
    told.recv_timeout(CAP)
        .expect("told")
        .expect("by a new client");
}

#[test]
fn a_record_acknowledged_without_its_offset_is_an_error() {
    let (cluster, config) = cluster();
    let producer = Producer::new(&config, TOPIC).unwrap();
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER],
    );
    let error = producer.append(records(1)).unwrap_err().to_string();
    assert!(error.contains("without its offset"), "{error}");
    producer.append(records(1)).unwrap();
}

#[test]
fn a_follower_goes_on_when_the_leader_it_fetches_from_is_gone() {
    let cluster = MockCluster::new(3).unwrap();
    cluster.create_topic(TOPIC, 1, 3).unwrap();
    let config = Config {
        brokers: cluster.bootstrap_servers(),
        ..Config::default()
    };
    let producer = Producer::new(&config, TOPIC).unwrap();
    let mut follower = Consumer::follow(&config, TOPIC, 1, Arc::new(Zero)).unwrap();
    let mut last = 0;
    for (gone, leader) in [(None, 1), (Some(1), 2), (Some(2), 3)] {
        cluster
            .partition_leader(TOPIC, 0, Some(leader))
            .expect("the leader is set");
        if let Some(gone) = gone {
            cluster.broker_down(gone).unwrap();
        }
        producer.append(records(10)).unwrap();
        assert_eq!(
            offsets_up_to(&mut follower, last + 9),
            (last..last + 10).collect::<Vec<_>>()
        );
        last += 10;
    }
}

/// Values of a partition's records, read back.
fn values(config: &Config, count: u64) -> Vec<u64> {
    let mut values = Vec::new();
    let mut consumer = Consumer::follow(config, TOPIC, 1, Arc::new(Zero)).unwrap();
    let started = Instant::now();
    while (values.len() as u64) < count {
        assert!(started.elapsed() < CAP, "not read in time: {values:?}");
        for delivery in consumer.poll(Duration::from_millis(100)).unwrap() {
            let Delivery::Batch(batch) = delivery else {
                continue;
            };
            let read = batch.records().map(|record| {
                let text = std::str::from_utf8(record.value).unwrap();
                text.parse::<u64>().unwrap()
            });
            values.extend(read);
        }
    }
    values
}

/// What a source's register would make of records: those that come after a greater one are lost.
fn kept(values: &[u64]) -> Vec<u64> {
    let mut kept: Vec<u64> = Vec::new();
    for value in values {
        if kept.last().is_none_or(|last| last < value) {
            kept.push(*value);
        }
    }
    kept
}

#[test]
fn a_call_that_fails_leaves_no_record_behind_one_that_is_missing() {
    let (cluster, mut config) = cluster();
    // Many requests, so that one can fail among others.
    config.extra.extend([
        ("batch.num.messages".to_owned(), "1".to_owned()),
        ("linger.ms".to_owned(), "0".to_owned()),
    ]);
    let numbered: Vec<NewRecord> = (0..40)
        .map(|number: u64| NewRecord {
            value: number.to_string().into_bytes(),
            ..NewRecord::default()
        })
        .collect();
    let producer = Producer::without_gaps(&config, TOPIC).unwrap();
    let mut appended = 0;
    for error in [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_RECORD,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
    ] {
        let good = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
        cluster.request_errors(RDKafkaApiKey::Produce, &[good, good, good, error]);
        producer
            .append(numbered.clone())
            .expect_err("one was refused");
        cluster.clear_request_errors(RDKafkaApiKey::Produce);
        producer
            .append(numbered.clone())
            .expect("by a new client, all of them again");
        appended += 40;
    }
    let read = values(&config, appended);
    assert_eq!(kept(&read), (0..40).collect::<Vec<_>>(), "{read:?}");
}

#[test]
fn a_producer_without_gaps_waits_out_no_silence_and_takes_all_back() {
    let (cluster, config) = cluster();
    let producer = Producer::without_gaps(&config, TOPIC).unwrap();
    producer.append(records(1)).unwrap();
    cluster.broker_down(1).unwrap();
    let error = producer.append(records(5)).unwrap_err();
    assert!(matches!(error, Error::Transient(_)), "{error:?}");
    cluster.broker_up(1).unwrap();
    let appended = producer.append(records(5)).expect("the broker is back");
    assert_eq!(appended.len(), 5);
}
