//! Configuration: defaults, one TOML file, the environment, flags; the later wins.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pipeline::definition::{Definition, Limits};
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
    #[serde(with = "DefinitionForm")]
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

/// The definition as the file has it: TOML can't say that something is absent, so 0 days and "none" do.
#[derive(Serialize, Deserialize)]
#[serde(
    remote = "Definition",
    default = "Definition::default",
    deny_unknown_fields
)]
struct DefinitionForm {
    time_zone: String,
    partitions: u32,
    hash_key: String,
    dedup_slot_ms: i64,
    #[serde(with = "lateness")]
    lateness_ms: Option<i64>,
    #[serde(with = "hot_days")]
    hot_days: Option<u32>,
    limits: Limits,
}

/// 0 days: all of them.
mod hot_days {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(days: &Option<u32>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(days.unwrap_or(0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
        Ok(Some(u32::deserialize(from)?).filter(|days| *days > 0))
    }
}

/// "none", or milliseconds, of which 0 is a bound like any other.
mod lateness {
    use std::fmt::{Formatter, Result as Written};

    use serde::de::{Error, Unexpected, Visitor};
    use serde::{Deserializer, Serializer};

    const NONE: &str = "none";

    pub(super) fn serialize<S: Serializer>(ms: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
        match ms {
            Some(ms) => to.serialize_i64(*ms),
            None => to.serialize_str(NONE),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
        from.deserialize_any(Form)
    }

    struct Form;

    impl Visitor<'_> for Form {
        type Value = Option<i64>;

        fn expecting(&self, to: &mut Formatter) -> Written {
            write!(to, "milliseconds, or {NONE:?}")
        }

        fn visit_i64<E: Error>(self, ms: i64) -> Result<Self::Value, E> {
            Ok(Some(ms))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            if text == NONE {
                return Ok(None);
            }
            Err(E::invalid_value(Unexpected::Str(text), &self))
        }
    }
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
            let urls = urls.split(',').map(str::trim);
            config.opensearch.urls = urls
                .filter(|url| !url.is_empty())
                .map(str::to_owned)
                .collect();
        }
        if let Some(data) = &overrides.data {
            config.data.clone_from(data);
        }
        if let Some(listen) = overrides.listen {
            config.listen = listen;
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

    /// Completes the definition; nothing is written. The embedded mode keeps its hash key beside the log; a
    /// deployment of several processes must be told one.
    ///
    /// # Errors
    /// When the definition can't be used, or no key was kept.
    pub fn complete(&mut self) -> anyhow::Result<()> {
        if self.is_embedded() {
            // One process reads what it folds: there is nothing to keep small.
            self.definition.hot_days = None;
            if self.definition.hash_key.is_empty() {
                let Some(key) = kept_key(&self.data)? else {
                    bail!(
                        "{} holds no log and no hash key yet: `footfall demo` fills it, or name another folder with --data or FOOTFALL_DATA",
                        self.data.display()
                    );
                };
                self.definition.hash_key = key;
            }
        }
        self.definition.check()?;
        Ok(())
    }

    /// Makes the embedded mode's hash key, unless there is one: for commands that append.
    ///
    /// # Errors
    /// When the key can't be kept.
    pub fn make_key(&self) -> anyhow::Result<()> {
        if !self.is_embedded()
            || !self.definition.hash_key.is_empty()
            || kept_key(&self.data)?.is_some()
        {
            return Ok(());
        }
        let (data, path) = (&self.data, key_path(&self.data));
        let key = hex::encode(rand::random::<[u8; 16]>());
        std::fs::create_dir_all(data).with_context(|| format!("data folder {}", data.display()))?;
        std::fs::write(&path, &key).with_context(|| format!("hash key {}", path.display()))
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

    /// What keeps this configuration from working, without asking any server: `footfall config check` says it, and
    /// every command that works with the log or the stores refuses to start with it. Who neither folds nor reads
    /// views needs no hash key.
    pub fn problems(&self, needs_key: bool) -> Vec<String> {
        let mut problems = Vec::new();
        self.definition_problems(needs_key, &mut problems);
        self.log_problems(&mut problems);
        self.store_problems(&mut problems);
        let of = &self.processor;
        for (name, value, least) in [
            ("processor.checkpoint_ms", of.checkpoint_ms, 1),
            ("processor.checkpoint_records", of.checkpoint_records, 1),
            ("processor.hot_ms", of.hot_ms, 1),
            ("processor.history_ms", of.history_ms, 1),
            ("processor.memory_mib", of.memory_mib, LEAST_MEMORY_MIB),
            ("opensearch.shards", self.opensearch.shards.into(), 1),
        ] {
            if value < least {
                problems.push(format!("{name} is {value}; it must be {least} or more"));
            }
        }
        if let Err(error) = telemetry::logs::check(&self.logging.filter) {
            problems.push(format!("logging.filter: {error}"));
        }
        problems
    }

    fn definition_problems(&self, needs_key: bool, problems: &mut Vec<String>) {
        let mut definition = self.definition.clone();
        if definition.hash_key.is_empty() && (self.is_embedded() || !needs_key) {
            definition.hash_key = "0".repeat(32);
        }
        if let Err(error) = definition.check() {
            problems.push(format!("definition: {error}"));
        }
        if let Some(ms) = definition.lateness_ms.filter(|ms| *ms < 0) {
            problems.push(format!(
                "definition.lateness_ms is {ms}; it must be 0 or more, or \"none\""
            ));
        }
    }

    fn log_problems(&self, problems: &mut Vec<String>) {
        let of = &self.log;
        let is_address = |broker: &str| !broker.is_empty() && !broker.contains(char::is_whitespace);
        if !self.is_embedded() && !of.brokers.split(',').map(str::trim).all(is_address) {
            problems.push(format!(
                "log.brokers is {:?}; it looks like kafka-1:9092,kafka-2:9092",
                of.brokers
            ));
        }
        let in_a_topic = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !of.topic_prefix.chars().all(in_a_topic) {
            problems.push(format!(
                "log.topic_prefix is {:?}; a topic's name has letters, digits, '.', '_' and '-' only",
                of.topic_prefix
            ));
        }
        if of.group.is_empty() {
            problems.push("log.group is empty; name the consumer group".to_owned());
        }
    }

    fn store_problems(&self, problems: &mut Vec<String>) {
        let (redis, opensearch) = (&self.redis.url, &self.opensearch.urls);
        if self.is_embedded() && !(redis.is_empty() && opensearch.is_empty()) {
            problems.push(
                "redis.url and opensearch.urls are used with Kafka only: set log.brokers (--kafka, FOOTFALL_KAFKA), or leave them out (--redis, FOOTFALL_REDIS, --opensearch, FOOTFALL_OPENSEARCH)"
                    .to_owned(),
            );
        }
        if !redis.is_empty()
            && let Err(error) = views::redis::Store::check_url(redis)
        {
            problems.push(format!("redis.url: {error}"));
        }
        if !opensearch.is_empty()
            && let Err(error) = views::opensearch::Store::check(opensearch, &self.opensearch.prefix)
        {
            problems.push(format!("opensearch: {error}"));
        }
    }

    /// Fails with every problem.
    ///
    /// # Errors
    /// When there is one.
    pub fn check(&self, needs_key: bool) -> anyhow::Result<()> {
        let problems = self.problems(needs_key);
        if !problems.is_empty() {
            bail!("{}", problems.join("\n"));
        }
        Ok(())
    }

    /// Fails where brokers are named.
    ///
    /// # Errors
    /// With what to leave out.
    pub fn need_embedded(&self, command: &str) -> anyhow::Result<()> {
        if !self.is_embedded() {
            bail!(
                "`footfall {command}` uses the embedded log, and brokers are named: leave out --kafka, the variable FOOTFALL_KAFKA and log.brokers of the file (`footfall process` works on Kafka)"
            );
        }
        Ok(())
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
/// Less holds no state worth keeping: partitions would be paused for good.
const LEAST_MEMORY_MIB: u64 = 64;

fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}{HIDDEN}{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.to_owned(),
    }
}

fn key_path(data: &Path) -> PathBuf {
    data.join("hash-key")
}

/// The key kept in the data folder, if there is one.
fn kept_key(data: &Path) -> anyhow::Result<Option<String>> {
    let path = key_path(data);
    match std::fs::read_to_string(&path) {
        Ok(key) => Ok(Some(key.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("hash key {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
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

    const PAGE: &str = include_str!("../../docs/configuration.md");

    /// A printed configuration's settings by dotted name, with their values.
    fn settings(config: &Config) -> BTreeMap<String, toml::Value> {
        fn add(name: &str, value: toml::Value, to: &mut BTreeMap<String, toml::Value>) {
            match value {
                toml::Value::Table(table) if name != "log.kafka" => {
                    for (key, value) in table {
                        let dot = if name.is_empty() { "" } else { "." };
                        add(&format!("{name}{dot}{key}"), value, to);
                    }
                }
                value => {
                    to.insert(name.to_owned(), value);
                }
            }
        }
        let mut found = BTreeMap::new();
        let printed = toml::Value::try_from(config).unwrap();
        add("", printed, &mut found);
        found
    }

    /// The rows of the page's table: setting, default, unit, meaning, variable, flag.
    fn rows() -> Vec<Vec<&'static str>> {
        PAGE.lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| {
                let cells = line[1..line.len() - 1].split('|');
                cells.map(|cell| cell.trim().trim_matches('`')).collect()
            })
            .collect()
    }

    #[test]
    fn what_is_printed_reads_back_whatever_is_set() {
        let mut cases = 0;
        for hot_days in [None, Some(7)] {
            for lateness_ms in [None, Some(0), Some(60_000)] {
                for servers in [false, true] {
                    let mut config = Config::default();
                    config.definition.hot_days = hot_days;
                    config.definition.lateness_ms = lateness_ms;
                    if servers {
                        config.log.brokers = "kafka-1:9092,kafka-2:9092".to_owned();
                        let linger = ("linger.ms".to_owned(), "5".to_owned());
                        config.log.kafka = [linger].into();
                        config.redis.url = "redis://127.0.0.1:6379".to_owned();
                        config.opensearch.urls = vec!["http://127.0.0.1:9200".to_owned()];
                    }
                    let printed = toml::to_string(&config.without_secrets()).unwrap();
                    assert_eq!(toml::from_str(&printed), Ok(config), "{printed}");
                    cases += 1;
                }
            }
        }
        assert_eq!(cases, 12);
    }

    #[test]
    fn a_lateness_that_is_neither_a_number_nor_none_is_refused_with_what_it_may_be() {
        let error = toml::from_str::<Config>("[definition]\nlateness_ms = \"never\"\n");
        let said = error.unwrap_err().to_string();
        assert!(said.contains("milliseconds, or \"none\""), "{said}");
    }

    #[test]
    fn the_page_has_every_setting_with_its_default_and_no_other() {
        let printed = settings(&Config::default());
        let printed: Vec<(&str, String)> = printed
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_string()))
            .collect();
        let mut described: Vec<(&str, String)> = rows()
            .iter()
            .map(|row| (row[0], row[1].to_owned()))
            .collect();
        described.sort();
        assert_eq!(described, printed);
    }

    #[test]
    fn the_page_has_every_variable_and_flag_beside_a_setting_and_no_other() {
        let command = <Overrides as clap::Args>::augment_args(clap::Command::new("footfall"));
        let mut told: Vec<(String, String)> = command
            .get_arguments()
            // The file itself is no setting of the file.
            .filter(|argument| argument.get_id() != "config")
            .map(|argument| {
                let variable = argument.get_env().unwrap().to_string_lossy();
                (
                    variable.into_owned(),
                    format!("--{}", argument.get_long().unwrap()),
                )
            })
            .collect();
        told.sort();
        let mut described: Vec<(String, String)> = rows()
            .iter()
            .filter(|row| !(row[4].is_empty() && row[5].is_empty()))
            .map(|row| (row[4].to_owned(), row[5].to_owned()))
            .collect();
        described.sort();
        assert_eq!(described, told);
    }

    /// A configuration without problems, on servers.
    fn good() -> Config {
        let mut config = Config::default();
        config.log.brokers = "127.0.0.1:9092".to_owned();
        config.redis.url = "redis://127.0.0.1:6379".to_owned();
        config.opensearch.urls = vec!["http://127.0.0.1:9200".to_owned()];
        config.definition.hash_key = "00112233445566778899aabbccddeeff".to_owned();
        config
    }

    #[test]
    fn every_value_that_no_process_can_use_is_a_problem_that_names_its_setting() {
        assert_eq!(good().problems(true), Vec::<String>::new());
        type Change = fn(&mut Config);
        let cases: [(&str, Change); 17] = [
            ("redis.url", |c| c.redis.url = "nonsense".to_owned()),
            ("opensearch", |c| {
                c.opensearch.urls = vec!["not a url".to_owned()]
            }),
            ("opensearch", |c| {
                c.opensearch.urls = vec!["localhost:9200".to_owned()]
            }),
            ("opensearch", |c| {
                c.opensearch.prefix = "No Index".to_owned()
            }),
            ("opensearch.shards", |c| c.opensearch.shards = 0),
            ("processor.checkpoint_ms", |c| c.processor.checkpoint_ms = 0),
            ("processor.checkpoint_records", |c| {
                c.processor.checkpoint_records = 0
            }),
            ("processor.hot_ms", |c| c.processor.hot_ms = 0),
            ("processor.history_ms", |c| c.processor.history_ms = 0),
            ("processor.memory_mib", |c| c.processor.memory_mib = 10),
            ("log.brokers", |c| c.log.brokers = "a:1,,b:2".to_owned()),
            ("log.topic_prefix", |c| {
                c.log.topic_prefix = "a b".to_owned()
            }),
            ("log.group", |c| c.log.group.clear()),
            ("log.brokers", |c| c.log.brokers.clear()),
            ("hash_key", |c| c.definition.hash_key.clear()),
            ("time zone", |c| c.definition.time_zone = "Seoul".to_owned()),
            ("definition.lateness_ms", |c| {
                c.definition.lateness_ms = Some(-1)
            }),
        ];
        for (name, change) in cases {
            let mut config = good();
            change(&mut config);
            let problems = config.problems(true);
            assert!(
                problems.len() == 1 && problems[0].contains(name),
                "{name}: {problems:?}"
            );
        }
    }

    #[test]
    fn who_only_appends_needs_no_hash_key() {
        let mut config = good();
        config.definition.hash_key.clear();
        assert_eq!(config.problems(false), Vec::<String>::new());
    }
}
