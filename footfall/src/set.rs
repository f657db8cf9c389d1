//! The set a process works with: which log, which stores.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use log::{Consumer, Positions, Producer, Reader};
use processor::snapshots::{self, Schedule};
use views::{Connecting, opensearch, redis};

use crate::config::Config;

/// How long a process waits for a store when it starts. One that is down says so at once; one that
/// is there but silent must not keep the other waiting.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// When another process appends to the file, or the brokers don't answer or don't let us in.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        if !config.is_embedded() {
            return Self::reach(config);
        }
        processor::space::make_folder(&config.data)
            .with_context(|| format!("data folder {}", config.data.display()))?;
        let log = log::embedded::Log::open(&log_path(config), config.definition.partitions)?;
        Ok(Self::Embedded(log))
    }

    /// Opens it to read, also while another process appends.
    ///
    /// # Errors
    /// When the file is missing, or the brokers don't answer or don't let us in.
    pub fn open_read_only(config: &Config) -> anyhow::Result<Self> {
        if !config.is_embedded() {
            return Self::reach(config);
        }
        let log = log::embedded::Log::open_read_only(&log_path(config))?;
        Ok(Self::Embedded(log))
    }

    /// Kafka, once it has answered.
    fn reach(config: &Config) -> anyhow::Result<Self> {
        let kafka = config.kafka();
        kafka.reach()?;
        Ok(Self::Kafka(kafka))
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

    /// A consumer of all partitions of a topic, whoever else follows them.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn follow(
        &self,
        topic: &str,
        partitions: u32,
        positions: Arc<dyn Positions>,
    ) -> Result<Box<dyn Consumer>, log::Error> {
        match self {
            Self::Embedded(log) => log.consumer(topic, positions),
            Self::Kafka(config) => {
                let consumer = log::kafka::Consumer::follow(config, topic, partitions, positions)?;
                Ok(Box::new(consumer))
            }
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

/// Redis, if the configuration names one, for a command that ends when it is down.
///
/// # Errors
/// When it can't be reached or can't hold the views.
pub async fn redis(config: &Config) -> anyhow::Result<Option<Arc<redis::Store>>> {
    if config.redis.url.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(connect_redis(config, Use::Read).await?)))
}

/// OpenSearch, if the configuration names one, for a command that ends when it is down.
///
/// # Errors
/// When it can't be reached or can't hold the views.
pub async fn opensearch(config: &Config) -> anyhow::Result<Option<Arc<opensearch::Store>>> {
    if config.opensearch.urls.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(connect_opensearch(config).await?)))
}

/// The stores that the configuration names, for a process that outlives their absence.
#[derive(Clone)]
pub struct Stores {
    /// The hot views.
    pub redis: Option<Arc<Connecting<redis::Store>>>,
    /// The history.
    pub opensearch: Option<Arc<Connecting<opensearch::Store>>>,
}

/// What a process does with the stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It brings them up: they are kept as the configuration says.
    Write,
    /// It asks them.
    Read,
}

impl Stores {
    /// Connects to both; one that is down is connected to when it is back.
    ///
    /// # Errors
    /// When one can't hold the views, or its configuration can't be used.
    pub async fn connect(config: &Config, purpose: Use) -> Result<Self, views::Error> {
        let (of_redis, of_opensearch) = (config.clone(), config.clone());
        let redis = async {
            if config.redis.url.is_empty() {
                return Ok(None);
            }
            let connect = move || {
                let config = of_redis.clone();
                async move { connect_redis(&config, purpose).await }
            };
            let store = Connecting::start(redis::NAME, PATIENCE, connect).await?;
            Ok(Some(Arc::new(store)))
        };
        let opensearch = async {
            if config.opensearch.urls.is_empty() {
                return Ok(None);
            }
            let connect = move || {
                let config = of_opensearch.clone();
                async move {
                    let store = connect_opensearch(&config).await?;
                    if purpose == Use::Write {
                        store.keep_replicas().await?;
                    }
                    Ok(store)
                }
            };
            let store = Connecting::start(opensearch::NAME, PATIENCE, connect).await?;
            Ok(Some(Arc::new(store)))
        };
        let (redis, opensearch) = tokio::try_join!(redis, opensearch)?;
        Ok(Self { redis, opensearch })
    }

    /// Whether all stores are there.
    ///
    /// # Errors
    /// With those that are not, and why.
    pub fn ready(&self) -> Result<(), web::Unready> {
        let redis = self.redis.as_ref().and_then(|store| store.get().err());
        let opensearch = self.opensearch.as_ref().and_then(|store| store.get().err());
        let (mut what, mut details) = (Vec::new(), Vec::new());
        for (name, error) in [(redis::NAME, redis), (opensearch::NAME, opensearch)] {
            let Some(error) = error else { continue };
            what.push(format!("{name} is not there yet"));
            details.push(format!("{name} is not there yet: {error}"));
        }
        if what.is_empty() {
            return Ok(());
        }
        Err(web::Unready {
            what: what.join("; "),
            details: details.join("; "),
        })
    }
}

async fn connect_redis(config: &Config, purpose: Use) -> Result<redis::Store, views::Error> {
    let address = config.redis.address();
    match purpose {
        Use::Write => redis::Store::connect(address, &config.definition).await,
        Use::Read => redis::Store::connect_to_read(address, &config.definition).await,
    }
}

async fn connect_opensearch(config: &Config) -> Result<opensearch::Store, views::Error> {
    opensearch::Store::connect(opensearch_of(config)).await
}

/// The history's store as a configuration has it.
pub fn opensearch_of(config: &Config) -> opensearch::Config {
    opensearch::Config {
        urls: config.opensearch.urls.clone(),
        access: config.opensearch.access(),
        prefix: config.opensearch.prefix.clone(),
        definition: config.definition.clone(),
        shards: config.opensearch.shards,
        replicas: config.opensearch.replicas,
        documents_per_second: config.opensearch.documents_per_second,
    }
}

/// Redis, for a look: nothing is loaded or written.
///
/// # Errors
/// When it can't be reached or holds other rows under our keys.
pub(crate) async fn look_at_redis(config: &Config) -> Result<redis::Store, views::Error> {
    redis::Store::connect_to_look(config.redis.address(), &config.definition).await
}

/// OpenSearch, for a look: nothing is sent yet, and nothing is written later.
///
/// # Errors
/// When its configuration can't be used.
pub(crate) fn look_at_opensearch(config: &Config) -> Result<opensearch::Store, views::Error> {
    opensearch::Store::open(opensearch_of(config))
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
        snapshots: Schedule {
            every: Duration::from_secs(config.snapshots.every_s),
            keep: usize::try_from(config.snapshots.keep).unwrap_or(usize::MAX),
            ..Schedule::default()
        },
        ..processor::Settings::new(
            Arc::new(config.definition.clone()),
            config.data.join("state"),
        )
    }
}

/// Where snapshots are kept, if anywhere. Nothing is asked of the store yet.
///
/// # Errors
/// When the setting can't be used.
pub fn snapshots(config: &Config) -> Result<Option<snapshots::Store>, snapshots::Error> {
    let of = &config.snapshots;
    if of.url.is_empty() {
        return Ok(None);
    }
    snapshots::Store::open(&of.url, &of.options).map(Some)
}
