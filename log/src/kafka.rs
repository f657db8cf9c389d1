//! The log on Kafka: members of a group consume, producers append, readers read without a group.
//!
//! Committed offsets are never read and never written: where a partition starts is asked of
//! [`crate::Positions`], and Kafka is told that falling back on an offset of its own is an error.

mod assignment;
mod consumer;
mod delivery;
mod message;
mod producer;
mod reach;
mod reader;
mod rebalance;
mod report;
mod security;
mod stopped;
pub mod topics;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::{Client, ClientContext};

pub use consumer::Consumer;
pub use producer::Producer;
pub use reader::Reader;
pub use security::{Mechanism, Protocol, Security};

use crate::{Bounds, Error};

/// How long a question to the cluster (offsets, topics) may take. A leader's death takes 6 to 11 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// How to reach a Kafka cluster.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// `host:port`, comma-separated: librdkafka's `bootstrap.servers`.
    pub brokers: String,
    /// How we show who we are.
    pub security: Security,
    /// Further librdkafka settings by name (time-outs, other ways to authenticate). They win over ours, save those that the
    /// guarantees stand on.
    pub extra: BTreeMap<String, String>,
}

/// Names the further settings without their values: passwords are among them.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("brokers", &self.brokers)
            .field("security", &self.security)
            .field("extra", &self.extra.keys())
            .finish()
    }
}

/// Settings of every client.
const COMMON: [(&str, &str); 3] = [
    ("client.id", "footfall"),
    ("socket.keepalive.enable", "true"),
    // After an outage the first try comes soon; librdkafka's own limit is 10 s.
    ("reconnect.backoff.max.ms", "2000"),
];

impl Config {
    /// Asks the cluster something, so that what keeps us out is known before anything waits for it.
    ///
    /// # Errors
    /// [`Error::Fatal`] when it refuses us, with the setting to look at; [`Error::Transient`] when no broker answers.
    pub fn reach(&self) -> Result<(), Error> {
        reach::reach(self)
    }

    /// Settings for one client: `defaults`, then what the operator gave, then what may not be changed.
    fn client(&self, defaults: &[(&str, &str)], fixed: &[(&str, &str)]) -> ClientConfig {
        let mut settings = ClientConfig::new();
        for (name, value) in COMMON.iter().chain(defaults) {
            settings.set(*name, *value);
        }
        for (name, value) in self.security.settings() {
            settings.set(name, value);
        }
        for (name, value) in &self.extra {
            settings.set(name, value);
        }
        settings.set("bootstrap.servers", &self.brokers);
        for (name, value) in fixed {
            settings.set(*name, *value);
        }
        settings
    }
}

/// What a partition holds.
fn bounds<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    partition: u32,
) -> Result<Bounds, Error> {
    let (start, end) = client
        .fetch_watermarks(topic, partition as i32, ANSWER_TIMEOUT)
        .map_err(|error| report::unanswered(&format!("{topic}/{partition}"), "DESCRIBE", &error))?;
    Ok(Bounds {
        start: start.max(0) as u64,
        end: end.max(0) as u64,
    })
}
