//! Configuration: defaults, one TOML file, the environment, flags; the later wins.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pipeline::definition::Definition;
use schemas::topics::Topics;
use serde::{Deserialize, Serialize};

/// Everything a process is told. `footfall config print` shows it, `footfall.toml` has its form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the embedded log, of checkpoints and of the deployment's hash key.
    pub data: PathBuf,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// The log.
    pub log: Log,
    /// The hot views.
    pub redis: Redis,
    /// The history.
    pub opensearch: OpenSearch,
    /// What the numbers depend on besides the log.
    pub definition: Definition,
    /// How a processor works.
    pub processor: Processor,
    /// Log lines.
    pub logging: Logging,
}

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
    /// Stands in the index's name.
    pub prefix: String,
    /// Primary shards of a new index.
    pub shards: u32,
    /// Copies beside the primary of a new index; 0 on a single node.
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

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from(".footfall/data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            log: Log::default(),
            redis: Redis::default(),
            opensearch: OpenSearch::default(),
            definition: Definition::default(),
            processor: Processor::default(),
            logging: Logging::default(),
        }
    }
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

impl Default for OpenSearch {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
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

/// Flags and environment variables that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Configuration (flag, else environment, else file, else default)")]
pub struct Overrides {
    /// The configuration file.
    #[arg(long, global = true, env = "FOOTFALL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the embedded log and of checkpoints [default: .footfall/data].
    #[arg(long, global = true, env = "FOOTFALL_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Where HTTP is served [default: 127.0.0.1:8080].
    #[arg(long, global = true, env = "FOOTFALL_LISTEN", value_name = "HOST:PORT")]
    pub listen: Option<SocketAddr>,
    /// Kafka's brokers; without them the log is a file in the data folder.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_KAFKA",
        value_name = "HOST:PORT,…"
    )]
    pub kafka: Option<String>,
    /// Stands before every topic's name.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_TOPIC_PREFIX",
        value_name = "TEXT"
    )]
    pub topic_prefix: Option<String>,
    /// Redis, for the hot views.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_REDIS",
        value_name = "URL",
        hide_env_values = true
    )]
    pub redis: Option<String>,
    /// OpenSearch, for the history; several addresses with commas.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_OPENSEARCH",
        value_name = "URL,…",
        hide_env_values = true
    )]
    pub opensearch: Option<String>,
    /// The deployment's hash key, 32 hexadecimal digits.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_HASH_KEY",
        value_name = "HEX",
        hide_env_values = true
    )]
    pub hash_key: Option<String>,
    /// Log lines to show, in the form of RUST_LOG [default: info].
    #[arg(long, global = true, env = "FOOTFALL_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

