//! What the servers must be to hold views: checked when a process connects.

use std::time::Duration;

use fred::prelude::{Client, ClientLike, HashesInterface};
use fred::types::config::ServerConfig;

use super::connect::{client, primaries};
use super::failure::{failed, transient};
use super::info::Info;
use super::moving::whole;
use super::{Access, Store};
use crate::{Error, Finding};

/// A replica that takes longer to say what it is, is not waited for.
const REPLICA_PATIENCE: Duration = Duration::from_secs(2);

impl Store {
    /// Refuses servers that evict, and tells the log what else is found, as far as this process needs to know.
    pub(super) async fn check_servers(&self) -> Result<(), Error> {
        let found = match self.access {
            Access::Read => self.of_primaries().await?,
            Access::Write | Access::Look => self.of_servers().await?,
        };
        if let Some(refused) = found.iter().find(|finding| finding.refused) {
            return Err(Error::Fatal(refused.sentence.clone()));
        }
        for finding in found {
            tracing::warn!("{}", finding.sentence);
        }
        Ok(())
    }

    /// All that a process which writes would find when it starts: servers that evict, what makes losses likelier, and rights
    /// that the user lacks. Nothing is loaded or written.
    ///
    /// # Errors
    /// When a primary doesn't answer, or the user may not ask it.
    pub async fn findings(&self) -> Result<Vec<Finding>, Error> {
        let mut found = self.of_servers().await?;
        found.extend(self.rights().await?);
        Ok(found)
    }

    /// Primaries that evict.
    async fn of_primaries(&self) -> Result<Vec<Finding>, Error> {
        let all = self.primaries_infos().await?;
        let found = all.iter().filter_map(|(name, info)| info.eviction(name));
        Ok(found.collect())
    }

    /// Primaries and replicas that evict, and what makes losses likelier.
    async fn of_servers(&self) -> Result<Vec<Finding>, Error> {
        let mut found = Vec::new();
        for (name, info) in self.primaries_infos().await? {
            found.extend(info.eviction(&name));
            found.extend(info.warnings(&name));
            found.extend(self.of_replicas(&info).await);
        }
        Ok(found)
    }

    /// What each primary says of itself, by its name; the one that redis.url names has none.
    async fn primaries_infos(&self) -> Result<Vec<(String, Info)>, Error> {
        let mut all = Vec::new();
        let client = self.client()?;
        for primary in primaries(client) {
            all.push(match primary {
                Some(server) => {
                    let client = client.with_cluster_node(&server);
                    (server.to_string(), Info::of(&client).await?)
                }
                None => (String::new(), Info::of(client).await?),
            });
        }
        Ok(all)
    }

    /// A replica may be the primary in a minute. One that can't be asked is not waited for: that
    /// it is down must not keep a process from starting.
    async fn of_replicas(&self, info: &Info) -> Vec<Finding> {
        let asked = info.replicas().into_iter().map(|(host, port)| async move {
            let name = format!("{host}:{port}");
            let asked = tokio::time::timeout(REPLICA_PATIENCE, self.info_of(host, port));
            let asked = asked.await.unwrap_or_else(|_| Err(transient("it does not answer")));
            match asked {
                Ok(info) => info.eviction(&name),
                Err(error) => Some(Finding::warning(format!(
                    "the replica of Redis at {name} can't be asked for its maxmemory-policy ({error}); promoted with another than noeviction it would drop rows in silence"
                ))),
            }
        });
        let found = futures::future::join_all(asked).await;
        found.into_iter().flatten().collect()
    }

    async fn info_of(&self, host: String, port: u16) -> Result<Info, Error> {
        let mut config = self.client()?.client_config();
        config.server = ServerConfig::new_centralized(host, port);
        let replica: Client = client(config)?;
        let connection = replica.init().await.map_err(failed)?;
        let info = Info::of(&replica).await;
        connection.abort();
        info
    }

    pub(super) async fn refuse_other_definitions(&self) -> Result<(), Error> {
        let client = self.client()?;
        let held = self.shared.keys.iter().map(|keys| {
            let definition = || client.hget(keys.meta(), "definition");
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
