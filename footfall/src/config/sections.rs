//! The sections of the configuration, with their defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The log: Kafka where brokers are named, else one SQLite file in the data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `host:port,…`; empty: the embedded log.
    pub brokers: String,
    /// Stands before every topic's name.
    pub topic_prefix: String,
    /// The consumer group.
    pub group: String,
    /// Accept topics that can lose acknowledged data.
    pub development: bool,
    /// Further librdkafka settings, by their own names.
    pub kafka: BTreeMap<String, String>,
}

/// The hot views.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// `redis://…`, `redis-sentinel://…`, `redis-cluster://…`; empty: none.
    pub url: String,
}

/// The history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpenSearch {
    /// Addresses of nodes; empty: none.
    pub urls: Vec<String>,
    /// The name for basic authentication; empty: none.
    pub user: String,
    /// Its password.
    pub password: String,
    /// PEM file of the authorities that sign the nodes' certificates; empty: the system's alone.
    pub ca: PathBuf,
    /// PEM file of our own certificate; empty: none.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
    /// Stands in the index's name.
    pub prefix: String,
    /// Primary shards of a new index.
    pub shards: u32,
    /// Copies beside the primary; 0 on a single node.
    pub replicas: u32,
    /// The most documents a process writes a second, so that indexing leaves the nodes time for questions; 0: no
    /// limit.
    pub documents_per_second: u32,
}

/// How a processor works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Processor {
    /// Milliseconds between checkpoints.
    pub checkpoint_ms: u64,
    /// Records between checkpoints, at most.
    pub checkpoint_records: u64,
    /// Shortest time between two projections to Redis, milliseconds.
    pub hot_ms: u64,
    /// Time between two projections to OpenSearch, milliseconds.
    pub history_ms: u64,
    /// MiB of state at which partitions pause.
    pub memory_mib: u64,
    /// Go on where many records are misrouted.
    pub pass_misrouted: bool,
}

/// Log lines on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    /// In the form of RUST_LOG.
    pub filter: String,
    /// One JSON object a line.
    pub json: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            brokers: String::new(),
            topic_prefix: String::new(),
            group: "footfall".to_owned(),
            development: false,
            kafka: BTreeMap::new(),
        }
    }
}

impl OpenSearch {
    /// Who we are to the cluster, and whose certificates we trust.
    pub fn access(&self) -> views::opensearch::Access {
        views::opensearch::Access {
            user: self.user.clone(),
            password: self.password.clone(),
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        }
    }
}

impl Default for OpenSearch {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            user: String::new(),
            password: String::new(),
            ca: PathBuf::new(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            prefix: String::new(),
            shards: 3,
            replicas: 1,
            documents_per_second: 10_000,
        }
    }
}

impl Default for Processor {
    fn default() -> Self {
        Self {
            checkpoint_ms: 2000,
            checkpoint_records: 1_000_000,
            hot_ms: 100,
            history_ms: 30_000,
            memory_mib: 4096,
            pass_misrouted: false,
        }
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            json: false,
        }
    }
}
