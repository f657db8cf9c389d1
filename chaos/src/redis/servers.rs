//! A primary, its replicas, and who is connected to which of them.
//!
//! As in Redis, a replica carries out the primary's writes in their order, those of one call at once, and as late
//! as it likes; a call is answered before. A server that follows another primary takes a copy of it first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::dataset::{Bytes, Dataset};
use super::script::{self, Writes};
use views::redis::{Raw, ServerError};

/// Calls that a replica may be behind; the oldest is then carried out.
const BEHIND_MOST: usize = 10_000;

/// A primary, its replicas, and during a split a second primary that has lost the others.
#[derive(Debug)]
pub struct Servers {
    all: Vec<Server>,
    primary: usize,
    /// The old primary during a split.
    cut_off: Option<usize>,
    /// Where each client is connected.
    clients: BTreeMap<u32, usize>,
}

#[derive(Debug, Default)]
struct Server {
    data: Dataset,
    /// What it is yet to take over from its primary.
    behind: VecDeque<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    /// The writes of one call.
    Writes(Arc<Writes>),
    /// All that the primary held.
    Copy(Dataset),
}

impl Servers {
    /// Empty servers: a primary, which is server 0, and so many replicas.
    pub fn new(replicas: usize) -> Self {
        Self {
            all: (0..=replicas).map(|_| Server::default()).collect(),
            primary: 0,
            cut_off: None,
            clients: BTreeMap::new(),
        }
    }

    /// The present primary.
    pub fn primary(&self) -> usize {
        self.primary
    }

    /// During a split, the old primary that serves whoever is still connected to it.
    pub fn cut_off(&self) -> Option<usize> {
        self.cut_off
    }

    /// The servers that follow the primary.
    pub fn replicas(&self) -> Vec<usize> {
        let follows = |at: &usize| *at != self.primary && Some(*at) != self.cut_off;
        (0..self.all.len()).filter(follows).collect()
    }

    /// What a server holds.
    pub fn data(&self, server: usize) -> &Dataset {
        &self.all[server].data
    }

    /// The server that a client is connected to.
    pub fn server_of(&self, client: u32) -> usize {
        self.clients.get(&client).copied().unwrap_or(self.primary)
    }

    /// Connects a client to the present primary.
    pub fn connect(&mut self, client: u32) {
        self.clients.insert(client, self.primary);
    }

    /// Calls that a replica has not carried out; a copy of the primary that it has yet to take counts as one.
    pub fn behind(&self, replica: usize) -> usize {
        self.all[replica].behind.len()
    }

    /// Lets a replica carry out up to so many calls of its primary.
    pub fn replicate(&mut self, replica: usize, calls: usize) {
        let server = &mut self.all[replica];
        let calls = calls.min(server.behind.len());
        for step in server.behind.drain(..calls) {
            match step {
                Step::Copy(data) => server.data = data,
                Step::Writes(writes) => {
                    for command in writes.iter() {
                        let (answer, _) = script::run(&mut server.data, command);
                        answer.expect("a replica carries out what its primary did");
                    }
                }
            }
        }
    }

    /// The primary dies and a replica takes over with what it has. The others follow it, the dead one too, which has
    /// come back; all clients are connected to it.
    ///
    /// # Panics
    /// When the server is no replica.
    pub fn fail_over(&mut self, replica: usize) {
        self.heal();
        self.promote(replica);
        self.reconnect();
    }

    /// A replica is promoted while the old primary goes on serving its clients; the other replicas follow the new one.
    /// A client that [`connects`](Self::connect) anew is then served by the new one. A split before this one is healed first.
    ///
    /// # Panics
    /// When the server is no replica.
    pub fn split(&mut self, replica: usize) {
        self.heal();
        self.cut_off = Some(self.primary);
        self.promote(replica);
    }

    /// Ends a split: the old primary loses what it has and follows the new one, and all clients are connected to that.
    pub fn heal(&mut self) {
        if let Some(old) = self.cut_off.take() {
            self.all[old] = Server::default();
            self.follow(old);
            self.reconnect();
        }
    }

    /// Every server loses everything.
    pub fn wipe(&mut self) {
        self.all
            .iter_mut()
            .for_each(|server| *server = Server::default());
    }

    /// The primary comes back empty. Its replicas become so too, once they have [replicated](Self::replicate).
    pub fn restart_empty(&mut self) {
        self.all[self.primary] = Server::default();
        for replica in self.replicas() {
            self.follow(replica);
        }
    }

    /// Runs a client's command on the server that it is connected to.
    pub(super) fn run(&mut self, client: u32, command: &[Bytes]) -> Result<Raw, ServerError> {
        let at = self.server_of(client);
        let (answer, writes) = script::run(&mut self.all[at].data, command);
        if at == self.primary && !writes.is_empty() {
            let step = Step::Writes(Arc::new(writes));
            for replica in self.replicas() {
                self.all[replica].behind.push_back(step.clone());
                if self.behind(replica) > BEHIND_MOST {
                    self.replicate(replica, 1);
                }
            }
        }
        answer.map(Raw::from).map_err(ServerError::Said)
    }

    fn promote(&mut self, replica: usize) {
        assert!(
            self.replicas().contains(&replica),
            "server {replica} is no replica"
        );
        self.primary = replica;
        self.all[replica].behind.clear();
        for other in self.replicas() {
            self.follow(other);
        }
    }

    fn follow(&mut self, replica: usize) {
        let copy = self.all[self.primary].data.clone();
        let behind = &mut self.all[replica].behind;
        behind.clear();
        behind.push_back(Step::Copy(copy));
    }

    fn reconnect(&mut self) {
        self.clients
            .values_mut()
            .for_each(|server| *server = self.primary);
    }
}
