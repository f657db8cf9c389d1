//! Bulk requests and answers, against what servers have been seen to say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use pipeline::calendar::Calendar;
use pipeline::definition::Definition;
use pipeline::row::{Facet, Period, Row, RowKey};
use schemas::v1::PeopleRow;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::super::access::Access;
use super::super::generation::{Ends, Generation};
use super::super::http::Http;
use super::super::index::Names;
use super::super::pace::Pace;
use super::super::pressure::Pressure;
use super::super::seen::Seen;
use serde_json::Value;

use super::*;

const ALIAS: &str = "footfall-0123-write-7";

fn sent(count: u32) -> Vec<Document> {
    (0..count)
        .map(|partition| documents::checkpoint(partition, 7, 0))
        .collect()
}

fn reply(items: Value) -> Reply {
    Reply {
        status: 200,
        body: json!({"items": items}),
    }
}

#[test]
fn a_document_is_two_lines_with_its_version_and_routing() {
    let lines = String::from_utf8(body(&sent(2))).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(
        lines[2],
        json!({"index": {
            "_id": "checkpoint-1", "routing": "1", "version": 8, "version_type": "external_gte",
        }})
    );
    assert_eq!(lines[3]["offset"], 7);
}

#[test]
fn only_what_failed_for_now_is_sent_again_and_a_newer_document_is_done() {
    let items = json!([
        {"index": {"status": 201}},
        {"index": {"status": 429, "error": {"type": "rejected_execution_exception", "reason": "full"}}},
        {"index": {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "newer"}}},
        {"index": {"status": 503, "error": {"type": "unavailable_shards_exception", "reason": null}}},
        {"index": {"status": 403, "error": {"type": "cluster_block_exception", "reason": "read only"}}},
        {"index": {"status": 200}},
    ]);
    let left = remainder(sent(6), reply(items)).unwrap();
    let again: Vec<u32> = left
        .again
        .iter()
        .map(|document| document.partition)
        .collect();
    assert_eq!(again, [1, 3, 4]);
    assert_eq!(left.why, Why::Blocked);
    assert!(left.reason.contains("read only"), "{left:?}");
}

#[test]
fn a_document_that_never_fits_is_fatal_and_named() {
    let items = json!([
        {"index": {"status": 201}},
        {"index": {"status": 400, "error": {"type": "strict_dynamic_mapping_exception", "reason": "not allowed"}}},
    ]);
    let Err(Error::Fatal(text)) = remainder(sent(2), reply(items)) else {
        panic!("taken for done");
    };
    assert!(
        text.contains("checkpoint-1") && text.contains("not allowed"),
        "{text}"
    );
}

#[test]
fn an_answer_for_fewer_documents_sends_all_again() {
    let items = json!([{"index": {"status": 201}}]);
    let left = remainder(sent(2), reply(items)).unwrap();
    assert_eq!(left.again.len(), 2);
}

/// A server that gives these answers in turn, and what it was sent.
async fn scripted(answers: Vec<(u16, Value)>) -> (Store, tokio::task::JoinHandle<Vec<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut sent = Vec::new();
        for (status, answer) in answers {
            let (mut client, _) = listener.accept().await.unwrap();
            sent.push(request(&mut client).await);
            let answer = answer.to_string();
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n",
                answer.len()
            );
            client.write_all((head + &answer).as_bytes()).await.unwrap();
        }
        sent
    });
    let store = Store {
        http: Http::new(&[url], &Access::default()).unwrap(),
        generation: Generation::default(),
        ends: Ends::random(),
        names: Names::new("", "0123").unwrap(),
        index_body: Value::Null,
        partitions: 10,
        calendar: Calendar::new(&Definition::default()).unwrap(),
        bulks: Semaphore::new(1),
        pace: Pace::new(0),
        pressure: Pressure::new(),
        seen: Seen::new(10),
    };
    (store, server)
}

/// The lines of one request's body.
async fn request(client: &mut TcpStream) -> Vec<Value> {
    let mut text = String::new();
    loop {
        let mut bytes = [0; 4096];
        let read = client.read(&mut bytes).await.unwrap();
        text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() == length.unwrap().parse::<usize>().unwrap() {
            return body
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
        }
    }
}

fn partitions(lines: &[Value]) -> Vec<u64> {
    lines
        .iter()
        .filter_map(|line| line["partition"].as_u64())
        .collect()
}

#[tokio::test]
async fn the_documents_that_failed_for_now_are_sent_again_until_they_are_taken() {
    let full = json!({"type": "rejected_execution_exception", "reason": "queue is full"});
    let newer = json!({"type": "version_conflict_engine_exception", "reason": "newer"});
    let first = json!({"items": [
        {"index": {"status": 201}},
        {"index": {"status": 429, "error": full}},
        {"index": {"status": 409, "error": newer}},
        {"index": {"status": 429, "error": full}},
    ]});
    let second = json!({"items": [
        {"index": {"status": 200}},
        {"index": {"status": 503, "error": {"type": "unavailable_shards_exception"}}},
    ]});
    let third = json!({"items": [{"index": {"status": 200}}]});
    let (store, server) = scripted(vec![(200, first), (200, second), (200, third)]).await;
    store.write(sent(4), ALIAS, &[]).await.unwrap();
    let sent: Vec<Vec<u64>> = server
        .await
        .unwrap()
        .iter()
        .map(|lines| partitions(lines))
        .collect();
    assert_eq!(sent, [vec![0, 1, 2, 3], vec![1, 3], vec![3]]);
}

