//! The log on brokers that ask who we are: every way in, and every way to be kept out.
//!
//! `SECURE=1 deploy/up.sh kafka` starts such brokers; the cluster ring does, and names them in FOOTFALL_TEST_KAFKA_SSL and
//! the variables beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use footfall_log::kafka::{
    Config, Consumer, Mechanism, Producer, Protocol, Reader, Security, topics,
};
use footfall_log::{
    Consumer as _, Delivery, Error, NewRecord, NoStart, Positions, Producer as _, Reader as _,
};

/// How long a condition is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(180);

const LAYOUT: topics::Layout = topics::Layout {
    partitions: 1,
    replication: 3,
    min_insync_replicas: 2,
    max_message_bytes: 1 << 20,
    keeps: topics::Keeps::Everything,
};

/// A topic's name that no two tests and no two runs share.
fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("footfall-security-{}-{number}", now.as_nanos())
}

fn variable(name: &str) -> String {
    let name = format!("FOOTFALL_TEST_KAFKA_{name}");
    std::env::var(&name).unwrap_or_else(|_| {
        panic!("{name} is not set: `SECURE=1 deploy/up.sh kafka` starts brokers with TLS and SASL")
    })
}

/// A file that the brokers' clients need.
fn secret(name: &str) -> PathBuf {
    PathBuf::from(variable("SECRETS")).join(name)
}

fn password() -> String {
    std::fs::read_to_string(secret("password")).unwrap()
}

/// With a certificate of our own.
fn ssl() -> Config {
    Config {
        brokers: variable("SSL"),
        security: Security {
            protocol: Protocol::Ssl,
            ca: secret("ca.pem"),
            certificate: secret("client.pem"),
            key: secret("client.key"),
            ..Security::default()
        },
        ..Config::default()
    }
}

/// With a user and a password, over TLS.
fn sasl(mechanism: Mechanism) -> Config {
    Config {
        brokers: variable("SASL_SSL"),
        security: Security {
            protocol: Protocol::SaslSsl,
            mechanism: Some(mechanism),
            user: "footfall".to_owned(),
            password: password(),
            ca: secret("ca.pem"),
            ..Security::default()
        },
        ..Config::default()
    }
}

fn changed(mut config: Config, change: impl FnOnce(&mut Config)) -> Config {
    change(&mut config);
    config
}

struct FromStart;

impl Positions for FromStart {
    fn start(&self, _: u32) -> Result<u64, NoStart> {
        Ok(0)
    }
}

/// The value of the first record that a member of a group is given.
fn consumed(config: &Config, topic: &str) -> Vec<u8> {
    let mut consumer = Consumer::join(config, topic, topic, Arc::new(FromStart)).unwrap();
    let start = Instant::now();
    loop {
        assert!(
            start.elapsed() < LONGEST_WAIT,
            "waited in vain for a record"
        );
        for delivery in consumer.poll(Duration::from_millis(100)).unwrap() {
            if let Delivery::Batch(batch) = delivery {
                let value = batch.records().next().unwrap().value.to_vec();
                Box::new(consumer).leave();
                return value;
            }
        }
    }
}

#[test]
#[ignore = "needs servers"]
fn every_way_in_creates_checks_appends_reads_and_consumes() {
    let plaintext = changed(sasl(Mechanism::ScramSha256), |config| {
        config.brokers = variable("SASL_PLAINTEXT");
        config.security.protocol = Protocol::SaslPlaintext;
        config.security.ca = PathBuf::new();
    });
    for config in [
        ssl(),
        sasl(Mechanism::Plain),
        sasl(Mechanism::ScramSha256),
        sasl(Mechanism::ScramSha512),
        plaintext,
    ] {
        let name = &fresh_name();
        topics::create(&config, name, LAYOUT).unwrap();
        assert_eq!(
            topics::check(&config, name, LAYOUT.partitions, LAYOUT.keeps, false).unwrap(),
            []
        );
        let record = NewRecord {
            key: b"k".to_vec(),
            value: b"over a secured wire".to_vec(),
            ..NewRecord::default()
        };
        let appended = Producer::new(&config, name).unwrap().append(vec![record]);
        assert_eq!(appended.unwrap()[0].offset, 0);
        let mut reader = Reader::new(&config, name).unwrap();
        assert_eq!(reader.bounds(0).unwrap().end, 1);
        assert_eq!(consumed(&config, name), b"over a secured wire");
    }
}

