//! A look at a Redis that writes nothing: what it holds, how far, and whether it keeps it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fred::interfaces::{ClientLike, HashesInterface};
use fred::types::{ClusterHash, CustomCommand, Value};
use futures::TryStreamExt;

use super::Store;
use super::failure::failed;
use super::info::Info;
use super::layout::Keys;
use super::moving::whole;
use crate::{Error, Finding, Stamp};

/// Keys that one step of the search for other definitions looks at.
const SCAN_KEYS: u32 = 1_000;
/// How long that search may take; a large Redis is then known in part.
const SCAN_TIME: Duration = Duration::from_secs(10);

const UNSAVED: &str = "Redis keeps nothing on disk (appendonly no, no save): after a restart it is filled anew, and until then the API has no hot views; set appendonly yes in redis.conf";

/// Which definitions have rows in a Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Their partitions here, by definition.
    pub partitions: BTreeMap<String, u32>,
    /// Whether all keys were looked at.
    pub complete: bool,
}

impl Store {
    /// Whether a restart of this Redis would lose all: it is then filled anew. One that doesn't tell may keep its rows.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub async fn unsaved(&self) -> Result<Option<Finding>, Error> {
        if Info::of(&self.client).await?.get("aof_enabled") == "1" {
            return Ok(None);
        }
        let command = CustomCommand::new_static("CONFIG", ClusterHash::FirstKey, false);
        let asked: Result<Value, _> = self.client.custom(command, vec!["GET", "save"]).await;
        let save = asked
            .ok()
            .and_then(|of| of.convert::<Vec<String>>().ok()?.pop());
        let nothing = save.is_some_and(|save| save.is_empty());
        Ok(nothing.then(|| Finding::warning(UNSAVED)))
    }

    /// The server's version; `unknown` when it doesn't say.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub async fn version(&self) -> Result<String, Error> {
        let info = Info::of(&self.client).await?;
        Ok(match info.get("redis_version") {
            "" => "unknown".to_owned(),
            version => version.to_owned(),
        })
    }

    /// How far each partition is stored; `None` for one that is not there. In their order.
    ///
    /// # Errors
    /// When Redis doesn't answer.
    pub async fn stamps(&self) -> Result<Vec<Option<Stamp>>, Error> {
        let mut stamps = Vec::with_capacity(self.shared.keys.len());
        for (partition, keys) in (0..).zip(&self.shared.keys) {
            let ask = || self.client.hmget(keys.meta(), vec!["stored", "log_time"]);
            let held: Vec<Option<String>> = whole(ask).await.map_err(failed)?;
            let number = |at: usize| held.get(at)?.as_ref()?.parse::<i64>().ok();
            stamps.push(number(0).map(|offset| Stamp {
                partition,
                offset: offset.max(0) as u64,
                log_time: number(1).unwrap_or(0),
            }));
        }
        Ok(stamps)
    }

    /// The definitions that have rows here, found by their keys.
    ///
    /// # Errors
    /// When Redis doesn't answer.
    pub async fn definitions(&self) -> Result<Held, Error> {
        let deadline = Instant::now() + SCAN_TIME;
        let mut held = Held {
            complete: true,
            ..Held::default()
        };
        let pattern = format!("{}*{}", Keys::OPENING, Keys::META);
        let mut count = |key: &str| {
            if let Some(definition) = Keys::definition_of(key) {
                *held.partitions.entry(definition.to_owned()).or_default() += 1;
            }
        };
        if self.client.is_clustered() {
            let found = self
                .client
                .scan_cluster_buffered(pattern, Some(SCAN_KEYS), None);
            futures::pin_mut!(found);
            while let Some(key) = found.try_next().await.map_err(failed)? {
                key.as_str().into_iter().for_each(&mut count);
                if Instant::now() > deadline {
                    held.complete = false;
                    break;
                }
            }
        } else {
            let found = self.client.scan_buffered(pattern, Some(SCAN_KEYS), None);
            futures::pin_mut!(found);
            while let Some(key) = found.try_next().await.map_err(failed)? {
                key.as_str().into_iter().for_each(&mut count);
                if Instant::now() > deadline {
                    held.complete = false;
                    break;
                }
            }
        }
        Ok(held)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_definition_is_known_by_the_key_of_its_partition() {
        let keys = Keys::new("0123456789abcdef", 7);
        assert_eq!(Keys::definition_of(&keys.meta()), Some("0123456789abcdef"));
        assert_eq!(Keys::definition_of(&keys.dead()), None);
        assert_eq!(Keys::definition_of("ff:{x}:meta"), None);
    }
}
