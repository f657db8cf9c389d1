//! What a Redis must be to hold views.

use views::redis::Store;
use views::{Error, Sink, Stored};

use super::group::{Group, Topology};
use super::node::{Node, free_ports};
use super::server::Server;
use super::{Redis, until};
use crate::conformance::definition;
use crate::conformance::suite::logs;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_server_that_evicts_is_refused_with_what_to_do() {
    let server = Server::start_evicting("allkeys-lru").await;
    let refused = Store::connect(&server.url(), &definition(1)).await.err();
    assert!(
        matches!(&refused, Some(Error::Fatal(text)) if text.contains("allkeys-lru") && text.contains("noeviction")),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_look_finds_a_replica_that_evicts_as_a_start_does_and_loads_nothing() {
    let group = Group::start(Topology::Standalone).await;
    let primary = &group.nodes[0];
    let [port] = free_ports(1)[..] else { panic!() };
    let lines = [format!("replicaof 127.0.0.1 {}", primary.port)];
    let replica = Node::start(&group.wire, port, &lines).await.unwrap();
    replica.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    until(async || {
        let info = primary.ask(&["INFO", "replication"]);
        info.contains("state=online")
    })
    .await;
    let look = Store::connect_to_look(group.address(), &definition(1)).await;
    let found = look.unwrap().findings().await.unwrap();
    let of_replica = format!("the Redis at 127.0.0.1:{port} has maxmemory-policy allkeys-lru");
    let refused = found.iter().filter(|of| of.refused).collect::<Vec<_>>();
    assert!(
        matches!(refused[..], [one] if one.sentence.contains(&of_replica)),
        "{found:?}"
    );
    let warned = found.iter().any(|of| of.sentence.contains("min-replicas"));
    assert!(warned, "{found:?}");
    assert_eq!(primary.ask(&["FUNCTION", "LIST"]), "");
    let start = Store::connect(group.address(), &definition(1)).await.err();
    assert!(
        matches!(&start, Some(Error::Fatal(text)) if text.contains(&of_replica)),
        "{start:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn rows_of_another_definition_under_this_ones_name_are_refused() {
    let server = Server::start().await;
    let back = Redis::new(&server, 2).await;
    let logs = logs(31, &back);
    back.store.apply(&logs[1].change(0, 5)).await.unwrap();
    let meta = format!("ff:{{{}:1}}:meta", back.definition.id());
    server
        .command("HSET", &[&meta, "definition", "another"])
        .await;
    let refused = Store::connect(&server.url(), &back.definition).await.err();
    assert!(
        matches!(&refused, Some(Error::Fatal(text)) if text.contains(&meta)),
        "{refused:?}"
    );
    let refused = back.store.apply(&logs[1].change(5, 6)).await;
    assert!(matches!(refused, Err(Error::Fatal(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn two_definitions_live_side_by_side_in_one_server() {
    let server = Server::start().await;
    let (one, other) = (Redis::new(&server, 1).await, Redis::new(&server, 1).await);
    let logs = logs(32, &one);
    one.store.apply(&logs[0].change(0, 5)).await.unwrap();
    assert_eq!(other.store.stored(0).await.unwrap(), Stored::Missing);
    other.store.apply(&logs[0].change(0, 9)).await.unwrap();
    assert_eq!(one.store.stored(0).await.unwrap(), Stored::At(5));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_call_that_would_fail_half_way_writes_nothing() {
    let server = Server::start().await;
    let back = Redis::new(&server, 1).await;
    let logs = logs(33, &back);
    back.store.apply(&logs[0].change(0, 40)).await.unwrap();
    // A group is something else, as if another program used its key.
    let groups = server
        .keys()
        .await
        .into_iter()
        .filter(|key| key.contains(":D"));
    let group = groups.max().unwrap();
    server.command("DEL", &[&group]).await;
    server.command("SET", &[&group, "x"]).await;
    let digest = async || server.command("DEBUG", &["DIGEST"]).await.into_string();
    let before = digest().await;
    let refused = back.store.apply(&logs[0].change(0, 41)).await;
    assert!(
        matches!(&refused, Err(Error::Fatal(text)) if text.contains("holds a string")),
        "{refused:?}"
    );
    assert_eq!(digest().await, before);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failure_that_may_pass() {
    // Port 1 is reserved and nothing listens there.
    let refused = Store::connect("redis://127.0.0.1:1", &definition(1))
        .await
        .err();
    assert!(
        matches!(refused, Some(Error::Transient { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_with_what_it_looks_like() {
    let refused = Store::connect("127.0.0.1", &definition(1)).await.err();
    assert!(
        matches!(&refused, Some(Error::Fatal(text)) if text.contains("redis://")),
        "{refused:?}"
    );
}
