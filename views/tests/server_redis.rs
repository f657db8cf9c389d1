//! The views in a real Redis, which these tests start themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod conformance;
mod redis;

use conformance::suite;
use redis::Redis;
use redis::server::Server;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_partition_that_is_missing_is_never_left_out_of_a_sum() {
    let server = Server::start().await;
    let back = Redis::new(&server, 3).await;
    suite::a_partition_that_is_missing_is_never_left_out_of_a_sum(&back).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn answers_are_those_of_the_prefix_after_every_change() {
    let server = Server::start().await;
    let back = Redis::new(&server, 2).await;
    suite::answers_are_those_of_the_prefix_after_every_change(&back).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn late_and_repeated_changes_move_nothing_back() {
    let server = Server::start().await;
    let back = Redis::new(&server, 2).await;
    suite::late_and_repeated_changes_move_nothing_back(&back).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_fill_brings_the_store_to_the_image() {
    let server = Server::start().await;
    let back = Redis::new(&server, 2).await;
    suite::a_fill_brings_the_store_to_the_image(&back).await;
}
