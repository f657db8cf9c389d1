//! The old way: for each activity one query to OpenSearch and one to Redis.
//!
//! Redis holds counters by kind and device, as services do that count with INCR, and one MGET reads an activity's;
//! OpenSearch sums the same documents that the new way reads. It asks for less than the new way gives: no people,
//! browsers, brands or money.

use std::collections::BTreeMap;

use anyhow::Context;
use fred::prelude::{Builder, Client, ClientLike, KeysInterface};
use fred::types::config::Config;
use futures::{StreamExt, TryStreamExt, stream};
use pipeline::cell::Kind;
use pipeline::device::DeviceClass;
use serde_json::json;
use views::{Question, Span, Views};

use super::Visits;

/// A connection to a single Redis.
pub async fn connect(url: &str) -> anyhow::Result<Client> {
    let client = Builder::from_config(Config::from_url(url)?).build()?;
    client.init().await?;
    Ok(client)
}

/// Clients of both stores.
pub struct OldWay {
    redis: Client,
    http: reqwest::Client,
    search: String,
    /// Stands before its own keys.
    prefix: String,
}

impl OldWay {
    /// Connects.
    pub async fn connect(redis: &str, opensearch: &str, index: &str) -> anyhow::Result<Self> {
        Ok(Self {
            redis: connect(redis).await?,
            http: reqwest::Client::new(),
            search: format!("{opensearch}/{index}/_search"),
            prefix: format!("old:{index}:"),
        })
    }

    /// The keys of an activity's counters: visits by device first.
    fn keys(&self, campaign: &str, activity: &str) -> Vec<String> {
        let (prefix, kinds) = (&self.prefix, Kind::ALL.into_iter());
        let keys = kinds.flat_map(|kind| {
            let devices = DeviceClass::ALL.into_iter();
            devices.map(move |device| {
                let (kind, device) = (kind.as_str(), device.as_str());
                format!("{prefix}{campaign}:{activity}:{kind}:{device}")
            })
        });
        keys.collect()
    }

    /// Writes the campaign's counters, as the views have them.
    pub async fn prepare(&self, campaign: &str, views: &dyn Views) -> anyhow::Result<()> {
        let question = Question::Campaign {
            campaign: campaign.to_owned(),
            span: Span::Life,
        };
        for (scope, numbers) in views.ask(&question).await?.scopes {
            let Some(activity) = scope.activity else {
                continue;
            };
            let mut counts: BTreeMap<(Kind, DeviceClass), i64> = BTreeMap::new();
            for (cell, count) in &numbers.counts.cells {
                *counts.entry((cell.kind, cell.device)).or_default() += *count as i64;
            }
            let kinds = Kind::ALL.into_iter();
            let of = kinds.flat_map(|kind| DeviceClass::ALL.map(|device| (kind, device)));
            let values = of.map(|of| counts.get(&of).copied().unwrap_or(0));
            let keys = self.keys(campaign, &activity).into_iter();
            let pairs: BTreeMap<String, i64> = keys.zip(values).collect();
            self.redis.mset(pairs).await?;
        }
        Ok(())
    }

    /// Reads every activity from both, so many at once; visits as Redis and as OpenSearch have them.
    pub async fn read(
        &self,
        campaign: &str,
        activities: &[String],
        at_once: usize,
    ) -> anyhow::Result<(Visits, Visits)> {
        let reads = activities.iter().map(|activity| async move {
            let hot = self.ask_redis(campaign, activity).await?;
            let history = self.ask_opensearch(campaign, activity).await?;
            anyhow::Ok((activity.clone(), hot, history))
        });
        let read: Vec<_> = stream::iter(reads).buffered(at_once).try_collect().await?;
        let hot = read.iter().map(|(name, hot, _)| (name.clone(), *hot));
        Ok((
            hot.collect(),
            read.iter()
                .map(|(name, _, history)| (name.clone(), *history))
                .collect(),
        ))
    }

    async fn ask_redis(&self, campaign: &str, activity: &str) -> anyhow::Result<u64> {
        let keys = self.keys(campaign, activity);
        let counts: Vec<Option<u64>> = self.redis.mget(keys).await?;
        let visits = counts.into_iter().take(DeviceClass::ALL.len());
        let visits: Option<Vec<u64>> = visits.collect();
        Ok(visits.context("a counter is missing")?.iter().sum())
    }

    async fn ask_opensearch(&self, campaign: &str, activity: &str) -> anyhow::Result<u64> {
        let query = json!({
            "size": 0,
            "query": {"bool": {"filter": [
                {"term": {"doc": "count"}},
                {"term": {"campaign_id": campaign}},
                {"term": {"activity_id": activity}},
            ]}},
            "aggs": {"kind": {"terms": {"field": "kind"}, "aggs": {
                "events": {"sum": {"field": "count"}},
                "device": {"terms": {"field": "device"}, "aggs": {"events": {"sum": {"field": "count"}}}},
            }}},
        });
        let reply = self.http.post(&self.search).json(&query).send().await?;
        let found: serde_json::Value = reply.error_for_status()?.json().await?;
        let kinds = found["aggregations"]["kind"]["buckets"]
            .as_array()
            .context("no kinds")?;
        let visits = kinds
            .iter()
            .find(|bucket| bucket["key"] == Kind::Visit.as_str());
        let sum = visits.and_then(|bucket| bucket["events"]["value"].as_f64());
        Ok(sum.context("no visits")? as u64)
    }

    /// Removes its keys.
    pub async fn clean(&self) -> anyhow::Result<()> {
        for activities in super::ACTIVITIES {
            let campaign = super::events::campaign(activities);
            let names = super::events::activities(activities);
            for name in names {
                self.redis.del::<(), _>(self.keys(&campaign, &name)).await?;
            }
        }
        Ok(())
    }
}