#[test]
#[ignore = "needs servers"]
fn who_is_kept_out_is_told_the_setting_to_look_at() {
    let wrong_password = |mechanism| {
        changed(sasl(mechanism), |config| {
            config.security.password = "wrong".to_owned();
        })
    };
    let plain = |listener: &str| Config {
        brokers: variable(listener),
        ..Config::default()
    };
    let cases = [
        ("PLAIN", wrong_password(Mechanism::Plain), "log.password"),
        (
            "SCRAM-SHA-256",
            wrong_password(Mechanism::ScramSha256),
            "log.password",
        ),
        (
            "SCRAM-SHA-512",
            wrong_password(Mechanism::ScramSha512),
            "log.password",
        ),
        (
            "no certificate",
            changed(ssl(), |config| {
                config.security.certificate = PathBuf::new();
                config.security.key = PathBuf::new();
            }),
            "log.certificate",
        ),
        (
            "another authority",
            changed(ssl(), |config| config.security.ca = secret("other-ca.pem")),
            "log.ca",
        ),
        ("plaintext to TLS", plain("SSL"), "log.security"),
        (
            "plaintext to SASL over TLS",
            plain("SASL_SSL"),
            "log.security",
        ),
        ("no user", plain("SASL_PLAINTEXT"), "log.security"),
        (
            "TLS to plaintext",
            changed(ssl(), |config| {
                config.brokers = std::env::var("FOOTFALL_TEST_KAFKA").unwrap();
            }),
            "log.security",
        ),
        (
            "TLS without a user",
            changed(sasl(Mechanism::Plain), |config| {
                let ca = secret("ca.pem");
                config.security = Security {
                    protocol: Protocol::Ssl,
                    ca,
                    ..Security::default()
                };
            }),
            "log.security",
        ),
        (
            "a user where none is asked for",
            changed(sasl(Mechanism::Plain), |config| {
                let ours = ssl();
                config.brokers = ours.brokers;
                config.security.certificate = ours.security.certificate;
                config.security.key = ours.security.key;
            }),
            "log.security",
        ),
    ];
    // Each takes seconds of waiting and no work.
    std::thread::scope(|scope| {
        for (what, config, setting) in &cases {
            scope.spawn(move || {
                let error =
                    topics::check(config, "footfall.events", 1, LAYOUT.keeps, false).unwrap_err();
                let Error::Fatal(said) = error else {
                    panic!("{what}: {error}");
                };
                assert!(said.contains(setting), "{what}: {said}");
                assert!(!said.contains(&password()), "{what}: {said}");
            });
        }
    });
}

#[test]
#[ignore = "needs servers"]
fn a_user_without_rights_is_told_the_topic_and_the_right() {
    let stranger = changed(sasl(Mechanism::Plain), |config| {
        config.security.user = "stranger".to_owned();
    });
    let name = &fresh_name();
    topics::create(&ssl(), name, LAYOUT).unwrap();
    let record = NewRecord {
        key: b"k".to_vec(),
        ..NewRecord::default()
    };
    let mut reader = Reader::new(&stranger, name).unwrap();
    for (right, outcome) in [
        (
            "CREATE",
            topics::create(&stranger, &fresh_name(), LAYOUT).err(),
        ),
        (
            "DESCRIBE",
            topics::check(&stranger, name, 1, LAYOUT.keeps, false).err(),
        ),
        (
            "DESCRIBE_CONFIGS",
            topics::record_limit(&stranger, name).err(),
        ),
        (
            "WRITE",
            Producer::new(&stranger, name)
                .unwrap()
                .append(vec![record])
                .err(),
        ),
        ("DESCRIBE", reader.partitions().err()),
    ] {
        let Some(Error::Fatal(said)) = outcome else {
            panic!("{right}: {outcome:?}");
        };
        assert!(
            said.contains(&format!("the right {right} on the")),
            "{right}: {said}"
        );
        assert!(said.contains("log.user"), "{said}");
    }
    // A member goes on asking, for rights may be given to it, and says each time what it lacks.
    let mut consumer = Consumer::join(&stranger, name, name, Arc::new(FromStart)).unwrap();
    let start = Instant::now();
    let said = loop {
        assert!(
            start.elapsed() < LONGEST_WAIT,
            "waited in vain for the refusal"
        );
        if let Err(error) = consumer.poll(Duration::from_millis(100)) {
            break error.to_string();
        }
    };
    assert!(
        said.contains(name.as_str()) && said.contains("the right READ"),
        "{said}"
    );
    Box::new(consumer).leave();
}
