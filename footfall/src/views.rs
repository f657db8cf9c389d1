//! `footfall views`: every cell of a store by name, or the digest by which stores are compared.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, bail};
use pipeline::row::{NamedCells, add_row};
use processor::checkpoint::Checkpoint;
use sha2::{Digest, Sha256};
use views::{AsOf, AsOfKind, Stamp, Views};

use crate::config::Config;
use crate::{running, set};

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Store {
    /// The fold: of the demo that runs on the data folder, else its checkpoints there.
    Fold,
    /// Redis.
    Redis,
    /// OpenSearch.
    Opensearch,
}

/// What to do with the views.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Print every cell that is not zero: campaign, activity, period, facet, cell, value, with tabs.
    Dump {
        /// Which store.
        #[arg(long, value_enum, default_value_t = Store::Fold)]
        store: Store,
    },
    /// Print the view digest: equal in every store that holds the same.
    ///
    /// Redis differs once days have left its window of definition.hot_days; `footfall verify` knows which it must hold.
    Digest {
        /// Which store.
        #[arg(long, value_enum, default_value_t = Store::Fold)]
        store: Store,
    },
}

impl Command {
    /// The store it reads.
    pub fn store(&self) -> Store {
        match self {
            Self::Dump { store } | Self::Digest { store } => *store,
        }
    }
}

/// Fails where the configuration doesn't name the store.
///
/// # Errors
/// With the flag to set.
pub fn need_store(store: Store, config: &Config) -> anyhow::Result<()> {
    match store {
        Store::Redis if config.redis.url.is_empty() => bail!(missing("redis")),
        Store::Opensearch if config.opensearch.urls.is_empty() => bail!(missing("opensearch")),
        _ => Ok(()),
    }
}

fn missing(flag: &str) -> String {
    format!("the configuration names no {flag}; set --{flag}")
}

/// Runs the command.
///
/// # Errors
/// When the store can't be read, or misses a partition.
pub async fn run(command: &Command, config: &Config) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match command {
        Command::Dump { store } => {
            let (_, cells) = dump(*store, config).await?;
            for (name, value) in cells.iter().filter(|(_, value)| **value != 0) {
                writeln!(out, "{name}\t{value}")?;
            }
        }
        Command::Digest { store } => {
            let (_, cells) = dump(*store, config).await?;
            writeln!(out, "{}", digest(&cells))?;
        }
    }
    Ok(())
}

/// Every cell of a store.
///
/// # Errors
/// When it can't be read, or misses a partition.
pub async fn dump(store: Store, config: &Config) -> anyhow::Result<(AsOf, NamedCells)> {
    match store {
        Store::Fold => match running::dump(config).await? {
            Some(dump) => Ok(dump),
            None => fold(config),
        },
        Store::Redis => {
            let store = set::redis(config)
                .await?
                .with_context(|| missing("redis"))?;
            Ok(store.dump().await?)
        }
        Store::Opensearch => {
            let store = set::opensearch(config).await?;
            Ok(store.with_context(|| missing("opensearch"))?.dump().await?)
        }
    }
}

fn fold(config: &Config) -> anyhow::Result<(AsOf, NamedCells)> {
    let definition = Arc::new(config.definition.clone());
    let folder = config.data.join("state");
    let mut cells = NamedCells::new();
    let mut partitions = Vec::new();
    for partition in 0..definition.partitions {
        let Some(checkpoint) = Checkpoint::open_existing(&folder, &definition, partition)? else {
            let remedy = if config.is_embedded() {
                "`footfall demo --no-import` folds what was replayed into this data folder"
            } else {
                "`footfall process` with this data folder makes it of the partitions that it owns; --store redis and --store opensearch hold all"
            };
            bail!(
                "{} holds no checkpoint of partition {partition} under definition {}; {remedy}",
                folder.display(),
                definition.id()
            );
        };
        let state = checkpoint.load(definition.clone(), &[])?.state;
        for row in state.all_rows() {
            if let Some(contents) = &row.row {
                add_row(&mut cells, &row.key, contents);
            }
        }
        partitions.push(Stamp {
            partition,
            offset: state.next_offset(),
            log_time: state.log_time(),
        });
    }
    let kind = AsOfKind::Exact;
    Ok((AsOf { kind, partitions }, cells))
}

/// The digest of named cells: without zeroes, and without minutes, which expire.
pub fn digest(cells: &NamedCells) -> String {
    let mut hasher = Sha256::new();
    for (name, value) in comparable(cells) {
        hasher.update(format!("{name}\t{value}\n"));
    }
    hex::encode(hasher.finalize())
}

/// The cells that every store holds.
pub fn comparable(cells: &NamedCells) -> BTreeMap<&pipeline::row::NamedCell, i64> {
    cells
        .iter()
        .filter(|(name, value)| **value != 0 && name.facet != "minutes")
        .map(|(name, value)| (name, *value))
        .collect()
}
