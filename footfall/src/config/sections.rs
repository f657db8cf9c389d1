//! The sections of the configuration, with their defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Secret;

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
    /// How many times the entries topic was made anew, from 1.
    pub entries_generation: u32,
    /// Accept topics that can lose acknowledged data.
    pub development: bool,
    /// What the brokers' listener speaks.
    pub security: Security,
    /// How the password is shown.
    pub sasl: Sasl,
    /// Whose it is.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// PEM file of the authorities that sign the brokers' certificates; empty: those that the system trusts.
    pub ca: PathBuf,
    /// PEM file of a certificate of our own; empty: none.
    pub certificate: PathBuf,
    /// PEM file of its key.
    pub key: PathBuf,
    /// Further librdkafka settings, by their own names.
    pub kafka: BTreeMap<String, String>,
}

/// What Kafka's brokers speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Neither encrypted nor authenticated.
    #[default]
    Plaintext,
    /// TLS.
    Ssl,
    /// A user and a password, unencrypted.
    SaslPlaintext,
    /// A user and a password, over TLS.
    SaslSsl,
}

/// How a password is shown to Kafka.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sasl {
    /// None is.
    #[default]
    #[serde(rename = "")]
    None,
    /// As it is.
    #[serde(rename = "PLAIN")]
    Plain,
    /// As a proof that it is known.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// As a proof that it is known.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

/// How HTTP is served, at the address of `listen`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// PEM file of the certificate; empty: no TLS.
    pub certificate: PathBuf,
    /// PEM file of its key.
    pub key: PathBuf,
    /// File of tokens; empty: none is asked for.
    pub tokens: PathBuf,
    /// PEM file of the authorities that sign such certificates, for commands that ask other processes; empty: the
    /// system's alone.
    pub ca: PathBuf,
    /// Serve other machines without tokens or TLS, for a program before it sees to both.
    pub insecure: bool,
}

/// The hot views.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// `redis://…`, `redis-sentinel://…`, `redis-cluster://…`, with `rediss` for TLS; empty: none.
    pub url: String,
    /// PEM file with the authorities of the servers' certificates; empty: the system's.
    pub ca: String,
    /// PEM file with this client's certificate; empty: none.
    pub certificate: String,
    /// PEM file with its private key.
    pub key: String,
}

impl Redis {
    /// Where Redis is and how it is reached.
    pub fn address(&self) -> views::redis::Address {
        views::redis::Address {
            url: self.url.clone(),
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        }
    }
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
    /// Tell admissions to the events topic.
    pub emit_enters: bool,
}

/// The seats that a gateway gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Entry {
    /// Signs who asks for a seat; empty: users are not signed.
    pub user_secret: Secret,
    /// For development: users are who they say they are.
    pub claimed_users: bool,
    /// Origins of pages that may send visits and clicks; empty: none may.
    pub pages: Vec<String>,
}

/// Whole checkpoints kept elsewhere, so that a partition can move to a machine that has never seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Snapshots {
    /// `file:///folder` or `s3://bucket/prefix`; empty: none.
    pub url: String,
    /// Seconds between two snapshots of a partition.
    pub every_s: u64,
    /// Snapshots kept of a partition.
    pub keep: u64,
    /// The store's options, by their own names.
    pub options: BTreeMap<String, String>,
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
            entries_generation: 1,
            development: false,
            security: Security::default(),
            sasl: Sasl::default(),
            user: String::new(),
            password: Secret::default(),
            ca: PathBuf::new(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
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
            emit_enters: true,
        }
    }
}

impl Default for Snapshots {
    fn default() -> Self {
        Self {
            url: String::new(),
            every_s: 600,
            keep: 3,
            options: BTreeMap::new(),
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