impl Config {
    /// Reads the file, then lets the environment and flags win.
    ///
    /// # Errors
    /// When the file can't be read, or holds what no configuration has.
    pub fn load(overrides: &Overrides) -> anyhow::Result<Self> {
        let mut config = match &overrides.config {
            Some(path) => Self::read(path)?,
            None => Self::default(),
        };
        let set = |to: &mut String, from: &Option<String>| {
            if let Some(from) = from {
                to.clone_from(from);
            }
        };
        set(&mut config.log.brokers, &overrides.kafka);
        set(&mut config.log.topic_prefix, &overrides.topic_prefix);
        set(&mut config.redis.url, &overrides.redis);
        set(&mut config.definition.hash_key, &overrides.hash_key);
        set(&mut config.logging.filter, &overrides.log);
        if let Some(urls) = &overrides.opensearch {
            config.opensearch.urls = urls.split(',').map(str::to_owned).collect();
        }
        if let Some(data) = &overrides.data {
            config.data.clone_from(data);
        }
        if let Some(listen) = overrides.listen {
            config.listen = listen;
        }
        if config.definition.hot_days == Some(0) {
            config.definition.hot_days = None;
        }
        Ok(config)
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("configuration file {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("configuration file {}", path.display()))
    }

    /// Whether the log is the file in the data folder.
    pub fn is_embedded(&self) -> bool {
        self.log.brokers.is_empty()
    }

    /// The topics' names.
    pub fn topics(&self) -> Topics {
        Topics::with_prefix(&self.log.topic_prefix)
    }

    /// How to reach Kafka.
    pub fn kafka(&self) -> log::kafka::Config {
        log::kafka::Config {
            brokers: self.log.brokers.clone(),
            extra: self.log.kafka.clone(),
        }
    }

    /// Completes the definition. The embedded mode makes its hash key once and keeps it beside the
    /// log; a deployment of several processes must be told one.
    ///
    /// # Errors
    /// When the definition can't be used, or the key can't be kept.
    pub fn complete(&mut self) -> anyhow::Result<()> {
        if self.is_embedded() {
            // One process reads what it folds: there is nothing to keep small.
            self.definition.hot_days = None;
            if self.definition.hash_key.is_empty() {
                self.definition.hash_key = kept_key(&self.data)?;
            }
        }
        self.definition.check()?;
        Ok(())
    }

    /// The configuration without secrets, to be shown.
    pub fn without_secrets(&self) -> Self {
        let mut shown = self.clone();
        if !shown.definition.hash_key.is_empty() {
            shown.definition.hash_key = HIDDEN.to_owned();
        }
        shown.redis.url = without_password(&shown.redis.url);
        for url in &mut shown.opensearch.urls {
            *url = without_password(url);
        }
        for (name, value) in &mut shown.log.kafka {
            if ["password", "secret", "key.pem", "oauthbearer"]
                .iter()
                .any(|word| name.contains(word))
            {
                HIDDEN.clone_into(value);
            }
        }
        shown
    }

    /// What keeps this configuration from working, without asking any server.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut definition = self.definition.clone();
        if self.is_embedded() && definition.hash_key.is_empty() {
            "0".repeat(32).clone_into(&mut definition.hash_key);
        }
        if let Err(error) = definition.check() {
            problems.push(error.to_string());
        }
        if self.is_embedded() && !(self.redis.url.is_empty() && self.opensearch.urls.is_empty()) {
            problems
                .push("redis and opensearch are used with Kafka only; set log.brokers".to_owned());
        }
        if self.processor.memory_mib < 64 {
            problems.push("processor.memory_mib must be 64 or more".to_owned());
        }
        if let Err(error) = tracing_filter(&self.logging.filter) {
            problems.push(error);
        }
        problems
    }

    /// Fails unless brokers are named.
    ///
    /// # Errors
    /// With the flag to set.
    pub fn need_kafka(&self, command: &str) -> anyhow::Result<()> {
        if self.is_embedded() {
            bail!(
                "`footfall {command}` works on Kafka: name its brokers with --kafka or FOOTFALL_KAFKA. Without servers, `footfall demo` does it all in one process"
            );
        }
        Ok(())
    }
}

const HIDDEN: &str = "(hidden)";

fn tracing_filter(filter: &str) -> Result<(), String> {
    telemetry::logs::check(filter)
}

fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}{HIDDEN}{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.to_owned(),
    }
}

/// The key kept in the data folder, made from the operating system's randomness at first use.
fn kept_key(data: &Path) -> anyhow::Result<String> {
    let path = data.join("hash-key");
    if let Ok(key) = std::fs::read_to_string(&path) {
        return Ok(key.trim().to_owned());
    }
    let key = hex::encode(rand::random::<[u8; 16]>());
    std::fs::create_dir_all(data).with_context(|| format!("data folder {}", data.display()))?;
    std::fs::write(&path, &key).with_context(|| format!("hash key {}", path.display()))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let mut config = Config::default();
        config.definition.hash_key = "00112233445566778899aabbccddeeff".to_owned();
        config.redis.url = "redis://footfall:s3cret@127.0.0.1:6379/0".to_owned();
        config.opensearch.urls = vec!["https://admin:s3cret@search:9200".to_owned()];
        let kafka = [("sasl.password", "s3cret"), ("sasl.username", "footfall")];
        config.log.kafka = kafka.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let shown = toml::to_string(&config.without_secrets()).unwrap_or_default();
        assert!(shown.contains("127.0.0.1:6379") && shown.contains("search:9200"));
        assert!(
            !shown.contains("s3cret") && !shown.contains("00112233"),
            "{shown}"
        );
    }

    #[test]
    fn a_setting_that_does_not_exist_is_refused_by_name() {
        let error = toml::from_str::<Config>("[processor]\ncheckpoint_sm = 3\n");
        assert!(error.is_err_and(|error| error.to_string().contains("checkpoint_sm")));
    }

    #[test]
    fn the_printed_configuration_reads_back() {
        let printed = toml::to_string(&Config::default()).unwrap_or_default();
        assert_eq!(toml::from_str(&printed), Ok(Config::default()));
    }
}
