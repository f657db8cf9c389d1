//! The set a process works with: which log, which stores.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use log::{Producer, Reader};
use schemas::topics::Topics;
use views::{opensearch, redis};

use crate::config::Config;

/// The log of a configuration.
pub enum Log {
    /// The file in the data folder.
    Embedded(Arc<log::embedded::Log>),
    /// Kafka.
    Kafka(log::kafka::Config),
}

impl Log {
    /// Opens it to append and to read.
    ///
    /// # Errors
    /// When the file is held by another process.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        if !config.is_embedded() {
            return Ok(Self::Kafka(config.kafka()));
        }
        std::fs::create_dir_all(&config.data)
            .with_context(|| format!("data folder {}", config.data.display()))?;
        let log = log::embedded::Log::open(&log_path(config), config.definition.partitions)?;
        Ok(Self::Embedded(log))
    }

    /// Opens it to read.
    ///
    /// # Errors
    /// When the file is missing, or held by another process.
    pub fn open_read_only(config: &Config) -> anyhow::Result<Self> {
        if !config.is_embedded() {
            return Ok(Self::Kafka(config.kafka()));
        }
        let log = log::embedded::Log::open_read_only(&log_path(config))?;
        Ok(Self::Embedded(log))
    }

    /// A producer of a topic.
    ///
    /// # Errors
    /// When the log can't be written.
    pub fn producer(&self, topic: &str) -> Result<Arc<dyn Producer>, log::Error> {
        match self {
            Self::Embedded(log) => log.producer(topic),
            Self::Kafka(config) => Ok(Arc::new(log::kafka::Producer::new(config, topic)?)),
        }
    }

    /// A reader of a topic.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn reader(&self, topic: &str) -> Result<Box<dyn Reader>, log::Error> {
        match self {
            Self::Embedded(log) => log.reader(topic),
            Self::Kafka(config) => Ok(Box::new(log::kafka::Reader::new(config, topic)?)),
        }
    }
}

fn log_path(config: &Config) -> std::path::PathBuf {
    config.data.join("log.sqlite")
}

/// Redis, if the configuration names one.
///
/// # Errors
/// When it can't be reached or can't hold the views.
pub async fn redis(config: &Config) -> anyhow::Result<Option<Arc<redis::Store>>> {
    if config.redis.url.is_empty() {
        return Ok(None);
    }
    let store = redis::Store::connect(&config.redis.url, &config.definition).await?;
    Ok(Some(Arc::new(store)))
}

/// OpenSearch, if the configuration names one.
///
/// # Errors
/// When it can't be reached or can't hold the views.
pub async fn opensearch(config: &Config) -> anyhow::Result<Option<Arc<opensearch::Store>>> {
    if config.opensearch.urls.is_empty() {
        return Ok(None);
    }
    let store = opensearch::Store::connect(opensearch::Config {
        urls: config.opensearch.urls.clone(),
        prefix: config.opensearch.prefix.clone(),
        definition: config.definition.clone(),
        shards: config.opensearch.shards,
        replicas: config.opensearch.replicas,
    })
    .await?;
    Ok(Some(Arc::new(store)))
}

/// The processor's settings.
pub fn settings(config: &Config) -> processor::Settings {
    let of = &config.processor;
    processor::Settings {
        checkpoint_every: Duration::from_millis(of.checkpoint_ms),
        checkpoint_records: of.checkpoint_records,
        hot_every: Duration::from_millis(of.hot_ms),
        history_every: Duration::from_millis(of.history_ms),
        memory_limit: of.memory_mib << 20,
        pass_misrouted: of.pass_misrouted,
        ..processor::Settings::new(
            Arc::new(config.definition.clone()),
            config.data.join("state"),
        )
    }
}

/// What keeps a process from starting on the topics, and what is only worth a warning.
///
/// # Errors
/// When Kafka doesn't answer, or a topic can lose acknowledged data; the sentence says what to do.
pub fn check_topics(config: &Config, topics: &Topics) -> anyhow::Result<()> {
    let mut refused = Vec::new();
    let partitions: BTreeMap<&str, u32> =
        [(topics.events.as_str(), config.definition.partitions)].into();
    for (topic, partitions) in partitions {
        for finding in
            log::kafka::topics::check(&config.kafka(), topic, partitions, config.log.development)?
        {
            if finding.refused {
                refused.push(finding.sentence);
            } else {
                tracing::warn!(topic, "{}", finding.sentence);
            }
        }
    }
    if !refused.is_empty() {
        anyhow::bail!("{}", refused.join("\n"));
    }
    Ok(())
}
