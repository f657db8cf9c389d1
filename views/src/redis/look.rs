//! A look at a Redis that writes nothing: what it holds, how far, and whether it keeps it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fred::interfaces::{ClientLike, HashesInterface};
use fred::types::{ClusterHash, CustomCommand, Value};
use futures::TryStreamExt;
use futures::future::Either;

use super::Store;
use super::failure::failed;
use super::info::Info;
use super::layout::Keys;
use super::moving::whole;
use crate::{Error, Stamp};

/// Keys that one step of the search for other definitions looks at.
const SCAN_KEYS: u32 = 1_000;
/// How long that search may take; a large Redis is then known in part.
const SCAN_TIME: Duration = Duration::from_secs(10);

/// Which definitions have rows in a Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Their partitions here, by definition.
    pub partitions: BTreeMap<String, u32>,
    /// Whether all keys were looked at.
    pub complete: bool,
}

impl Store {
    /// The server's version; `unknown` when it doesn't say.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub async fn version(&self) -> Result<String, Error> {
        let info = Info::of(self.client()?).await?;
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
        let client = self.client()?;
        let mut stamps = Vec::with_capacity(self.shared.keys.len());
        for (partition, keys) in (0..).zip(&self.shared.keys) {
            let ask = || client.hmget(keys.meta(), vec!["stored", "log_time"]);
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
    /// When Redis doesn't answer, or the user may not search.
    pub async fn definitions(&self) -> Result<Held, Error> {
        self.may_scan().await?;
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
        let client = self.client()?;
        let found = if client.is_clustered() {
            Either::Left(client.scan_cluster_buffered(pattern, Some(SCAN_KEYS), None))
        } else {
            Either::Right(client.scan_buffered(pattern, Some(SCAN_KEYS), None))
        };
        futures::pin_mut!(found);
        while let Some(key) = found.try_next().await.map_err(failed)? {
            key.as_str().into_iter().for_each(&mut count);
            if Instant::now() > deadline {
                held.complete = false;
                break;
            }
        }
        Ok(held)
    }

    /// Of a server that refuses it, the client's own search says only that the answer is no list of keys.
    async fn may_scan(&self) -> Result<(), Error> {
        let command = CustomCommand::new_static("SCAN", ClusterHash::Random, false);
        let asked = self
            .client()?
            .custom::<Value, _>(command, vec!["0", "COUNT", "1"]);
        asked.await.map(drop).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_definition_is_known_by_the_key_of_its_partition() {
        let keys = Keys::of("0123456789abcdef", 7);
        assert_eq!(Keys::definition_of(&keys.meta()), Some("0123456789abcdef"));
        assert_eq!(Keys::definition_of(&keys.dead()), None);
        assert_eq!(Keys::definition_of("ff:{x}:meta"), None);
    }
}
