//! OpenSearch: the whole history, one document a partition and sub-cell, for analysts and the API.
//!
//! Documents are absolute and carry their row's last offset as external version, so that none
//! ever goes back, whoever writes and in whatever order (I3). A partition's checkpoint document
//! moves after its rows are acknowledged and refreshed: it means "at least". A partition's
//! documents share its routing, hence a shard, hence the moment at which a search sees them.

mod access;
mod aliases;
mod ask;
mod bulk;
mod check;
mod checkpoints;
mod documents;
mod dump;
mod found;
mod generation;
mod http;
mod index;
mod indices;
mod look;
mod nodes;
mod pace;
mod people;
mod pressure;
mod query;
mod replicas;
mod reply;
mod request;
mod seen;
mod settings;
mod subcell;
mod templates;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use pipeline::calendar::Calendar;
use pipeline::definition::Definition;
use pipeline::row::NamedCells;
use tokio::sync::Semaphore;
use tracing::warn;

use crate::{Answer, AsOf, Change, Error, Question, Sink, Stored, Views};
pub use access::Access;
pub use documents::{Documents, documents_of};
use generation::{Ends, Generation};
use http::Http;
use index::Names;
pub use indices::{Index, Indices};
use pace::Pace;
use pressure::Pressure;
pub use request::Request;
use seen::Seen;
pub use wire::{Failure, Wire};

/// The store's name in metrics and messages.
pub const NAME: &str = "opensearch";

/// Bulk requests under way at once, over all partitions: one being indexed while the next is on
/// its way. More only queue in the server, which answers 429 when its queue is full.
const BULKS_IN_FLIGHT: usize = 2;

/// Where OpenSearch is and how it shall hold the views.
#[derive(Debug, Clone)]
pub struct Config {
    /// Base addresses of nodes, for example `http://127.0.0.1:9200`; `https://user:password@host` for TLS and basic
    /// authentication. Requests go round them.
    pub urls: Vec<String>,
    /// Who we are to the cluster, and whose certificates we trust.
    pub access: Access,
    /// Sets deployments on one cluster apart: lower-case letters, digits, `_`, `-` and `.`; may
    /// be empty.
    pub prefix: String,
    /// The views' definition; its id is in the index's name.
    pub definition: Definition,
    /// Primary shards of a new index. A partition's documents stay in one shard.
    pub shards: u32,
    /// Copies of each shard beside the primary; 0 on a single node. See [`Store::keep_replicas`].
    pub replicas: u32,
    /// The most documents written a second; 0 is no limit.
    pub documents_per_second: u32,
}

/// The views of one definition in OpenSearch.
#[derive(Debug)]
pub struct Store {
    http: Http,
    names: Names,
    generation: Generation,
    ends: Ends,
    index_body: serde_json::Value,
    partitions: u32,
    calendar: Calendar,
    bulks: Semaphore,
    pace: Pace,
    pressure: Pressure,
    seen: Seen,
}

impl Store {
    /// Connects, and creates the index if there is none.
    ///
    /// # Errors
    /// [`Error::Transient`] when no node answers; [`Error::Fatal`] when the configuration can't be used, or the cluster
    /// can't hold the views: all that [`Store::inspect`] refuses.
    pub async fn connect(config: Config) -> Result<Self, Error> {
        let store = Self::open(config)?;
        let first = store.findings().await?;
        check::refuse(first.clone())?;
        store.ensure_index().await?;
        if store.published().await?.is_empty() {
            store.publish().await?;
        }
        for finding in first {
            warn!(index = store.names.index, "{}", finding.sentence);
        }
        Ok(store)
    }

    /// As [`Self::connect`], but nothing is sent: for a look.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the configuration can't be used.
    pub fn open(config: Config) -> Result<Self, Error> {
        let http = Http::new(&config.urls, &config.access)?;
        Self::with(config, http, Ends::random())
    }

