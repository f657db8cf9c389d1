//! The log on Kafka while there is no broker: members wait, producers and readers say so.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use footfall_log::kafka::{Config, Consumer, Producer};
use footfall_log::{Consumer as _, Error, NewRecord, NoStart, Positions, Producer as _};

/// A port nothing listens on: bound for a moment by this process, then given back.
fn nowhere(extra: &[(&str, &str)]) -> Config {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    Config {
        brokers: format!("127.0.0.1:{port}"),
        extra: extra
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect::<BTreeMap<String, String>>(),
        ..Config::default()
    }
}

struct Never;

impl Positions for Never {
    fn start(&self, partition: u32) -> Result<u64, NoStart> {
        let why = format!("partition {partition} can't have been assigned");
        Err(NoStart::Fatal(why))
    }
}

#[test]
fn a_member_waits_for_the_brokers_and_can_leave() {
    let config = nowhere(&[]);
    let mut consumer = Consumer::join(&config, "group", "topic", Arc::new(Never)).unwrap();
    for _ in 0..10 {
        let deliveries = consumer.poll(Duration::from_millis(100)).unwrap();
        assert!(deliveries.is_empty(), "{deliveries:?}");
    }
    Box::new(consumer).leave();
}

#[test]
fn a_record_that_reaches_nobody_is_not_acknowledged() {
    let config = nowhere(&[("message.timeout.ms", "500")]);
    let producer = Producer::new(&config, "topic").unwrap();
    for _ in 0..2 {
        let error = producer
            .append(vec![NewRecord::default(), NewRecord::default()])
            .unwrap_err();
        assert!(matches!(error, Error::Transient(_)), "{error:?}");
    }
}

#[test]
fn a_setting_kafka_does_not_know_is_refused() {
    let error = Producer::new(&nowhere(&[("no.such.setting", "1")]), "topic").err();
    let Some(Error::Fatal(text)) = error else {
        unreachable!("not refused: {error:?}");
    };
    assert!(text.contains("no.such.setting"), "{text}");
}

#[test]
fn a_password_is_not_printed_with_the_settings() {
    let printed = format!("{:?}", nowhere(&[("sasl.password", "secret")]));
    assert!(printed.contains("sasl.password") && !printed.contains("secret"));
}
