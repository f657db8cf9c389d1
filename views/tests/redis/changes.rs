//! Servers that are not as they were, or not as their neighbours are.

use views::redis::Store;
use views::{Error, Sink, Stored};

use super::group::{Group, Topology};
use super::traffic::Traffic;
use super::{Redis, until};
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

/// A replica that is given another policy after everyone has connected, and is then promoted.
async fn a_promoted_server_that_evicts_is_found(topology: Topology) {
    let mut group = Group::start(topology).await;
    let traffic = Traffic::start(&group.address(), 44, 1).await;
    traffic.further(0, 3).await;
    assert_eq!(traffic.back.store.finding(), None);
    let old = group.holder(&traffic.meta(0)).await;
    for node in group.nodes.iter().filter(|node| node.role() == "slave") {
        node.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    }
    group.nodes[old].kill();
    traffic.further(0, 3).await;
    let found = || traffic.back.store.finding();
    until(async || found().is_some()).await;
    let sentence = found().unwrap().sentence;
    assert!(sentence.contains("allkeys-lru"), "{sentence}");
    // It is looked at again wherever a connection is made anew.
    let next = group.holder(&traffic.meta(0)).await;
    let next = &group.nodes[next];
    next.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    next.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
    until(async || found().is_none()).await;
    traffic
        .end(&format!("{topology:?}, an evicting server promoted"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn with_sentinels_a_promoted_server_that_evicts_is_found_and_nothing_ends() {
    a_promoted_server_that_evicts_is_found(Topology::Sentinel).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn in_a_cluster_a_promoted_server_that_evicts_is_found_and_nothing_ends() {
    a_promoted_server_that_evicts_is_found(Topology::Cluster).await;
}
