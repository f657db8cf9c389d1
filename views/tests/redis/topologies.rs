//! What every topology must do: the suite of all stores, failover, and a store that lost it all.

use std::time::{Duration, Instant};

use super::group::{Group, Topology};
use super::traffic::Traffic;
use super::{Redis, reads};
use crate::conformance::suite;

/// Of three primaries each then holds some, but for a chance of one in a hundred thousand a run.
const PARTITIONS: u32 = 3;
/// How long replicas hear nothing before their primary dies.
const STALL: Duration = Duration::from_millis(500);

async fn suite_holds(topology: Topology) {
    let group = Group::start(topology).await;
    let back = async |partitions| Redis::at(group.address(), partitions).await;
    suite::a_partition_that_is_missing_is_never_left_out_of_a_sum(&back(3).await).await;
    suite::answers_are_those_of_the_prefix_after_every_change(&back(2).await).await;
    suite::late_and_repeated_changes_move_nothing_back(&back(2).await).await;
    suite::a_fill_brings_the_store_to_the_image(&back(2).await).await;
    reads::an_image_or_the_next_and_never_a_mixture(&group.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn with_sentinels_the_suite_of_every_store_holds() {
    suite_holds(Topology::Sentinel).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn in_a_cluster_the_suite_of_every_store_holds() {
    suite_holds(Topology::Cluster).await;
}

/// Replicas stall, and their primary dies; then the next primary is frozen, replaced, and goes on
/// as if it still were one.
async fn failover(topology: Topology) {
    let mut group = Group::start(topology).await;
    let traffic = Traffic::start(&group.address(), 41, PARTITIONS).await;
    traffic.further(0, 20).await;
    let old = group.holder(&traffic.meta(0)).await;
    let replicas: Vec<usize> = (0..group.nodes.len())
        .filter(|place| group.nodes[*place].role() == "slave")
        .collect();
    for replica in &replicas {
        group.nodes[*replica].signal("STOP");
    }
    tokio::time::sleep(STALL).await;
    group.nodes[old].kill();
    for replica in &replicas {
        group.nodes[*replica].signal("CONT");
    }
    let killed = Instant::now();
    traffic.further(0, 3).await;
    let until_written = killed.elapsed().as_secs_f64();
    group.nodes[old].restart(false).await;
    group.is_replica(old).await;
    let next = group.holder(&traffic.meta(0)).await;
    assert_ne!(next, old, "another one is primary");
    group.nodes[next].signal("STOP");
    let frozen = Instant::now();
    traffic.further(0, 3).await;
    let until_written_again = frozen.elapsed().as_secs_f64();
    group.nodes[next].signal("CONT");
    group.is_replica(next).await;
    traffic.further(0, 3).await;
    let what = format!(
        "{topology:?}, primary killed: {until_written:.1} s until writes went on; frozen: {until_written_again:.1} s"
    );
    traffic.end(&what).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn with_sentinels_a_failover_leaves_readers_a_prefix_and_the_writer_goes_on() {
    failover(Topology::Sentinel).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn in_a_cluster_a_failover_leaves_readers_a_prefix_and_the_writer_goes_on() {
    failover(Topology::Cluster).await;
}

/// Emptied by a command, without its functions, then restarted empty, with replicas that follow.
async fn wiped(topology: Topology) {
    let mut group = Group::start(topology).await;
    let traffic = Traffic::start(&group.address(), 42, PARTITIONS).await;
    traffic.further(0, 20).await;
    for place in group.primaries() {
        group.nodes[place].ask(&["FUNCTION", "FLUSH"]);
    }
    traffic.further(0, 3).await;
    for place in group.primaries() {
        group.nodes[place].ask(&["FLUSHALL"]);
    }
    traffic.further(0, 3).await;
    for place in group.primaries() {
        group.nodes[place].ask(&["FUNCTION", "FLUSH"]);
        group.nodes[place].ask(&["FLUSHALL"]);
    }
    traffic.further(0, 3).await;
    let holder = group.holder(&traffic.meta(0)).await;
    group.nodes[holder].kill();
    group.nodes[holder].restart(true).await;
    traffic.further(0, 3).await;
    assert!(traffic.back.store.dump_partition(0).await.is_ok());
    traffic.end(&format!("{topology:?}, wiped")).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_wiped_server_is_filled_under_the_eyes_of_readers_who_see_no_mixture() {
    wiped(Topology::Standalone).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn with_sentinels_a_wiped_primary_is_filled_under_the_eyes_of_readers() {
    wiped(Topology::Sentinel).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn in_a_cluster_a_wiped_primary_is_filled_under_the_eyes_of_readers() {
    wiped(Topology::Cluster).await;
}
