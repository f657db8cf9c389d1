//! The views in a real OpenSearch: what is answered, and what no failure makes wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod opensearch;

use ::opensearch::http::Method;
use async_trait::async_trait;
use conformance::{Back, suite};
use opensearch::gate::Gate;
use opensearch::{Fold, MONDAY, MONDAY_DAY, Server, config, connect, empty, without_zeroes};
use pipeline::definition::Definition;
use pipeline::row::{Facet, FrozenRow, Period, Row, RowKey};
use schemas::v1::{CountsRow, PeopleRow};
use serde_json::{Value, json};
use views::opensearch::{Config, Store};
use views::{AsOfKind, Change, Error, Question, Sink, Span, Step, Stored, Views};

const WEEK_END: u16 = MONDAY_DAY + 6;

fn questions() -> Vec<Question> {
    let mut questions = vec![Question::Campaigns];
    for span in [
        Span::Life,
        Span::Days {
            from: MONDAY_DAY,
            to: WEEK_END,
        },
        Span::Days {
            from: MONDAY_DAY + 2,
            to: MONDAY_DAY + 2,
        },
        Span::Days {
            from: MONDAY_DAY + 1,
            to: MONDAY_DAY + 3,
        },
        Span::Days { from: 1, to: 2 },
    ] {
        for campaign in ["가을/세일", "(none)", "nobody's"] {
            questions.push(Question::Campaign {
                campaign: campaign.to_owned(),
                span,
            });
        }
        questions.push(Question::Activity {
            activity: "quiz".to_owned(),
            span,
        });
    }
    for step in [Step::Hour, Step::Day] {
        let (from, to) = (MONDAY + 40_000, MONDAY + 400_000);
        questions.push(Question::Series {
            campaign: "spring".to_owned(),
            from,
            to,
            step,
        });
    }
    questions
}

/// Partitions that hold nothing yet.
async fn fill_empty(store: &Store, partitions: u32) {
    for partition in 0..partitions {
        assert_eq!(store.stored(partition).await.unwrap(), Stored::Missing);
        assert_eq!(store.fill(&empty(partition)).await.unwrap(), Stored::At(0));
    }
}

async fn apply_all(store: &Store, changes: &[Change]) {
    for change in changes {
        assert_eq!(store.apply(change).await.unwrap(), Stored::At(change.to));
    }
}

async fn assert_holds(store: &Store, fold: &Fold) {
    for question in questions() {
        let (answer, expected) = (store.ask(&question).await.unwrap(), fold.answer(&question));
        assert_eq!(answer, expected, "{question:?}");
    }
    let (as_of, cells) = store.dump().await.unwrap();
    assert_eq!(as_of, fold.answer(&Question::Campaigns).as_of);
    let (cells, expected) = (without_zeroes(cells), fold.cells());
    assert!(
        expected.len() > 1000,
        "only {} cells to compare",
        expected.len()
    );
    for (name, value) in &expected {
        assert_eq!(cells.get(name), Some(value), "{name}");
    }
    assert_eq!(cells.len(), expected.len());
}

/// The store as the suite judges it.
struct Judged {
    store: Store,
    config: Config,
}

#[async_trait]
impl Back for Judged {
    fn sink(&self) -> &dyn Sink {
        &self.store
    }

    fn views(&self) -> &dyn Views {
        &self.store
    }

    fn definition(&self) -> &Definition {
        &self.config.definition
    }

    fn kind(&self) -> AsOfKind {
        AsOfKind::AtLeast
    }
}

