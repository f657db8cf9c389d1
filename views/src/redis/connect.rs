//! The connection: what a client of these views must be set to, and what the server must be.

use std::sync::Arc;
use std::time::Duration;

use fred::prelude::{
    Builder, Client, ClientLike, Config, ConnectionConfig, HashesInterface, PerformanceConfig,
    ReconnectPolicy,
};
use fred::types::InfoKind;
use fred::types::config::UnresponsiveConfig;
use pipeline::calendar::Calendar;
use pipeline::definition::Definition;
use tokio::sync::Semaphore;

use super::call::failed;
use super::layout::Keys;
use super::plan::Limits;
use super::{Shared, Store};
use crate::Error;

/// A reply that takes longer is taken for lost; the largest call takes a hundredth of it.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection without a reply for this long is dropped and made anew, perhaps to another
/// primary: a frozen server closes nothing by itself.
const SILENCE: Duration = Duration::from_secs(8);
/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Commands that wait while Redis is away, at most; more are refused at once.
const WAITING_COMMANDS: usize = 1_024;
/// Reconnect attempts wait between these, in milliseconds, for ever.
const RECONNECT_MS: (u32, u32) = (50, 1_000);

impl Store {
    /// Connects to `redis://…`, `redis-sentinel://…?sentinelServiceName=…` or
    /// `redis-cluster://…`, loads the functions and checks that this Redis can hold the views of
    /// `definition`.
    ///
    /// # Errors
    /// [`Error::Fatal`] when it evicts keys or holds rows of another definition under this one's
    /// name; [`Error::Transient`] when it can't be reached.
    pub async fn connect(url: &str, definition: &Definition) -> Result<Self, Error> {
        let calendar = Calendar::new(definition).map_err(|e| Error::Fatal(e.to_string()))?;
        let client = client(url)?;
        // Fails at once when the server isn't there; only an open connection is made again for ever.
        let connection = client.init().await.map_err(failed)?;
        let id = definition.id();
        let keys = (0..definition.partitions).map(|p| Keys::new(&id, p));
        let store = Self {
            client,
            limits: Limits::default(),
            shared: Arc::new(Shared {
                keys: keys.collect(),
                definition: id,
                calendar,
                tokens: Vec::new().into(),
                campaigns: Default::default(),
                sweeping: Semaphore::new(1),
            }),
        };
        if let Err(error) = store.prepare().await {
            // Nobody would end it, and connecting may be tried again.
            connection.abort();
            return Err(error);
        }
        Ok(store)
    }

    /// Whether this is an address of a Redis; nothing is sent.
    ///
    /// # Errors
    /// [`Error::Fatal`] with what an address looks like.
    pub fn check_url(url: &str) -> Result<(), Error> {
        read_url(url).map(drop)
    }

    async fn prepare(&self) -> Result<(), Error> {
        self.refuse_eviction().await?;
        self.refuse_other_definitions().await?;
        self.load_library().await
    }

    /// An evicted row would be a number gone in silence.
    async fn refuse_eviction(&self) -> Result<(), Error> {
        let info: String = self
            .client
            .info(Some(InfoKind::Memory))
            .await
            .map_err(failed)?;
        let policy = info
            .lines()
            .find_map(|line| line.strip_prefix("maxmemory_policy:"))
            .map_or("unknown", str::trim);
        if policy == "noeviction" {
            return Ok(());
        }
        Err(Error::Fatal(format!(
            "Redis has maxmemory-policy {policy}: it may drop rows in silence; set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf)"
        )))
    }

    async fn refuse_other_definitions(&self) -> Result<(), Error> {
        let held = self.shared.keys.iter().map(|keys| {
            self.client
                .hget::<Option<String>, _, _>(keys.meta(), "definition")
        });
        let ours = &self.shared.definition;
        for (held, keys) in futures::future::join_all(held)
            .await
            .into_iter()
            .zip(&self.shared.keys)
        {
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

/// The address as the client has it. It may hold a password: it is not repeated.
fn read_url(url: &str) -> Result<Config, Error> {
    Config::from_url(url).map_err(|error| {
        Error::Fatal(format!(
            "the URL of Redis can't be read ({}); it looks like redis://127.0.0.1:6379",
            error.details()
        ))
    })
}

fn client(url: &str) -> Result<Client, Error> {
    Builder::from_config(read_url(url)?)
        .with_connection_config(|connection: &mut ConnectionConfig| {
            // fred sends a command whose reply was lost again by itself, thrice by default. Every
            // call here may be repeated, but when is the caller's to decide.
            connection.max_command_attempts = 1;
            connection.max_command_buffer_len = WAITING_COMMANDS;
            connection.connection_timeout = CONNECT_TIMEOUT;
            connection.internal_command_timeout = CONNECT_TIMEOUT;
            connection.unresponsive = UnresponsiveConfig {
                max_timeout: Some(SILENCE),
                interval: SILENCE / 4,
            };
            // A primary that became a replica answers READONLY on an open connection: that one is
            // among the defaults of reconnect_errors.
        })
        .with_performance_config(|performance: &mut PerformanceConfig| {
            performance.default_command_timeout = COMMAND_TIMEOUT;
        })
        .set_policy(ReconnectPolicy::new_exponential(
            0,
            RECONNECT_MS.0,
            RECONNECT_MS.1,
            2,
        ))
        .build()
        .map_err(failed)
}
