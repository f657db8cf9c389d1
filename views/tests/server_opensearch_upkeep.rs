//! Upkeep of a real OpenSearch: blocks that are set and removed, and indices of past definitions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
mod opensearch;

use std::time::Duration;

use ::opensearch::http::Method;
use opensearch::{Fold, Server, config, connect, empty, without_zeroes};
use serde_json::json;
use views::opensearch::{Config, Index, Indices};
use views::{Error, Sink, Stored, Views};

const ANY_AGE: Duration = Duration::ZERO;
const A_DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
#[ignore = "needs servers"]
async fn a_full_disks_block_is_told_with_what_to_do_and_writing_goes_on_when_it_is_gone() {
    let config = config(1);
    let (store, server) = connect(&config).await;
    store.fill(&empty(0)).await.unwrap();
    let mut fold = Fold::new(&config.definition);
    fold.feed(300);
    let change = fold.changes().remove(0);
    for (block, words) in [
        ("index.blocks.read_only_allow_delete", "free disk space"),
        ("index.blocks.write", "takes no writes"),
        ("index.blocks.read_only", "takes no writes"),
    ] {
        let set = json!({block: true});
        server.send(Method::Put, "/_settings", Some(set)).await;
        let refused = store.apply(&change).await.unwrap_err();
        let text = refused.to_string();
        assert!(matches!(refused, Error::Transient { .. }), "{text}");
        assert!(text.contains(words) && text.contains(block), "{text}");
        assert_eq!(store.stored(0).await.unwrap(), Stored::At(0));
        let remove = json!({block: null});
        server.send(Method::Put, "/_settings", Some(remove)).await;
    }
    assert_eq!(store.apply(&change).await.unwrap(), Stored::At(change.to));
    let (_, cells) = store.dump().await.unwrap();
    assert_eq!(without_zeroes(cells), fold.cells());
    server.delete().await;
}

/// The same deployment under another definition.
fn in_zone(config: &Config, zone: &str) -> Config {
    let mut other = config.clone();
    other.definition.time_zone = zone.to_owned();
    other
}

fn named<'a>(all: &'a [Index], name: &str) -> &'a Index {
    all.iter().find(|index| index.name == name).unwrap()
}

#[tokio::test]
#[ignore = "needs servers"]
async fn only_indices_of_past_definitions_that_nobody_uses_are_dropped() {
    let active = config(1);
    let (published, published_server) = connect(&in_zone(&active, "UTC")).await;
    let (past, past_server) = connect(&in_zone(&active, "Europe/Paris")).await;
    let (current, current_server) = connect(&active).await;
    let base = current.index().trim_end_matches(&active.definition.id());
    let foreign = Server::new(&format!("{base}00000000000000ff"));
    foreign.send(Method::Put, "", Some(json!({}))).await;
    let mut fold = Fold::new(&active.definition);
    fold.feed(100);
    let change = fold.everything().remove(0);
    past.fill(&change).await.unwrap();

    let indices = Indices::new(&active).unwrap();
    let all = indices.list().await.unwrap();
    assert_eq!(all.len(), 4, "{all:?}");
    let now = jiff::Timestamp::now();
    let index = named(&all, past.index());
    assert!(index.documents > 100 && index.bytes > 1000, "{index:?}");
    assert!(!index.published && !index.active, "{index:?}");
    assert!(
        index.fresh >= index.created && index.fresh <= now,
        "{index:?}"
    );
    assert!(named(&all, current.index()).active);
    assert!(named(&all, published.index()).published);
    assert_eq!(all.iter().filter(|one| one.definition.is_none()).count(), 1);

    // It was written to today.
    assert!(index.kept(now, A_DAY).is_some());
    assert_eq!(indices.count_unused(A_DAY).await.unwrap(), 0);
    assert_eq!(indices.count_unused(ANY_AGE).await.unwrap(), 1);
    for kept in all.iter().filter(|one| one.name != past.index()) {
        assert!(kept.kept(now, ANY_AGE).is_some(), "{kept:?}");
        let refused = indices.drop_index(kept, ANY_AGE).await.unwrap_err();
        assert!(matches!(refused, Error::Unanswerable(_)), "{refused}");
    }
    // Somebody goes on writing to what was listed.
    fold.feed(10);
    past.fill(&fold.everything().remove(0)).await.unwrap();
    let refused = indices.drop_index(index, ANY_AGE).await.unwrap_err();
    assert!(
        refused.to_string().contains("this very moment"),
        "{refused}"
    );

    // Somebody has given it a name of their own, since it was listed.
    let all = indices.list().await.unwrap();
    let own = format!("/_alias/own-{}", uuid::Uuid::new_v4().simple());
    past_server.send(Method::Put, &own, None).await;
    let index = named(&all, past.index());
    let refused = indices.drop_index(index, ANY_AGE).await.unwrap_err();
    assert!(
        refused.to_string().contains("an alias of your own"),
        "{refused}"
    );
    past_server.send(Method::Delete, &own, None).await;

    let all = indices.list().await.unwrap();
    indices
        .drop_index(named(&all, past.index()), ANY_AGE)
        .await
        .unwrap();
    assert!(!past_server.exists().await);
    assert_eq!(indices.list().await.unwrap().len(), 3);
    for server in [published_server, current_server, foreign] {
        server.delete().await;
    }
}
