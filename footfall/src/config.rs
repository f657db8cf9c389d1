//! Configuration: defaults, one TOML file, the environment, flags; the later wins.

mod definition_form;
mod file;
mod listen;
mod open_wires;
mod overrides;
mod problems;
mod secret;
mod sections;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pipeline::definition::Definition;
use schemas::topics::Topics;
use serde::{Deserialize, Serialize};

use crate::running;

use self::definition_form::DefinitionForm;
pub use self::listen::Listen;
pub(crate) use self::open_wires::open_host;
pub use self::overrides::Overrides;
pub use self::secret::Secret;
use self::secret::{HIDDEN, resolved};
pub use self::sections::{
    Entry, Http, Log, Logging, OpenSearch, Processor, Redis, Sasl, Security, Snapshots,
};

/// Everything a process is told. `footfall config print` shows it, `footfall.toml` has its form.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the embedded log, of checkpoints and of the deployment's hash key.
    pub data: PathBuf,
    /// Where HTTP is served.
    pub listen: Listen,
    /// How.
    pub http: Http,
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
    /// The seats that a gateway gives.
    pub entry: Entry,
    /// Checkpoints kept elsewhere.
    pub snapshots: Snapshots,
    /// Log lines.
    pub logging: Logging,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from(".footfall/data"),
            listen: Listen::default(),
            http: Http::default(),
            log: Log::default(),
            redis: Redis::default(),
            opensearch: OpenSearch::default(),
            definition: Definition::default(),
            processor: Processor::default(),
            entry: Entry::default(),
            snapshots: Snapshots::default(),
            logging: Logging::default(),
        }
    }
}