#[tokio::test]
async fn a_server_that_can_not_take_any_bulk_is_sent_all_of_it_again() {
    let taken = json!({"items": [{"index": {"status": 201}}, {"index": {"status": 201}}]});
    let busy = json!({"error": {"type": "circuit_breaking_exception"}, "status": 429});
    let closed = json!({"error": {"type": "unavailable_shards_exception"}, "status": 503});
    let (store, server) = scripted(vec![(429, busy), (503, closed), (200, taken)]).await;
    store.write(sent(2), ALIAS, &[]).await.unwrap();
    let sent: Vec<Vec<u64>> = server
        .await
        .unwrap()
        .iter()
        .map(|lines| partitions(lines))
        .collect();
    assert_eq!(sent, [vec![0, 1], vec![0, 1], vec![0, 1]]);
}

#[tokio::test]
async fn a_bulk_whose_index_is_gone_ends_the_call_and_the_index_is_asked_for_anew() {
    let missing = json!({"type": "index_not_found_exception", "reason": "no such index"});
    let items = json!({"items": [
        {"index": {"status": 201}},
        {"index": {"status": 404, "error": missing}},
    ]});
    let whole = json!({"error": missing, "status": 404});
    for (status, answer) in [(200, items), (404, whole)] {
        let (store, server) = scripted(vec![(status, answer)]).await;
        let error = store.write(sent(2), ALIAS, &[]).await.unwrap_err();
        assert!(error.to_string().contains("filled anew"), "{error}");
        assert!(matches!(error, Error::Transient { .. }), "{error}");
        assert_eq!(server.await.unwrap().len(), 1);
    }
}

/// The answer to a bulk of so many documents, of which the first `taken` are taken and no room is for the others.
fn full(taken: usize, of: usize) -> (u16, Value) {
    let full = json!({"type": "circuit_breaking_exception", "reason": "too large"});
    let items = (0..of).map(|at| match at < taken {
        true => json!({"index": {"status": 201}}),
        false => json!({"index": {"status": 429, "error": full}}),
    });
    (200, json!({"items": items.collect::<Vec<_>>()}))
}

#[tokio::test]
async fn bulks_become_smaller_while_the_server_has_no_room_and_no_document_is_lost() {
    let whole = (
        429,
        json!({"error": {"type": "rejected_execution_exception"}}),
    );
    let large = (413, json!("<html>Request Entity Too Large</html>"));
    let answers = vec![whole, large, full(100, 500), full(250, 250), full(250, 250)];
    let later = [
        full(250, 250),
        full(250, 250),
        full(500, 500),
        full(400, 400),
    ];
    let (store, server) = scripted([answers, later.to_vec()].concat()).await;
    store.write(sent(2_000), ALIAS, &[]).await.unwrap();
    let sizes: Vec<usize> = (server.await.unwrap().iter())
        .map(|lines| partitions(lines).len())
        .collect();
    // Of 500, 100 are taken; four bulks taken whole, and the next may hold twice as many.
    assert_eq!(sizes, [2_000, 1_000, 500, 250, 250, 250, 250, 500, 400]);
}

#[tokio::test]
async fn a_full_disk_is_told_at_once_with_what_to_do_and_small_bulks_follow() {
    let said = "index [footfall-0123] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has \
                read-only-allow-delete block];";
    let block = json!({"type": "cluster_block_exception", "reason": said});
    let item = json!({"index": {"status": 429, "error": block}});
    let answer = json!({"items": vec![item; 100]});
    let (store, server) = scripted(vec![(200, answer)]).await;
    let error = store.write(sent(100), ALIAS, &[]).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Transient { .. }), "{text}");
    for words in ["free disk space", "PUT /footfall-0123/_settings"] {
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(server.await.unwrap().len(), 1, "sent again at once");
    assert_eq!(store.pressure.documents(), 50);
}

#[tokio::test]
async fn a_request_that_the_server_will_never_take_is_fatal() {
    let refused = json!({"error": {"type": "security_exception", "reason": "no"}, "status": 401});
    let (store, server) = scripted(vec![(401, refused)]).await;
    let error = store.write(sent(1), ALIAS, &[]).await.unwrap_err();
    assert!(matches!(error, Error::Fatal(_)), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn rows_that_changed_first_are_written_first() {
    let row = |changed_at: u64| FrozenRow {
        key: RowKey {
            campaign: "spring".into(),
            activity: None,
            period: Period::Day(changed_at as u16),
            facet: Facet::People,
        },
        changed_at,
        row: Some(Row::People(PeopleRow {
            users: 1,
            ..PeopleRow::default()
        })),
    };
    let change = Change {
        partition: 0,
        base: 0,
        to: 100,
        log_time: 0,
        rows: [70, 9, 31].map(row).into(),
    };
    let taken = json!({"items": vec![json!({"index": {"status": 201}}); 3]});
    let (store, server) = scripted(vec![(200, taken)]).await;
    store.write_rows(&change, ALIAS).await.unwrap();
    let sent = server.await.unwrap().concat();
    let versions = sent
        .iter()
        .filter_map(|line| line["index"]["version"].as_u64());
    assert_eq!(versions.collect::<Vec<_>>(), [10, 32, 71]);
}
