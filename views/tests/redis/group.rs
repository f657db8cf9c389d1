//! Servers that stand together: a primary with replicas and sentinels, or a cluster.

use views::redis::Address;

use super::node::{Node, Wire, free_ports};
use super::until;

/// Times that a group is started: another process may take a port meanwhile.
const TRIES: usize = 5;
/// The name that the sentinels know the primary by.
const SERVICE: &str = "views";
const SLOTS: usize = 16_384;

/// How they stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    Standalone,
    /// A primary, two replicas, three sentinels of which two decide.
    Sentinel,
    /// Three primaries, each with a replica.
    Cluster,
}

impl Topology {
    pub const ALL: [Self; 3] = [Self::Standalone, Self::Sentinel, Self::Cluster];
}

/// The servers.
pub struct Group {
    pub topology: Topology,
    pub nodes: Vec<Node>,
    pub sentinels: Vec<Node>,
    pub wire: Wire,
}

impl Group {
    /// Starts them, without passwords or TLS.
    pub async fn start(topology: Topology) -> Self {
        Self::start_with(topology, Wire::default()).await
    }

    /// Starts them.
    pub async fn start_with(topology: Topology, wire: Wire) -> Self {
        for _ in 0..TRIES {
            let mut group = Self {
                topology,
                nodes: Vec::new(),
                sentinels: Vec::new(),
                wire: wire.clone(),
            };
            let started = match topology {
                Topology::Standalone => group.start_nodes(1, &[]).await,
                Topology::Sentinel => group.start_sentinel().await,
                Topology::Cluster => group.start_cluster().await,
            };
            if started.is_some() {
                return group;
            }
        }
        panic!("no {topology:?} came up in {TRIES} tries");
    }

    async fn start_nodes(&mut self, count: usize, lines: &[String]) -> Option<()> {
        for port in free_ports(count) {
            self.nodes.push(Node::start(&self.wire, port, lines).await?);
        }
        Some(())
    }

    async fn start_sentinel(&mut self) -> Option<()> {
        self.start_nodes(1, &[]).await?;
        let primary = self.nodes[0].port;
        let lines = [format!("replicaof 127.0.0.1 {primary}")];
        self.start_nodes(2, &lines).await?;
        until(async || {
            let info = self.nodes[0].ask(&["INFO", "replication"]);
            info.matches("state=online").count() == 2
        })
        .await;
        for port in free_ports(3) {
            let lines = [
                format!("sentinel monitor {SERVICE} 127.0.0.1 {primary} 2"),
                format!("sentinel down-after-milliseconds {SERVICE} 1000"),
                format!("sentinel failover-timeout {SERVICE} 4000"),
            ];
            let sentinel = Node::start_sentinel(&self.wire, port, &lines).await?;
            self.sentinels.push(sentinel);
        }
        until(async || {
            self.sentinels.iter().all(|sentinel| {
                let known = sentinel.ask(&["INFO", "sentinel"]);
                known.contains("slaves=2,sentinels=3")
            })
        })
        .await;
        Some(())
    }

    async fn start_cluster(&mut self) -> Option<()> {
        let ports = free_ports(12);
        for (port, bus) in ports[..6].iter().zip(&ports[6..]) {
            let lines = [
                "cluster-enabled yes".to_owned(),
                "cluster-node-timeout 2000".to_owned(),
                "cluster-replica-validity-factor 0".to_owned(),
                "cluster-require-full-coverage no".to_owned(),
                format!("cluster-port {bus}"),
            ];
            self.nodes
                .push(Node::start(&self.wire, *port, &lines).await?);
        }
        for (number, node) in self.nodes.iter().enumerate() {
            node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            let (port, bus) = (node.port.to_string(), ports[6 + number].to_string());
            self.nodes[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        for (number, node) in self.nodes[..3].iter().enumerate() {
            let (first, end) = (number * SLOTS / 3, (number + 1) * SLOTS / 3);
            let (first, last) = (first.to_string(), (end - 1).to_string());
            node.ask(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
        }
        let all_say = async |what: &str| {
            until(async || {
                let says = |node: &Node| node.ask(&["CLUSTER", "INFO"]).contains(what);
                self.nodes.iter().all(says)
            })
            .await;
        };
        all_say("cluster_known_nodes:6").await;
        for (primary, replica) in self.nodes[..3].iter().zip(&self.nodes[3..]) {
            let id = primary.ask(&["CLUSTER", "MYID"]);
            until(async || replica.ask(&["CLUSTER", "REPLICATE", &id]) == "OK").await;
        }
        all_say("cluster_state:ok").await;
        for replica in &self.nodes[3..] {
            follows(replica).await;
        }
        // Each must know who replicates whom before one is killed.
        until(async || {
            let replicas = |node: &Node| node.ask(&["CLUSTER", "NODES"]).matches("slave").count();
            self.nodes.iter().all(|node| replicas(node) == 3)
        })
        .await;
        Some(())
    }

    /// Where they are.
    pub fn address(&self) -> Address {
        self.address_as("", "")
    }

    /// Where they are, for a user (`name:password@`), and with further parameters (`&…`).
    pub fn address_as(&self, user: &str, parameters: &str) -> Address {
        let scheme = if self.wire.tls { "rediss" } else { "redis" };
        let (scheme, named, first) = match self.topology {
            Topology::Standalone => (scheme.to_owned(), &self.nodes, ""),
            Topology::Sentinel => (
                format!("{scheme}-sentinel"),
                &self.sentinels,
                "sentinelServiceName=views",
            ),
            Topology::Cluster => (format!("{scheme}-cluster"), &self.nodes, ""),
        };
        let mut url = format!("{scheme}://{user}127.0.0.1:{}?{first}", named[0].port);
        for node in &named[1..] {
            url.push_str(&format!("&node=127.0.0.1:{}", node.port));
        }
        url.push_str(parameters);
        Address::from(&url)
    }

    /// The place of the primary that holds a key.
    pub async fn holder(&self, key: &str) -> usize {
        let mut found = None;
        until(async || {
            found = self.nodes.iter().position(|node| {
                let answer = node.ask(&["TYPE", key]);
                (answer == "hash" || answer == "none") && node.role() == "master"
            });
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// The places of all primaries.
    pub fn primaries(&self) -> Vec<usize> {
        let places = 0..self.nodes.len();
        places
            .filter(|place| self.nodes[*place].role() == "master")
            .collect()
    }

    /// Waits until the server at this place is a replica that has all that its primary has.
    pub async fn is_replica(&self, place: usize) {
        follows(&self.nodes[place]).await;
    }
}

async fn follows(node: &Node) {
    until(async || {
        node.ask(&["INFO", "replication"])
            .contains("master_link_status:up")
    })
    .await;
}
