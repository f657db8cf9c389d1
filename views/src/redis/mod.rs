//! Redis: the hot views, written and read by functions that run inside it.
//!
//! At every instant a partition's rows are fold(log[0..stored)) (I3), also right after a failover,
//! and whoever writes: every write is one function call that checks the stored offset itself.
//! `layout.rs` has the keys, `footfall.lua` the functions and why they are right.
//!
//! What this asks of the server: Redis 7 or later, `maxmemory-policy noeviction` (checked), and
//! after a power cut `redis-check-aof --fix` before it starts again. Redis drops a transaction
//! whose end did not reach the file, but leaves its beginning there; a second start may then carry
//! that out as part of the next transaction (Redis 7 and 8; Valkey mended it in its pull request
//! 4342). A process that is killed writes whole transactions and needs no repair.

mod address;
mod call;
mod checks;
mod connect;
mod dump;
mod failure;
mod fill;
mod info;
mod layout;
mod library;
mod look;
mod moving;
mod plan;
mod read;
mod sentinels;
mod server;
mod sweep;
mod wants;
mod watch;
mod write;

pub use address::Address;
pub use fill::{Filling, Progress};
pub use layout::Keys;
pub use look::Held;
pub use plan::{Limits, image};
pub use server::{Raw, Server, ServerError};

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use fred::types::Value;
use pipeline::calendar::Calendar;
use pipeline::definition::Definition;
use tokio::sync::Semaphore;

use self::server::Wire;
use self::watch::Watch;
use crate::Error;

/// The store's name in metrics and messages.
pub const NAME: &str = "redis";
/// Times a call is repeated because the image it named had been replaced. An image is replaced by
/// a fill, which takes many calls itself.
const MOVES: usize = 5;

/// What a process does with the views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// It writes them, and brings the functions along.
    Write,
    /// It asks them.
    Read,
    /// It looks at the servers and at how far the views are.
    Look,
}

/// The views of one definition in one Redis. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct Store {
    wire: Wire,
    access: Access,
    limits: Limits,
    shared: Arc<Shared>,
}

struct Shared {
    definition: String,
    calendar: Calendar,
    /// A partition each.
    keys: Vec<Keys>,
    /// Names an image.
    names: Box<dyn Fn() -> String + Send + Sync>,
    /// The images read when last heard of, by partition; empty when unknown.
    tokens: Mutex<Vec<String>>,
    /// The campaigns of activities asked for.
    campaigns: Mutex<HashMap<String, BTreeSet<String>>>,
    /// One sweep at a time.
    sweeping: Semaphore,
    /// When all connections were last made anew.
    renewed: Mutex<Instant>,
    /// Looks at the servers, as long as there is a store.
    watch: OnceLock<Watch>,
}

impl Shared {
    fn new(
        definition: &Definition,
        names: Box<dyn Fn() -> String + Send + Sync>,
    ) -> Result<Self, Error> {
        let id = definition.id();
        let keys = (0..definition.partitions).map(|partition| Keys::of(&id, partition));
        Ok(Self {
            calendar: Calendar::new(definition).map_err(|e| Error::Fatal(e.to_string()))?,
            keys: keys.collect(),
            definition: id,
            names,
            tokens: Vec::new().into(),
            campaigns: Default::default(),
            sweeping: Semaphore::new(1),
            renewed: Instant::now().into(),
            watch: OnceLock::new(),
        })
    }
}

impl Store {
    /// The same store with other limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    fn keys(&self, partition: u32) -> Result<&Keys, Error> {
        self.shared.keys.get(partition as usize).ok_or_else(|| {
            Error::Fatal(format!(
                "there is no partition {partition}: the definition has {}",
                self.shared.keys.len()
            ))
        })
    }

    fn definition(&self) -> Value {
        self.shared.definition.as_str().into()
    }

    /// The partition's image when last heard of; empty when unknown.
    fn token(&self, partition: u32) -> String {
        let tokens = self.shared.tokens.lock();
        let tokens = tokens.unwrap_or_else(PoisonError::into_inner);
        tokens.get(partition as usize).cloned().unwrap_or_default()
    }

    /// As [`Self::token`], or the name of the image that would be its first.
    fn token_or_new(&self, partition: u32) -> String {
        let token = self.token(partition);
        if token.is_empty() {
            self.new_token()
        } else {
            token
        }
    }

    /// A name for an image that no other has.
    fn new_token(&self) -> String {
        (self.shared.names)()
    }

    /// Remembers the image named by a reply to a call on one partition.
    fn remember(&self, partition: u32, mut reply: Vec<String>) {
        let tokens = self.shared.tokens.lock();
        let mut tokens = tokens.unwrap_or_else(PoisonError::into_inner);
        if tokens.len() <= partition as usize {
            tokens.resize(self.shared.keys.len(), String::new());
        }
        if let (Some(place), Some(token)) = (tokens.get_mut(partition as usize), reply.pop()) {
            *place = token;
        }
    }
}

/// Names an image for a store on a network. Random: owners that don't know of each other must not meet under one name.
fn random_token() -> String {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    format!("{high:016x}")
}
