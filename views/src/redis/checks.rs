//! What the servers must be to hold views: checked when a process connects.

use std::time::Duration;

use fred::prelude::{Client, ClientLike, HashesInterface};
use fred::types::config::ServerConfig;

use super::connect::{client, primaries};
use super::failure::{failed, transient};
use super::info::Info;
use super::moving::whole;
use super::{Access, Store};
use crate::Error;

/// A replica that takes longer to say what it is, is not waited for.
const REPLICA_PATIENCE: Duration = Duration::from_secs(2);

impl Store {
    /// Refuses servers that evict: an evicted row would be a number gone in silence. Warns of what
    /// makes losses likelier, which Footfall mends, but not in an instant.
    pub(super) async fn check_servers(&self) -> Result<(), Error> {
        for primary in primaries(&self.client) {
            let (name, info) = match primary {
                Some(server) => {
                    let client = self.client.with_cluster_node(&server);
                    (server.to_string(), Info::of(&client).await?)
                }
                None => (String::new(), Info::of(&self.client).await?),
            };
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
        let info = Info::of(&replica).await;
        connection.abort();
        info
    }

    pub(super) async fn refuse_other_definitions(&self) -> Result<(), Error> {
        let held = self.shared.keys.iter().map(|keys| {
            let definition = || self.client.hget(keys.meta(), "definition");
            whole::<Option<String>, _>(definition)
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
