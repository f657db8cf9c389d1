//! The way between stores and servers: each command waits until its fate is decided.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use views::redis::{Raw, Server, ServerError};

use super::dataset::Bytes;
use super::servers::Servers;
use super::spoil;

/// How long a client waits for an answer, as the real one does; the command may arrive all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// Commands under way, and the servers that they are under way to. Clones are the same network.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    servers: Servers,
    queue: VecDeque<Waiting>,
    /// Made so far.
    clients: u64,
}

struct Waiting {
    client: u32,
    command: Arc<[Bytes]>,
    /// None of a copy, whose client has its answer or has given up.
    reply: Option<oneshot::Sender<Result<Raw, ServerError>>>,
}

/// What becomes of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is run and answered.
    Good,
    /// It is never run; its client is told that there is no answer.
    LoseRequest,
    /// It is run; its client is told that there is no answer.
    LoseReply,
    /// It is run and answered, and a copy is still under way.
    Twice,
    /// Its client is told that there is no answer, and it is still under way.
    Late,
}

/// What happened to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Who sent it.
    pub client: u32,
    /// The server that ran it; `None` if it wasn't run.
    pub server: Option<usize>,
    /// The command's name, of a call the function's.
    pub name: String,
    /// The key of the `meta` that it may have changed: of a call that writes, its first.
    pub meta: Option<String>,
}

impl Network {
    /// A network with these servers.
    pub fn new(servers: Servers) -> Self {
        let queue = VecDeque::new();
        Self {
            inner: Arc::new(Mutex::new(Inner {
                servers,
                queue,
                clients: 0,
            })),
        }
    }

    /// A client, connected to the present primary: what a [`Store`](views::redis::Store) is made over.
    pub fn client(&self, id: u32) -> Arc<dyn Server> {
        let mut inner = self.lock();
        inner.servers.connect(id);
        inner.clients += 1;
        Arc::new(Client {
            id,
            epoch: inner.clients,
            network: self.clone(),
        })
    }

    /// Does something to the servers, or looks at them.
    pub fn servers<T>(&self, with: impl FnOnce(&mut Servers) -> T) -> T {
        with(&mut self.lock().servers)
    }

    /// Commands under way.
    pub fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether somebody waits for an answer to a command under way.
    pub fn is_awaited(&self, index: usize) -> bool {
        let inner = self.lock();
        let reply = inner
            .queue
            .get(index)
            .and_then(|waiting| waiting.reply.as_ref());
        reply.is_some_and(|reply| !reply.is_closed())
    }

    /// Decides the fate of a command under way, by its place in the order in which they were sent. It is run on the
    /// server that its client is connected to now.
    ///
    /// # Panics
    /// When there is no command at that place.
    pub fn deliver(&self, index: usize, fate: Fate) -> Delivered {
        let inner = &mut *self.lock();
        let waiting = inner.queue.remove(index).expect("a command is there");
        let Waiting {
            client,
            command,
            reply,
        } = waiting;
        let runs = !matches!(fate, Fate::LoseRequest | Fate::Late);
        let delivered = Delivered {
            client,
            server: runs.then(|| inner.servers.server_of(client)),
            name: name(&command),
            meta: meta(&command).filter(|_| runs),
        };
        let answer = runs.then(|| inner.servers.run(client, &command));
        if matches!(fate, Fate::Twice | Fate::Late) {
            let copy = Waiting {
                client,
                command,
                reply: None,
            };
            // Where it was, so that the places of others stay.
            inner.queue.insert(index, copy);
        }
        if let (Some(answer), Some(reply)) = (answer, reply)
            && fate != Fate::LoseReply
        {
            // Its client may have given up.
            let _ = reply.send(answer);
        }
        delivered
    }

    /// Loses every command under way: connections broke.
    pub fn clear(&self) {
        self.lock().queue.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panicked with it")
    }
}

struct Client {
    id: u32,
    /// How many were made before it, and itself.
    epoch: u64,
    network: Network,
}

#[async_trait]
impl Server for Client {
    async fn run(&self, _slot: u16, command: Vec<Vec<u8>>) -> Result<Raw, ServerError> {
        let mut commands = spoil::commands(command, self.epoch).into_iter();
        let answer = self.send(commands.next().expect("one at least")).await?;
        for command in commands {
            // The first has said how far it came.
            self.send(command).await?;
        }
        Ok(answer)
    }
}

impl Client {
    async fn send(&self, command: Vec<Bytes>) -> Result<Raw, ServerError> {
        let (reply, answer) = oneshot::channel();
        self.network.lock().queue.push_back(Waiting {
            client: self.id,
            command: command.into(),
            reply: Some(reply),
        });
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(ServerError::Lost("the connection broke".to_owned())),
            Err(_) => Err(ServerError::Lost("it takes too long".to_owned())),
        }
    }
}

fn name(command: &[Bytes]) -> String {
    let call = command
        .first()
        .is_some_and(|name| name.starts_with(b"FCALL"));
    let name = command.get(usize::from(call)).map_or(&b""[..], |name| name);
    String::from_utf8_lossy(name).into_owned()
}

fn meta(command: &[Bytes]) -> Option<String> {
    let [verb, _, _, meta, ..] = command else {
        return None;
    };
    (**verb == *b"FCALL").then(|| String::from_utf8_lossy(meta).into_owned())
}
