//! The log on Kafka: one member of a group consumes, a producer appends, a reader reads without a group.

mod consumer;
mod producer;
mod reader;
pub mod topics;

use std::collections::BTreeMap;

pub use consumer::Consumer;
pub use producer::Producer;
pub use reader::Reader;

/// How to reach a Kafka cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// `host:port`, comma-separated: librdkafka's `bootstrap.servers`.
    pub brokers: String,
    /// Further librdkafka settings (TLS, SASL, time-outs); they win over ours, save those that the
    /// guarantees stand on.
    pub extra: BTreeMap<String, String>,
}
