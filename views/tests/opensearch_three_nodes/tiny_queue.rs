//! One real node that writes one request at a time and lets one more wait: it answers the others 429.

use futures::future::join_all;
use opensearch::http::Method;
use views::opensearch::Store;
use views::{Change, Error, Sink, Stored, Views};

use super::opensearch::{Fold, Server, config, empty, url, without_zeroes};
use super::until;

/// Each with a store of its own, as processors have.
const WRITERS: u32 = 6;
/// Events of a round; each is several documents.
const EVENTS: usize = 600;
const ROUNDS: usize = 8;
/// Of one change; far more than it takes.
const MOST_ATTEMPTS: u64 = 200;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a tiny queue"]
async fn a_tiny_queue_refuses_bulks_and_nothing_is_lost_nor_a_checkpoint_ahead() {
    let config = config(WRITERS);
    let mut stores = Vec::new();
    for partition in 0..WRITERS {
        let store = Store::connect(config.clone()).await.unwrap();
        let change = empty(partition);
        until("an empty partition is there", || async {
            store.fill(&change).await.is_ok()
        })
        .await;
        stores.push(store);
    }
    let mut fold = Fold::new(&config.definition);
    let before = refused().await;
    let mut failed = 0;
    for _ in 0..ROUNDS {
        fold.feed(EVENTS);
        let changes = fold.changes();
        let written = stores.iter().zip(&changes);
        let written = written.map(|(store, change)| write(store, change));
        failed += join_all(written).await.into_iter().sum::<u64>();
        let (_, cells) = stores[0].dump().await.unwrap();
        assert_eq!(without_zeroes(cells), fold.cells(), "acknowledged and lost");
    }
    let refused = refused().await - before;
    assert!(refused > 0, "the node has refused nothing");
    eprintln!(
        "a queue of one: {refused} writes refused by the node, {failed} changes sent again by their caller, none lost"
    );
    Server::new(stores[0].index()).delete().await;
}

/// Sends a change until it is acknowledged; returns how often it was not.
async fn write(store: &Store, change: &Change) -> u64 {
    for failed in 0..MOST_ATTEMPTS {
        match store.apply(change).await {
            Ok(stored) => {
                assert_eq!(stored, Stored::At(change.to));
                return failed;
            }
            // Some of its documents may be there; its checkpoint may not.
            Err(Error::Transient { .. }) => {
                let held = store.stored(change.partition).await.unwrap();
                assert_eq!(held, Stored::At(change.base), "the checkpoint is ahead");
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("not acknowledged in {MOST_ATTEMPTS} attempts");
}

/// The writes that the node has had no room for since it started.
async fn refused() -> u64 {
    let server = Server::at(&url(), "_nodes/stats/thread_pool");
    let stats = server.send(Method::Get, "", None).await;
    let nodes = stats["nodes"].as_object().unwrap().values();
    nodes
        .map(|node| node["thread_pool"]["write"]["rejected"].as_u64().unwrap())
        .sum()
}
