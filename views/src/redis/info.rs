//! What a server says of itself, and what of that is wrong or dangerous for views.

use std::collections::HashMap;

use fred::interfaces::ClientLike;

use super::failure::failed;
use crate::{Error, Finding};

/// What a server says of itself.
pub(super) struct Info(HashMap<String, String>);

impl Info {
    /// Asks a server, or in a cluster any.
    pub(super) async fn of(client: &impl ClientLike) -> Result<Self, Error> {
        let text: String = client.info(None).await.map_err(failed)?;
        Ok(Self::read(&text))
    }

    fn read(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
        let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(owned.collect())
    }

    /// A field; nothing where the server doesn't say it.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Found where it evicts: an evicted row would be a number gone in silence. `name` is empty for the server that
    /// redis.url names.
    pub(super) fn eviction(&self, name: &str) -> Option<Finding> {
        let policy = self.get("maxmemory_policy");
        if policy == "noeviction" {
            return None;
        }
        let server = named(name);
        Some(Finding::refused(format!(
            "{server} has maxmemory-policy {policy}: it may drop rows in silence; set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf)"
        )))
    }

    /// Host and port of each replica that is connected.
    pub(super) fn replicas(&self) -> Vec<(String, u16)> {
        let of = |line: &String| {
            let part = |name: &str| line.split(',').find_map(|part| part.strip_prefix(name));
            Some((part("ip=")?.to_owned(), part("port=")?.parse().ok()?))
        };
        let is_replica = |name: &str| {
            let number = name.strip_prefix("slave");
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let named = self.0.iter().filter(|(name, _)| is_replica(name));
        named.filter_map(|(_, line)| of(line)).collect()
    }

    /// What makes losses likelier, which Footfall mends, but not in an instant. `name` is as for [`Self::eviction`].
    pub(super) fn warnings(&self, name: &str) -> Vec<Finding> {
        let server = named(name);
        let mut found = Vec::new();
        if self.get("aof_enabled") == "0" {
            found.push(Finding::warning(format!(
                "{server} has appendonly no: a restart loses what it has not saved, and its replicas lose it then; Footfall fills them anew, and until then the API has no hot views. Set appendonly yes in redis.conf"
            )));
        }
        // It says how many replicas are good only where a number of them is asked for.
        if !self.replicas().is_empty() && self.get("min_slaves_good_slaves").is_empty() {
            found.push(Finding::warning(format!(
                "{server} has min-replicas-to-write 0: a primary cut off from its replicas goes on taking writes that a failover loses; Footfall sends them again. Set min-replicas-to-write 1 and min-replicas-max-lag 5 or so"
            )));
        }
        found
    }
}

fn named(name: &str) -> String {
    if name.is_empty() {
        "Redis".to_owned()
    } else {
        format!("the Redis at {name}")
    }
}