impl Config {
    /// Reads the file, then lets the environment and flags win.
    ///
    /// # Errors
    /// When the file can't be read, or holds what no configuration has.
    pub fn load(overrides: &Overrides) -> anyhow::Result<Self> {
        let mut config = match &overrides.config {
            Some(path) => file::read(path)?,
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
        set(&mut config.opensearch.user, &overrides.opensearch_user);
        set(
            &mut config.opensearch.password,
            &overrides.opensearch_password,
        );
        set(&mut config.definition.hash_key, &overrides.hash_key);
        set(&mut config.logging.filter, &overrides.log);
        if let Ok(user) = std::env::var(KAFKA_USER) {
            config.log.user = user;
        }
        if let Ok(password) = std::env::var(KAFKA_PASSWORD) {
            config.log.password = password.into();
        }
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
        if let Some(listen) = &overrides.listen {
            config.listen.clone_from(listen);
        }
        config.find_secrets()?;
        Ok(config)
    }

    /// Looks up the secrets that stand elsewhere.
    fn find_secrets(&mut self) -> anyhow::Result<()> {
        for (setting, told) in [
            ("redis.url", &mut self.redis.url),
            ("opensearch.password", &mut self.opensearch.password),
            ("definition.hash_key", &mut self.definition.hash_key),
        ] {
            *told = resolved(setting, told)?;
        }
        self.log.password.resolve("log.password")?;
        self.entry.user_secret.resolve("entry.user_secret")?;
        for (name, value) in &mut self.log.kafka {
            if is_secret(name) {
                *value = resolved(&format!("log.kafka.\"{name}\""), value)?;
            }
        }
        for (name, value) in &mut self.snapshots.options {
            if processor::snapshots::is_secret(name) {
                *value = resolved(&format!("snapshots.options.{name}"), value)?;
            }
        }
        Ok(())
    }

    /// Whether the log is the file in the data folder.
    pub fn is_embedded(&self) -> bool {
        self.log.brokers.is_empty()
    }

    /// The topics' names.
    pub fn topics(&self) -> Topics {
        Topics::with_prefix(&self.log.topic_prefix)
    }

    /// How a process serves HTTP.
    pub fn listener(&self) -> web::Settings {
        web::Settings {
            host: self.listen.host.clone(),
            port: self.listen.port,
            certificate: self.http.certificate.clone(),
            key: self.http.key.clone(),
            tokens: self.http.tokens.clone(),
            insecure: self.http.insecure,
        }
    }

    /// How to reach Kafka.
    pub fn kafka(&self) -> log::kafka::Config {
        log::kafka::Config {
            brokers: self.log.brokers.clone(),
            security: self.security(),
            extra: self.log.kafka.clone(),
        }
    }

    /// How we show the brokers who we are.
    fn security(&self) -> log::kafka::Security {
        use log::kafka::{Mechanism, Protocol};
        let of = &self.log;
        log::kafka::Security {
            protocol: match of.security {
                Security::Plaintext => Protocol::Plaintext,
                Security::Ssl => Protocol::Ssl,
                Security::SaslPlaintext => Protocol::SaslPlaintext,
                Security::SaslSsl => Protocol::SaslSsl,
            },
            mechanism: match of.sasl {
                Sasl::None => None,
                Sasl::Plain => Some(Mechanism::Plain),
                Sasl::ScramSha256 => Some(Mechanism::ScramSha256),
                Sasl::ScramSha512 => Some(Mechanism::ScramSha512),
            },
            user: of.user.clone(),
            password: of.password.reveal().to_owned(),
            ca: of.ca.clone(),
            certificate: of.certificate.clone(),
            key: of.key.clone(),
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
        processor::space::make_folder(data)
            .with_context(|| format!("data folder {}", data.display()))?;
        // Whoever has it can tell which user a hash is of.
        running::write_for_owner(&path, &key)
            .with_context(|| format!("hash key {}", path.display()))
    }

    /// The configuration without secrets, to be shown.
    pub fn without_secrets(&self) -> Self {
        let mut shown = self.clone();
        if !shown.definition.hash_key.is_empty() {
            shown.definition.hash_key = HIDDEN.to_owned();
        }
        shown.log.password = shown.log.password.shown();
        shown.entry.user_secret = shown.entry.user_secret.shown();
        shown.redis.url = without_sentinels_password(&without_password(&shown.redis.url));
        for url in &mut shown.opensearch.urls {
            *url = without_password(url);
        }
        if !shown.opensearch.password.is_empty() {
            HIDDEN.clone_into(&mut shown.opensearch.password);
        }
        for (name, value) in &mut shown.log.kafka {
            if is_secret(name) {
                HIDDEN.clone_into(value);
            }
        }
        shown.snapshots.url = without_password(&shown.snapshots.url);
        for (name, value) in &mut shown.snapshots.options {
            if processor::snapshots::is_secret(name) {
                HIDDEN.clone_into(value);
            }
        }
        shown
    }
}

/// Variables without a flag: what a command line holds is seen by everyone on the machine.
const KAFKA_USER: &str = "FOOTFALL_KAFKA_USER";
const KAFKA_PASSWORD: &str = "FOOTFALL_KAFKA_PASSWORD";

/// As `footfall config print` shows it.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = toml::to_string(&self.without_secrets()).map_err(|_| fmt::Error)?;
        formatter.write_str(&shown)
    }
}

/// Whether a librdkafka setting of that name holds a secret.
fn is_secret(name: &str) -> bool {
    let words = ["password", "secret", "key.pem", "oauthbearer"];
    words.iter().any(|word| name.contains(word))
}

fn without_password(url: &str) -> String {
    let authority = url.split(['?', '#']).next().unwrap_or_default();
    // An '@' may stand in a parameter; one in a password that should have been escaped is hidden too.
    let at = authority.rfind('@').or_else(|| url.rfind('@'));
    match (url.find("://"), at) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}{HIDDEN}{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.to_owned(),
    }
}

/// Sentinels have a password of their own, among the parameters of the URL.
fn without_sentinels_password(url: &str) -> String {
    const NAME: &str = "sentinelPassword=";
    let Some(start) = url.find(NAME).map(|at| at + NAME.len()) else {
        return url.to_owned();
    };
    let end = url[start..]
        .find('&')
        .map_or(url.len(), |length| start + length);
    format!("{}{HIDDEN}{}", &url[..start], &url[end..])
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
mod tests;
