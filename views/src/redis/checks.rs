//! What the servers must be to hold views: checked when a process connects.

use std::collections::HashMap;
use std::time::Duration;

use fred::prelude::{Client, ClientLike, HashesInterface};
use fred::types::config::ServerConfig;

use super::connect::client;
use super::failure::{failed, transient};
use super::{Access, Store};
use crate::Error;

/// A replica that takes longer to say what it is, is not waited for.
const REPLICA_PATIENCE: Duration = Duration::from_secs(2);

impl Store {
    /// Refuses servers that evict: an evicted row would be a number gone in silence. Warns of what
    /// makes losses likelier, which Footfall mends, but not in an instant.
    pub(super) async fn check_servers(&self) -> Result<(), Error> {
        for primary in self.primaries() {
            let (name, info): (_, Result<String, _>) = match primary {
                Some(server) => {
                    let client = self.client.with_cluster_node(&server);
                    (server.to_string(), client.info(None).await)
                }
                None => (String::new(), self.client.info(None).await),
            };
            let info = Info::read(&info.map_err(failed)?);
            info.refuse_eviction(&name)?;
            if self.access == Access::Write {
                info.warn(&name);
                self.check_replicas(&info).await?;
            }
        }
        Ok(())
    }

    /// A replica may be the primary in a minute. One that can't be asked is not waited for: that
    /// it is down must not keep a process from starting.
    async fn check_replicas(&self, info: &Info) -> Result<(), Error> {
        let asked = info.replicas().into_iter().map(|(host, port)| async move {
            let name = format!("{host}:{port}");
            let asked = tokio::time::timeout(REPLICA_PATIENCE, self.info_of(host, port));
            let asked = asked.await.unwrap_or_else(|_| Err(transient("it does not answer")));
            match asked {
                Ok(info) => info.refuse_eviction(&name),
                Err(error) => {
                    tracing::warn!(%error, replica = name, "a replica of Redis can't be asked for its maxmemory-policy; promoted with another than noeviction it would drop rows in silence");
                    Ok(())
                }
            }
        });
        let checked = futures::future::join_all(asked).await;
        checked.into_iter().collect()
    }

    async fn info_of(&self, host: String, port: u16) -> Result<Info, Error> {
        let mut config = self.client.client_config();
        config.server = ServerConfig::new_centralized(host, port);
        let replica: Client = client(config)?;
        let connection = replica.init().await.map_err(failed)?;
        let info = replica.info::<String>(None).await;
        connection.abort();
        Ok(Info::read(&info.map_err(failed)?))
    }

    pub(super) async fn refuse_other_definitions(&self) -> Result<(), Error> {
        let held = self.shared.keys.iter().map(|keys| {
            self.client
                .hget::<Option<String>, _, _>(keys.meta(), "definition")
        });
        let ours = &self.shared.definition;
        let held = futures::future::join_all(held).await;
        for (held, keys) in held.into_iter().zip(&self.shared.keys) {
            if let Some(held) = held.map_err(failed)?
                && held != *ours
            {
                return Err(Error::Fatal(format!(
                    "Redis key {} belongs to definition {held}, not {ours}; if nothing reads it, delete it, else use another Redis",
                    keys.meta()
                )));
            }
        }
        Ok(())
    }
}

/// What a server says of itself.
struct Info(HashMap<String, String>);

impl Info {
    fn read(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
        let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(owned.collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// `name` is empty for the server that redis.url names.
    fn refuse_eviction(&self, name: &str) -> Result<(), Error> {
        let policy = self.get("maxmemory_policy");
        if policy == "noeviction" {
            return Ok(());
        }
        let server = if name.is_empty() {
            "Redis".to_owned()
        } else {
            format!("the Redis at {name}")
        };
        Err(Error::Fatal(format!(
            "{server} has maxmemory-policy {policy}: it may drop rows in silence; set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf)"
        )))
    }

    /// Host and port of each replica that is connected.
    fn replicas(&self) -> Vec<(String, u16)> {
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

    fn warn(&self, name: &str) {
        if self.get("aof_enabled") == "0" {
            tracing::warn!(
                server = name,
                "Redis has appendonly no: a restart empties it, and then its replicas; Footfall fills them anew, which takes a while. Set appendonly yes"
            );
        }
        // It says how many replicas are good only where a number of them is asked for.
        if !self.replicas().is_empty() && self.get("min_slaves_good_slaves").is_empty() {
            tracing::warn!(
                server = name,
                "Redis has min-replicas-to-write 0: a primary cut off from its replicas goes on taking writes that a failover loses; Footfall sends them again. Set min-replicas-to-write 1 and min-replicas-max-lag 5 or so"
            );
        }
    }
}
