//! The connection: what a client of these views must be set to.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use fred::error::Error as ClientError;
use fred::prelude::{
    Builder, Client, ClientLike, ClusterInterface, Config, ConnectionConfig, ErrorKind,
    PerformanceConfig, ReconnectPolicy,
};
use fred::types::config::{Server, UnresponsiveConfig};
use pipeline::definition::Definition;

use super::address::Address;
use super::failure::failed;
use super::plan::Limits;
use super::server::Wire;
use super::{Access, Shared, Store, random_token, sentinels};
use crate::Error;

/// A reply that takes longer is taken for lost; the largest call takes a hundredth of it.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection without a reply for this long is dropped and made anew, perhaps to another
/// primary: a frozen server closes nothing by itself.
const SILENCE: Duration = Duration::from_secs(8);
/// Where a call was answered by nothing, all connections are made anew, at most this often.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(5);
/// How long a connection may take to open, its TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Commands that wait while Redis is away, at most; more are refused at once.
const WAITING_COMMANDS: usize = 1_024;
/// Redirections of a cluster that the client follows by itself: none (`moving.rs`).
const REDIRECTIONS: u32 = 0;
/// Reconnect attempts wait between these, in milliseconds, for ever.
const RECONNECT_MS: (u32, u32) = (50, 1_000);

impl Store {
    /// Connects in order to write, to a Redis, to one with Sentinel, or to a cluster, as the URL
    /// says; loads the functions and checks that it and its replicas can hold the views of
    /// `definition`.
    ///
    /// # Errors
    /// [`Error::Fatal`] when it evicts keys, denies a right, or holds rows of another definition
    /// under this one's name; [`Error::Transient`] when it can't be reached.
    pub async fn connect(
        address: impl Into<Address>,
        definition: &Definition,
    ) -> Result<Self, Error> {
        Self::connect_as(Access::Write, address.into(), definition).await
    }

    /// As [`Self::connect`], in order to ask: it needs fewer rights, and loads nothing.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_to_read(
        address: impl Into<Address>,
        definition: &Definition,
    ) -> Result<Self, Error> {
        Self::connect_as(Access::Read, address.into(), definition).await
    }

    /// As [`Self::connect`], in order to look: at the servers with [`Self::findings`], and at what they hold. Nothing is
    /// loaded or written.
    ///
    /// # Errors
    /// As [`Self::connect`], save that a server which evicts is only found.
    pub async fn connect_to_look(
        address: impl Into<Address>,
        definition: &Definition,
    ) -> Result<Self, Error> {
        Self::connect_as(Access::Look, address.into(), definition).await
    }

    async fn connect_as(
        access: Access,
        address: Address,
        definition: &Definition,
    ) -> Result<Self, Error> {
        let shared = Shared::new(definition, Box::new(random_token))?;
        let mut config = address.config()?;
        sentinels::put_those_that_answer_first(&mut config).await?;
        let client = client(config)?;
        // Fails at once when the server isn't there; only an open connection is made again for ever.
        let connection = client.init().await.map_err(failed)?;
        let store = Self {
            wire: Wire::Client(client.clone()),
            access,
            limits: Limits::default(),
            shared: Arc::new(shared),
        };
        if let Err(error) = store.prepare().await {
            // Nobody would end it, and connecting may be tried again.
            connection.abort();
            return Err(error);
        }
        if access != Access::Look {
            store.watch(client);
        }
        Ok(store)
    }

    async fn prepare(&self) -> Result<(), Error> {
        if self.access != Access::Look {
            self.check_servers().await?;
        }
        self.refuse_other_definitions().await?;
        if self.access == Access::Write {
            self.load_everywhere().await?;
        }
        Ok(())
    }

    /// What a failed call means; where nothing answered it, other connections are looked for.
    ///
    /// A frozen server closes nothing, and the client measures silence from its last command: with
    /// commands every second it would stay with that server for ever, while another is primary.
    pub(super) fn failed(&self, error: ClientError) -> Error {
        if let Wire::Client(client) = &self.wire
            && *error.kind() == ErrorKind::Timeout
            && self.may_renew(client)
        {
            let client = client.clone();
            tokio::spawn(async move {
                // What keeps it from succeeding is what the next call answers.
                let _ = client.force_reconnection().await;
            });
        }
        failed(error)
    }

    /// While the client looks for a server by itself it need not be told to.
    fn may_renew(&self, client: &Client) -> bool {
        let renewed = self.shared.renewed.lock();
        let mut renewed = renewed.unwrap_or_else(PoisonError::into_inner);
        let may = client.is_connected() && renewed.elapsed() >= BETWEEN_RENEWALS;
        if may {
            *renewed = Instant::now();
        }
        may
    }
}

/// The primaries of a cluster; without one, the server that this client is connected to.
pub(super) fn primaries(client: &Client) -> Vec<Option<Server>> {
    match client.cached_cluster_state() {
        Some(state) if client.is_clustered() => {
            let primaries = state.unique_primary_nodes();
            primaries.into_iter().map(Some).collect()
        }
        _ => vec![None],
    }
}

/// A client with the settings that the writes and reads of the views ask for.
pub(super) fn client(config: Config) -> Result<Client, Error> {
    Builder::from_config(config)
        .with_connection_config(|connection: &mut ConnectionConfig| {
            // fred sends a command whose reply was lost again by itself, thrice by default. Every
            // call here may be repeated, but when is the caller's to decide.
            connection.max_command_attempts = 1;
            connection.max_redirections = REDIRECTIONS;
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
