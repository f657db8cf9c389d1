//! Calls as the servers count them.

use std::ops::Sub;

use anyhow::Context;
use fred::prelude::{Client, ClientLike};
use fred::types::InfoKind;

use super::old_way::connect;

/// The commands that either way reads with. What a function runs inside Redis is counted there too, under other names,
/// and is no call.
const REDIS_READS: [&str; 2] = ["fcall_ro", "mget"];
/// The requests that either way reads with.
const OPENSEARCH_READS: [&str; 4] = [
    "search_action",
    "msearch_action",
    "document_get_action",
    "document_multi_get_action",
];

/// Calls so far.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    /// Commands that Redis carried out; those that a function runs inside count as its one call.
    pub redis: u64,
    /// Searches and reads that OpenSearch was asked for.
    pub opensearch: u64,
}

impl Sub for Calls {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            redis: self.redis - before.redis,
            opensearch: self.opensearch - before.opensearch,
        }
    }
}

/// Asks the servers how many calls they had.
pub struct Counter {
    redis: Client,
    http: reqwest::Client,
    opensearch: String,
}

impl Counter {
    /// Of these servers.
    pub async fn connect(redis: &str, opensearch: &str) -> anyhow::Result<Self> {
        Ok(Self {
            redis: connect(redis).await?,
            http: reqwest::Client::new(),
            opensearch: opensearch.to_owned(),
        })
    }

    /// Calls so far.
    pub async fn count(&self) -> anyhow::Result<Calls> {
        Ok(Calls {
            redis: self.redis_calls().await?,
            opensearch: self.opensearch_calls().await?,
        })
    }

    async fn redis_calls(&self) -> anyhow::Result<u64> {
        let stats: String = self.redis.info(Some(InfoKind::CommandStats)).await?;
        // cmdstat_fcall_ro:calls=3,usec=…
        let wanted = |line: &str| -> Option<u64> {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            let calls = rest.split(',').next()?.parse().ok()?;
            REDIS_READS.contains(&name).then_some(calls)
        };
        Ok(stats.lines().filter_map(wanted).sum())
    }

    async fn opensearch_calls(&self) -> anyhow::Result<u64> {
        let url = format!("{}/_nodes/usage/rest_actions", self.opensearch);
        let usage: serde_json::Value = self.http.get(url).send().await?.json().await?;
        let nodes = usage["nodes"].as_object().context("no nodes")?;
        let actions = nodes
            .values()
            .flat_map(|node| node["rest_actions"].as_object());
        let reads = actions
            .flatten()
            .filter(|(name, _)| OPENSEARCH_READS.contains(&name.as_str()));
        Ok(reads.filter_map(|(_, count)| count.as_u64()).sum())
    }
}
