//! Servers that are not as they were, or not as their neighbours are.

use views::redis::Store;
use views::{Error, Sink, Stored};

use super::Redis;
use super::group::{Group, Topology};
use super::traffic::Traffic;
use crate::conformance::definition;

async fn a_replica_that_evicts_is_refused(topology: Topology) {
    let group = Group::start(topology).await;
    let mut places = 0..group.nodes.len();
    let replica = places.find(|place| group.nodes[*place].role() == "slave");
    let replica = &group.nodes[replica.unwrap()];
    replica.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let refused = Store::connect(group.address(), &definition(1)).await.err();
    let name = format!("127.0.0.1:{}", replica.port);
    assert!(
        matches!(&refused, Some(Error::Fatal(text)) if text.contains(&name) && text.contains("allkeys-lru")),
        "{refused:?}"
    );
    // One that can't be asked keeps nobody from starting.
    replica.signal("STOP");
    Redis::at(group.address(), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_replica_that_evicts_is_refused_for_it_may_be_promoted() {
    a_replica_that_evicts_is_refused(Topology::Cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn with_sentinels_a_replica_that_evicts_is_refused_and_a_frozen_sentinel_is_passed_over() {
    a_replica_that_evicts_is_refused(Topology::Sentinel).await;
    let group = Group::start(Topology::Sentinel).await;
    // The first that the URL names, and the one that the client asks first.
    for place in [0, 1] {
        group.sentinels[place].signal("STOP");
        let back = Redis::at(group.address(), 1).await;
        assert_eq!(back.store.stored(0).await.unwrap(), Stored::Missing);
        group.sentinels[place].signal("CONT");
    }
    let unknown = group.address().url.replace("=views", "=another");
    let refused = Store::connect(&unknown, &definition(1)).await.err();
    assert!(
        matches!(&refused, Some(Error::Fatal(text)) if text.contains("sentinelServiceName")),
        "{refused:?}"
    );
}

/// Moves the slot of a key to another primary, as a cluster that grows does.
async fn move_slot(group: &Group, key: &str, from: usize, to: usize) {
    let (from, to) = (&group.nodes[from], &group.nodes[to]);
    let slot = from.ask(&["CLUSTER", "KEYSLOT", key]);
    let (from_id, to_id) = (from.ask(&["CLUSTER", "MYID"]), to.ask(&["CLUSTER", "MYID"]));
    let port = to.port.to_string();
    assert_eq!(
        to.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]),
        "OK"
    );
    assert_eq!(
        from.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]),
        "OK"
    );
    loop {
        let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "20"]);
        if keys.is_empty() {
            break;
        }
        let mut command = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        command.extend(keys.lines());
        from.ask(&command);
    }
    for node in [to, from] {
        assert_eq!(
            node.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]),
            "OK"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn in_a_cluster_a_partition_moves_to_a_server_without_functions_under_the_eyes_of_readers() {
    let group = Group::start(Topology::Cluster).await;
    let traffic = Traffic::start(&group.address(), 43, 3).await;
    traffic.further(0, 20).await;
    let key = traffic.meta(0);
    for _ in 0..3 {
        let from = group.holder(&key).await;
        let to = group
            .primaries()
            .into_iter()
            .find(|place| *place != from)
            .unwrap();
        group.nodes[to].ask(&["FUNCTION", "FLUSH"]);
        move_slot(&group, &key, from, to).await;
        assert_eq!(group.holder(&key).await, to);
        traffic.further(0, 3).await;
    }
    traffic.end("Cluster, a partition moved thrice").await;
}
