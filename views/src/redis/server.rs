//! What carries commands to the server that has a slot's keys: fred over a network, or whatever else is put in its place.
//!
//! All that writers and readers send goes this way, so that a simulator meets the very calls that Redis does.

use std::sync::Arc;

use async_trait::async_trait;
use fred::error::Error as ClientError;
use fred::interfaces::ClientLike;
use fred::prelude::{Client, ErrorKind};
use fred::types::{ClusterHash, CustomCommand, FromValue, Value};
use pipeline::definition::Definition;

use super::failure::failed;
use super::moving::whole;
use super::plan::Limits;
use super::{Access, Shared, Store};
use crate::Error;

/// Carries commands to the server that has a slot's keys.
#[async_trait]
pub trait Server: Send + Sync {
    /// Runs a command, its name first, and answers as Redis does.
    ///
    /// # Errors
    /// [`ServerError::Lost`] when nothing answered, [`ServerError::Said`] when the answer is an error.
    async fn run(&self, slot: u16, command: Vec<Vec<u8>>) -> Result<Raw, ServerError>;
}

/// An answer of Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// Nothing is there.
    Nil,
    /// An integer.
    Int(i64),
    /// A string.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Raw>),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// It is unknown whether the command was carried out.
    #[error("no answer: {0}")]
    Lost(String),
    /// Redis answered with this error, its code first: `ERR Function not found`.
    #[error("{0}")]
    Said(String),
}

/// Where a store's commands go.
#[derive(Clone)]
pub(super) enum Wire {
    /// Over a network.
    Client(Client),
    /// Elsewhere.
    Server(Arc<dyn Server>),
}

impl Wire {
    /// Sends a command to the server that has the slot.
    pub(super) async fn send(
        &self,
        command: &'static str,
        slot: u16,
        args: Vec<Value>,
    ) -> Result<Value, ClientError> {
        match self {
            // A command of our own also where fred has one: its FCALL keeps other commands off
            // the connection until the reply.
            Self::Client(client) => {
                let command = CustomCommand::new_static(command, ClusterHash::Custom(slot), false);
                client.custom(command, args).await
            }
            Self::Server(server) => {
                let mut list = vec![command.into()];
                list.extend(args.iter().map(bytes));
                server
                    .run(slot, list)
                    .await
                    .map(value)
                    .map_err(client_error)
            }
        }
    }

    /// Whether the keys of two partitions may lie on two servers.
    pub(super) fn is_clustered(&self) -> bool {
        matches!(self, Self::Client(client) if client.is_clustered())
    }
}

impl Store {
    /// The views of `definition` behind a server of the caller's. Nothing is checked or sent: the first call finds
    /// the functions missing and loads them. `tokens` names images; no name may come twice.
    ///
    /// What looks at servers on a network, such as [`Store::stamps`], fails.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the definition's zone is unknown.
    pub fn over(
        server: Arc<dyn Server>,
        definition: &Definition,
        tokens: impl Fn() -> String + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Ok(Self {
            wire: Wire::Server(server),
            access: Access::Write,
            limits: Limits::default(),
            shared: Arc::new(Shared::new(definition, Box::new(tokens))?),
        })
    }

    /// Asks the server that has a key about it.
    pub(super) async fn ask_of<T: FromValue>(
        &self,
        command: &'static str,
        key: &str,
        args: &[Value],
    ) -> Result<T, Error> {
        let slot = slot(key.as_bytes());
        let send = || {
            let mut list = Vec::with_capacity(1 + args.len());
            list.push(key.into());
            list.extend_from_slice(args);
            self.wire.send(command, slot, list)
        };
        let answer = whole(send).await.map_err(|error| self.failed(error))?;
        answer.convert().map_err(failed)
    }

    /// The client of a store on a network.
    pub(super) fn client(&self) -> Result<&Client, Error> {
        match &self.wire {
            Wire::Client(client) => Ok(client),
            Wire::Server(_) => Err(Error::Fatal(
                "this store is not on a network, so that its servers can't be looked at".to_owned(),
            )),
        }
    }
}

/// The slot of a key.
pub(super) fn slot(key: &[u8]) -> u16 {
    fred::util::redis_keyslot(key)
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Integer(number) => number.to_string().into(),
        value => value.as_bytes().unwrap_or_default().to_vec(),
    }
}

fn value(raw: Raw) -> Value {
    match raw {
        Raw::Nil => Value::Null,
        Raw::Int(number) => number.into(),
        // As the client does with strings that are text.
        Raw::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => error.into_bytes().into_boxed_slice().into(),
        },
        Raw::List(list) => Value::Array(list.into_iter().map(value).collect()),
    }
}

/// The error that the client makes of the same.
fn client_error(error: ServerError) -> ClientError {
    let kind = match &error {
        ServerError::Lost(_) => ErrorKind::IO,
        ServerError::Said(text) => match text.split_whitespace().next() {
            Some("WRONGTYPE") => ErrorKind::InvalidArgument,
            Some("NOAUTH" | "WRONGPASS") => ErrorKind::Auth,
            Some("MOVED" | "ASK") => {
                return ClientError::new(ErrorKind::Routing, "Too many redirections.");
            }
            _ => ErrorKind::Unknown,
        },
    };
    ClientError::new(kind, error.to_string())
}
