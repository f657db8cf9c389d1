//! A slot moved to another server of a cluster, under the eyes of a writer and readers.

use std::sync::atomic::Ordering;

use super::group::{Group, Topology};
use super::node::Node;
use super::traffic::Traffic;
use super::{CAP, until};

/// Two slots at least: one is moved, and the other is to be written meanwhile.
const PARTITIONS: u32 = 2;
/// Keys that one MIGRATE takes along: few, so that the slot is split for long.
const KEYS_AT_ONCE: usize = 5;
/// Keys listed at once.
const KEYS_LISTED: usize = 200;

/// Which of a partition's keys is moved first: writes then find it on this side or on that.
#[derive(Clone, Copy)]
enum Meta {
    First,
    Last,
}

/// A slot on its way.
struct Move<'a> {
    group: &'a Group,
    from: &'a Node,
    to: &'a Node,
    slot: String,
}

impl<'a> Move<'a> {
    /// Opens the slot that a key is in to another primary.
    async fn begin(group: &'a Group, key: &str) -> Self {
        let holder = group.holder(key).await;
        let other = group.primaries().into_iter().find(|place| *place != holder);
        let (from, to) = (&group.nodes[holder], &group.nodes[other.unwrap()]);
        let slot = from.ask(&["CLUSTER", "KEYSLOT", key]);
        let moving = Self {
            group,
            from,
            to,
            slot,
        };
        moving.set(to, &["IMPORTING", &id(from)]);
        moving.set(from, &["MIGRATING", &id(to)]);
        moving
    }

    fn set(&self, node: &Node, state: &[&str]) {
        let command = [&["CLUSTER", "SETSLOT", &self.slot], state].concat();
        assert_eq!(node.ask(&command), "OK", "{command:?}");
    }

    /// Some of those not moved yet. Their names have line breaks, hence the JSON.
    fn keys(&self) -> Vec<String> {
        let (slot, count) = (&self.slot, KEYS_LISTED.to_string());
        let listed = self
            .from
            .ask(&["--json", "CLUSTER", "GETKEYSINSLOT", slot, &count]);
        serde_json::from_str(&listed).unwrap()
    }

    fn take(&self, keys: &[String]) {
        let (port, patience) = (self.to.port.to_string(), CAP.as_millis().to_string());
        let mut command = vec!["MIGRATE", "127.0.0.1", &port, "", "0", &patience, "KEYS"];
        command.extend(keys.iter().map(String::as_str));
        assert_eq!(self.from.ask(&command), "OK", "{command:?}");
    }

    /// Moves some of the keys: with the first one, or all but the last one.
    fn split(&self, meta: &str, when: Meta) {
        match when {
            Meta::First => self.take(&[meta.to_owned()]),
            Meta::Last => self.all_but(meta),
        }
    }

    fn all_but(&self, meta: &str) {
        loop {
            let mut keys = self.keys();
            keys.retain(|key| key != meta);
            if keys.is_empty() {
                return;
            }
            for some in keys.chunks(KEYS_AT_ONCE) {
                self.take(some);
            }
        }
    }

    /// Moves the rest, and says who has the slot.
    fn end(self) {
        loop {
            let keys = self.keys();
            if keys.is_empty() {
                break;
            }
            for some in keys.chunks(KEYS_AT_ONCE) {
                self.take(some);
            }
        }
        let new = id(self.to);
        self.set(self.to, &["NODE", &new]);
        for place in self.group.primaries() {
            self.set(&self.group.nodes[place], &["NODE", &new]);
        }
    }
}

fn id(node: &Node) -> String {
    node.ask(&["CLUSTER", "MYID"])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn in_a_cluster_a_slot_moved_under_traffic_loses_and_doubles_nothing() {
    let group = Group::start(Topology::Cluster).await;
    let traffic = Traffic::start(&group.address(), 43, PARTITIONS).await;
    let (moved, other) = (0, 1);
    let meta = traffic.meta(moved as u32);
    traffic.further(moved, 10).await;
    for when in [Meta::First, Meta::Last] {
        let from = group.holder(&meta).await;
        let moving = Move::begin(&group, &meta).await;
        moving.split(&meta, when);
        let failed = || traffic.seen.failed.load(Ordering::SeqCst);
        let before = failed();
        until(async || failed() > before).await;
        traffic.further(other, 3).await;
        moving.end();
        traffic.further(moved, 10).await;
        assert_ne!(group.holder(&meta).await, from, "the slot has moved");
    }
    traffic.end("a slot moved and moved back").await;
}