async fn judged(partitions: u32) -> (Judged, Server) {
    let config = config(partitions);
    let (store, server) = connect(&config).await;
    (Judged { store, config }, server)
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_partition_that_is_missing_is_never_left_out_of_a_sum() {
    let (back, server) = judged(3).await;
    suite::a_partition_that_is_missing_is_never_left_out_of_a_sum(&back).await;
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn answers_are_those_of_the_prefix_after_every_change() {
    let (back, server) = judged(3).await;
    suite::answers_are_those_of_the_prefix_after_every_change(&back).await;
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn late_and_repeated_changes_move_nothing_back() {
    let (back, server) = judged(2).await;
    suite::late_and_repeated_changes_move_nothing_back(&back).await;
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_fill_brings_the_store_to_the_image() {
    let (back, server) = judged(2).await;
    suite::a_fill_brings_the_store_to_the_image(&back).await;
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn rows_give_the_answers_and_the_dump_of_the_fold_on_one_shard_and_on_three() {
    for shards in [1, 3] {
        let config = Config {
            shards,
            ..config(3)
        };
        let (store, server) = connect(&config).await;
        let mut fold = Fold::new(&config.definition);
        fill_empty(&store, 3).await;
        for events in [300, 1, 200] {
            fold.feed(events);
            let changes = fold.changes();
            let changed: Vec<_> = changes
                .into_iter()
                .filter(|change| change.base < change.to)
                .collect();
            apply_all(&store, &changed).await;
        }
        assert_holds(&store, &fold).await;
        server.delete().await;
    }
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_change_that_would_leave_a_gap_is_refused_with_what_is_stored() {
    let config = config(1);
    let (store, server) = connect(&config).await;
    let mut fold = Fold::new(&config.definition);
    fill_empty(&store, 1).await;
    fold.feed(100);
    let first = fold.changes().remove(0);
    fold.feed(100);
    let second = fold.changes().remove(0);
    assert_eq!(store.apply(&second).await.unwrap(), Stored::At(0));
    let (_, cells) = store.dump().await.unwrap();
    assert!(cells.is_empty(), "{cells:?}");
    apply_all(&store, &[first, second]).await;
    assert_holds(&store, &fold).await;
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn writes_of_a_paused_owner_that_arrive_late_make_no_document_go_back() {
    let config = config(1);
    let (store, server) = connect(&config).await;
    let gate = Gate::before(&opensearch::url()).await;
    let behind_gate = Config {
        urls: vec![gate.url()],
        ..config.clone()
    };
    let (paused, _) = connect(&behind_gate).await;
    let mut fold = Fold::new(&config.definition);
    fill_empty(&store, 1).await;
    fold.feed(200);
    let early = fold.changes().remove(0);
    // The paused owner has asked what is stored, and its bulk is on its way.
    let late = early.clone();
    let paused = tokio::spawn(async move { paused.apply(&late).await });
    gate.until_holding().await;
    apply_all(&store, std::slice::from_ref(&early)).await;
    fold.feed(300);
    let newest = fold.changes().remove(0);
    apply_all(&store, std::slice::from_ref(&newest)).await;

    gate.open();
    assert_eq!(paused.await.unwrap().unwrap(), Stored::At(newest.to));
    assert_holds(&store, &fold).await;
    server.delete().await;
}

/// Another partition's fill makes the index anew between two bulks of a change. What the change brings after that must
/// not look like all there is.
#[tokio::test]
#[ignore = "needs servers"]
async fn a_change_on_its_way_to_an_index_that_is_made_anew_claims_nothing_there() {
    let config = config(2);
    let (store, server) = connect(&config).await;
    let mut fold = Fold::new(&config.definition);
    fold.feed(200);
    let before = fold.changes();
    for change in &before {
        store.fill(change).await.unwrap();
    }
    let gate = Gate::before(&opensearch::url()).await;
    let behind_gate = Config {
        urls: vec![gate.url()],
        ..config.clone()
    };
    let (slow, _) = connect(&behind_gate).await;
    fold.feed(200);
    let late = fold.changes();
    let on_its_way = late[0].clone();
    let slow = tokio::spawn(async move { slow.apply(&on_its_way).await });
    gate.until_holding().await;
    server.delete().await;
    let everything = fold.everything();
    store.fill(&everything[1]).await.unwrap();

    gate.open();
    let error = slow.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Transient { .. }), "{error}");
    assert_eq!(store.stored(0).await.unwrap(), Stored::Missing);
    assert_eq!(store.apply(&late[0]).await.unwrap(), Stored::Missing);
    store.fill(&everything[0]).await.unwrap();
    assert_holds(&store, &fold).await;
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn two_owners_at_once_end_at_the_fold() {
    let config = config(1);
    let (first, server) = connect(&config).await;
    let (second, _) = connect(&config).await;
    let mut fold = Fold::new(&config.definition);
    fill_empty(&first, 1).await;
    let mut changes = Vec::new();
    for _ in 0..6 {
        fold.feed(100);
        changes.push(fold.changes().remove(0));
    }
    let owner = |store: Store, changes: Vec<Change>| async move {
        for change in &changes {
            store.apply(change).await.unwrap();
        }
        store
    };
    let (store, _) = tokio::join!(owner(first, changes.clone()), owner(second, changes));
    assert_holds(&store, &fold).await;
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_block_on_writing_moves_no_checkpoint_and_the_same_change_is_taken_later() {
    let config = config(1);
    let (store, server) = connect(&config).await;
    let mut fold = Fold::new(&config.definition);
    fill_empty(&store, 1).await;
    fold.feed(100);
    let change = fold.changes().remove(0);
    server.block_writes(true).await;
    let refused = store.apply(&change).await.unwrap_err();
    assert!(matches!(refused, Error::Transient { .. }), "{refused}");
    assert_eq!(store.stored(0).await.unwrap(), Stored::At(0));
    server.block_writes(false).await;
    apply_all(&store, &[change]).await;
    let (_, cells) = store.dump().await.unwrap();
    assert_eq!(without_zeroes(cells), fold.cells());
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_document_that_the_mapping_refuses_is_fatal_and_moves_no_checkpoint() {
    let config = config(1);
    let (store, server) = connect(&config).await;
    // The same index without the field for currencies: only documents of money don't fit. It holds a checkpoint, so
    // that it is written to without being looked at.
    let mut index = server.send(Method::Get, "", None).await[store.index()].clone();
    server.delete().await;
    let fields = index["mappings"]["properties"].as_object_mut().unwrap();
    fields.remove("currency").unwrap();
    let body = json!({"mappings": index["mappings"], "aliases": index["aliases"]});
    server.send(Method::Put, "", Some(body)).await;
    let checkpoint = json!({"doc": "checkpoint", "partition": 0, "offset": 0, "log_time": 0});
    let path = "/_doc/checkpoint-0?routing=0&version=1&version_type=external_gte";
    server.send(Method::Put, path, Some(checkpoint)).await;

    let mut fold = Fold::new(&config.definition);
    fold.feed(100);
    let error = store.apply(&fold.changes()[0]).await.unwrap_err();
    let Error::Fatal(text) = error else {
        panic!("not fatal: {error}");
    };
    assert!(
        text.contains("currency") && text.contains("document \"0/"),
        "{text}"
    );
    assert_eq!(store.stored(0).await.unwrap(), Stored::At(0));
    server.send(Method::Post, "/_refresh", None).await;
    let count = server.send(Method::Get, "/_count", None).await;
    assert!(
        count["count"].as_u64().unwrap() > 1,
        "the bulk failed whole, not in part: {count}"
    );
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn writes_to_a_deleted_index_do_not_create_it_but_a_fill_does() {
    let config = config(1);
    let (store, server) = connect(&config).await;
    let mut fold = Fold::new(&config.definition);
    fold.feed(50);
    server.delete().await;
    let everything = fold.everything().remove(0);
    let later = Change {
        base: 1,
        ..everything.clone()
    };
    assert_eq!(store.apply(&later).await.unwrap(), Stored::Missing);
    assert!(!server.exists().await);
    let unanswered = store.ask(&Question::Campaigns).await.unwrap_err();
    assert!(
        matches!(unanswered, Error::Incomplete { partition: 0, .. }),
        "{unanswered}"
    );

    assert_eq!(
        store.fill(&everything).await.unwrap(),
        Stored::At(everything.to)
    );
    let index = server.send(Method::Get, "", None).await;
    assert_eq!(index[store.index()]["mappings"]["dynamic"], "strict");
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn an_index_of_another_definition_is_refused_with_what_to_do() {
    let config = config(1);
    let (store, server) = connect(&config).await;
    server.delete().await;
    let other = json!({"mappings": {"_meta": {"definition": "0000000000000000", "layout": 1}}});
    server.send(Method::Put, "", Some(other)).await;
    let refused = Store::connect(config).await.err();
    let Some(Error::Fatal(text)) = refused else {
        panic!("connected: {refused:?}");
    };
    assert!(
        text.contains(store.index()) && text.contains("delete the index"),
        "{text}"
    );
    server.delete().await;
}

/// The settings of an index that say how many copies there are and how many a write waits for.
async fn copies(server: &Server) -> (Value, Value) {
    let reply = server.send(Method::Get, "/_settings", None).await;
    let (_, found) = reply.as_object().unwrap().iter().next().unwrap();
    let index = &found["settings"]["index"];
    (
        index["number_of_replicas"].clone(),
        index["write"]["wait_for_active_shards"].clone(),
    )
}

#[tokio::test]
#[ignore = "needs servers"]
async fn an_index_takes_writes_while_replicas_are_missing() {
    // More than any cluster of these tests has nodes for.
    let config = Config {
        replicas: 5,
        ..config(1)
    };
    let (store, server) = connect(&config).await;
    fill_empty(&store, 1).await;
    let mut fold = Fold::new(&config.definition);
    fold.feed(500);
    apply_all(&store, &fold.changes()).await;
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn an_index_of_other_replicas_is_set_to_the_configured_ones_and_takes_writes() {
    let many = Config {
        replicas: 5,
        ..config(1)
    };
    let (store, server) = connect(&many).await;
    // As indices were made once: each write waited for a second copy.
    let waits = json!({"index.write.wait_for_active_shards": "2"});
    server.send(Method::Put, "/_settings", Some(waits)).await;
    assert_eq!(copies(&server).await, (json!("5"), json!("2")));
    drop(store);
    let none = Config {
        replicas: 0,
        ..many
    };
    let store = Store::connect(none).await.unwrap();
    assert_eq!(copies(&server).await.0, "5", "who reads changes nothing");
    store.keep_replicas().await.unwrap();
    assert_eq!(copies(&server).await, (json!("0"), json!("1")));
    fill_empty(&store, 1).await;
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn the_analysts_alias_stays_until_it_is_published_anew() {
    let old = config(1);
    let mut new = old.clone();
    new.definition.time_zone = "UTC".to_owned();
    let (old, old_server) = connect(&old).await;
    let (new, new_server) = connect(&new).await;
    assert_eq!(old.alias(), new.alias());
    assert_eq!(new.published().await.unwrap(), [old.index()]);
    new.publish().await.unwrap();
    assert_eq!(old.published().await.unwrap(), [new.index()]);
    old_server.delete().await;
    new_server.delete().await;
}

/// One event an activity, in `(campaign, activities)`.
fn campaigns(sizes: &[(&str, usize)]) -> Change {
    let mut rows = Vec::new();
    for (campaign, activities) in sizes {
        for activity in 0..*activities {
            let key = |period, facet| RowKey {
                campaign: (*campaign).into(),
                activity: Some(format!("a{activity}").into()),
                period,
                facet,
            };
            let counts = CountsRow {
                cells: vec![1000],
                counts: vec![1],
                ..CountsRow::default()
            };
            let people = PeopleRow {
                users: 1,
                returning_users: 1,
                ..PeopleRow::default()
            };
            for (key, row) in [
                (
                    key(Period::Hour(MONDAY), Facet::Counts),
                    Row::Counts(counts),
                ),
                (key(Period::Life, Facet::People), Row::People(people)),
            ] {
                rows.push(FrozenRow {
                    key,
                    changed_at: 0,
                    row: Some(row),
                });
            }
        }
    }
    Change {
        partition: 0,
        base: 0,
        to: 1,
        log_time: 0,
        rows,
    }
}

fn life(campaign: &str) -> Question {
    Question::Campaign {
        campaign: campaign.to_owned(),
        span: Span::Life,
    }
}

async fn searches_for(store: &Store, server: &Server, question: &Question) -> (u64, usize) {
    let before = server.searches().await;
    let answer = store.ask(question).await.unwrap();
    (server.searches().await - before, answer.scopes.len())
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_question_is_one_search_for_1_10_100_and_1000_activities() {
    let config = config(1);
    let (store, server) = connect(&config).await;
    let sizes = [
        ("one", 1),
        ("ten", 10),
        ("hundred", 100),
        ("thousand", 1000),
    ];
    store.fill(&campaigns(&sizes)).await.unwrap();
    for (campaign, activities) in sizes {
        let (searches, scopes) = searches_for(&store, &server, &life(campaign)).await;
        assert_eq!((searches, scopes), (1, activities + 1), "{campaign}");
    }
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn more_activities_than_one_answer_takes_are_refused_and_not_cut() {
    let config = config(1);
    let (store, server) = connect(&config).await;
    store
        .fill(&campaigns(&[("most", 10_000), ("more", 10_001)]))
        .await
        .unwrap();
    let answer = store.ask(&life("most")).await.unwrap();
    assert_eq!(answer.scopes.len(), 10_001);
    let refused = store.ask(&life("more")).await.unwrap_err();
    assert!(matches!(refused, Error::Unanswerable(_)), "{refused}");
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn an_analyst_adds_up_partitions_by_the_alias() {
    let config = config(2);
    let (store, server) = connect(&config).await;
    let mut fold = Fold::new(&config.definition);
    fold.feed(300);
    for change in fold.everything() {
        store.fill(&change).await.unwrap();
    }
    let by_alias = Server::new(store.alias());
    let query = json!({
        "size": 0,
        "query": {"bool": {"filter": [{"term": {"doc": "count"}}, {"term": {"kind": "purchase"}}]}},
        "aggs": {
            "events": {"sum": {"field": "count"}},
            "money": {"terms": {"field": "currency"}, "aggs": {"sum": {"sum": {"field": "amount"}}}},
        },
    });
    let found = by_alias.send(Method::Post, "/_search", Some(query)).await;
    let expected = |wanted: &dyn Fn(&str) -> bool| -> f64 {
        let cells = fold.cells().into_iter();
        let life = cells.filter(|(name, _)| {
            &*name.activity == "*" && name.period == "life" && wanted(&name.cell)
        });
        life.map(|(_, value)| value as f64).sum()
    };
    let is_event = |cell: &str| cell.starts_with("purchase.") && cell.split('.').count() == 4;
    assert_eq!(
        found["aggregations"]["events"]["value"],
        expected(&is_event),
        "{found}"
    );
    let money = found["aggregations"]["money"]["buckets"]
        .as_array()
        .unwrap();
    assert_eq!(money.len(), 2, "{found}");
    for bucket in money {
        let code = format!(".{}", bucket["key"].as_str().unwrap());
        assert_eq!(
            bucket["sum"]["value"],
            Value::from(expected(&|cell| cell.ends_with(&code)))
        );
    }
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn every_query_of_the_documentation_finds_something() {
    let config = config(2);
    let (store, server) = connect(&config).await;
    let mut fold = Fold::new(&config.definition);
    fold.feed(500);
    for change in fold.everything() {
        store.fill(&change).await.unwrap();
    }
    let page = include_str!("../../docs/views.md");
    let by_alias = Server::new(store.alias());
    let mut judged = 0;
    for part in page.split("POST footfall-views/_search\n").skip(1) {
        let query: Value = serde_json::from_str(part.split("```").next().unwrap()).unwrap();
        let found = by_alias
            .send(Method::Post, "/_search", Some(query.clone()))
            .await;
        let hits = found["hits"]["hits"].as_array().map_or(0, Vec::len);
        let groups = found["aggregations"].as_object().into_iter().flatten();
        let buckets = groups.map(|(_, group)| group["buckets"].as_array().map_or(0, Vec::len));
        assert!(
            hits + buckets.sum::<usize>() > 0,
            "{query} found nothing: {found}"
        );
        judged += 1;
    }
    assert_eq!(judged, 5);
    server.delete().await;
}