    /// As [`Self::open`], with one node that is this wire instead of the configured ones: for a simulator. The names that
    /// `ends` gives to makings of the index must all be different.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the configuration can't be used.
    pub fn over(
        config: Config,
        wire: Arc<dyn Wire>,
        ends: impl Fn() -> u128 + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Self::with(config, Http::over(wire), Ends::of(ends))
    }

    fn with(config: Config, http: Http, ends: Ends) -> Result<Self, Error> {
        let definition = &config.definition;
        let calendar =
            Calendar::new(definition).map_err(|error| Error::Fatal(error.to_string()))?;
        Ok(Self {
            http,
            names: Names::new(&config.prefix, &definition.id())?,
            generation: Generation::default(),
            ends,
            index_body: index::body(&definition.id(), config.shards, config.replicas),
            partitions: definition.partitions,
            calendar,
            bulks: Semaphore::new(BULKS_IN_FLIGHT),
            pace: Pace::new(config.documents_per_second),
            pressure: Pressure::new(),
            seen: Seen::new(definition.partitions),
        })
    }

    /// Whether these can be a cluster's addresses, a way in, and a prefix of our names in it; nothing is sent.
    ///
    /// # Errors
    /// [`Error::Fatal`] with what they may be.
    pub fn check(urls: &[String], access: &Access, prefix: &str) -> Result<(), Error> {
        Http::new(urls, access)?;
        Names::new(prefix, "").map(drop)
    }

    /// The index that holds the views.
    pub fn index(&self) -> &str {
        &self.names.index
    }

    /// The alias that analysts ask.
    pub fn alias(&self) -> &str {
        &self.names.analysts
    }

    /// Writes every document of the change by the alias, then lets the checkpoint say so.
    async fn put(&self, change: &Change, alias: &str) -> Result<Stored, Error> {
        self.write_rows(change, alias).await?;
        self.refresh(alias).await?;
        let checkpoint = documents::checkpoint(change.partition, change.to, change.log_time);
        self.write_checkpoint(checkpoint, alias).await?;
        // Another owner may have brought the checkpoint further meanwhile; then ours was refused.
        self.stored(change.partition).await
    }

    fn check_partition(&self, partition: u32) -> Result<(), Error> {
        if partition < self.partitions {
            return Ok(());
        }
        Err(Error::Fatal(format!(
            "a change of partition {partition} was sent to {}, whose definition has {} partitions; \
             the processor and this store must use one definition",
            self.names.index, self.partitions
        )))
    }
}

#[async_trait]
impl Sink for Store {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn stored(&self, partition: u32) -> Result<Stored, Error> {
        self.check_partition(partition)?;
        self.read_checkpoint(partition).await
    }

    async fn apply(&self, change: &Change) -> Result<Stored, Error> {
        let alias = self.generation().await?;
        match self.stored(change.partition).await? {
            Stored::At(stored) if change.base <= stored && stored < change.to => {
                // Without an alias the index was made after it was asked for.
                self.put(change, &alias.ok_or_else(|| self.gone())?).await
            }
            // All rows changed since the first record are all rows there are.
            Stored::Missing if change.base == 0 => self.fill(change).await,
            other => Ok(other),
        }
    }

    async fn fill(&self, change: &Change) -> Result<Stored, Error> {
        self.ensure_index().await?;
        let alias = self.generation().await?;
        match self.stored(change.partition).await? {
            Stored::At(stored) if stored >= change.to => Ok(Stored::At(stored)),
            _ => self.put(change, &alias.ok_or_else(|| self.gone())?).await,
        }
    }
}

#[async_trait]
impl Views for Store {
    async fn ask(&self, question: &Question) -> Result<Answer, Error> {
        self.answer(question).await
    }

    async fn dump(&self) -> Result<(AsOf, NamedCells), Error> {
        self.dump_all().await
    }
}

/// A passing trouble.
fn transient(detail: impl Into<String>) -> Error {
    Error::Transient {
        store: NAME,
        detail: detail.into(),
    }
}
