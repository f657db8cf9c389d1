//! Events in each form, those that can't be used, and what the log holds afterwards.

use axum::body::Body;
use axum::http::Request;
use prost::Message;
use schemas::partition::partition_of;
use schemas::v1;
use serde_json::{Value, json};

use crate::support::{
    Answered, DELIMITED, JSON, NOW_MS, PARTITIONS, Served, delimited, event, object, post, send,
};

/// Holds each accepted event to the log.
fn stands_where_it_says(served: &Served, answer: &Answered, events: &[v1::Event]) {
    let told = answer.body["events"].as_array().unwrap();
    assert_eq!(told.len(), events.len());
    for (told, event) in told.iter().zip(events) {
        assert_eq!(told["status"], "accepted");
        assert_eq!(told["event_id"], event.event_id);
        let partition = told["partition"].as_u64().unwrap();
        let stored = served.stored(partition, told["offset"].as_u64().unwrap());
        assert_eq!(stored.key, event.user_id.as_bytes());
        assert_eq!(v1::Event::decode(stored.value.as_slice()).unwrap(), *event);
        let expected = partition_of(event.user_id.as_bytes(), PARTITIONS);
        assert_eq!(partition, u64::from(expected));
    }
}

#[tokio::test]
async fn an_event_or_many_in_each_form_stand_in_the_log_where_the_answer_says() {
    let served = Served::new();
    let one = [event(1)];
    let many: Vec<v1::Event> = (0..40).map(event).collect();
    let objects: Vec<Value> = (0..40).map(object).collect();
    for (form, body, events) in [
        (JSON, object(1).to_string().into_bytes(), &one[..]),
        (JSON, Value::from(objects).to_string().into_bytes(), &many),
        (
            "application/json; charset=utf-8",
            object(1).to_string().into_bytes(),
            &one,
        ),
        ("application/x-protobuf", one[0].encode_to_vec(), &one),
        (DELIMITED, delimited(&many), &many),
    ] {
        let answer = post(&served.router, form, body).await;
        assert_eq!(answer.status, 202, "{form}: {}", answer.body);
        assert_eq!(answer.body["accepted"], events.len());
        assert_eq!(answer.body["rejected"], 0);
        stands_where_it_says(&served, &answer, events);
    }
}

#[tokio::test]
async fn what_a_later_version_adds_to_a_message_is_kept() {
    let served = Served::new();
    let mut sent = event(1).encode_to_vec();
    // Field 1,000, a varint.
    sent.extend_from_slice(&[0xc0, 0x3e, 0x07]);
    let answer = post(&served.router, "application/x-protobuf", sent.clone()).await;
    let told = &answer.body["events"][0];
    let partition = told["partition"].as_u64().unwrap();
    let stored = served.stored(partition, told["offset"].as_u64().unwrap());
    assert_eq!(stored.value, sent);
}

/// An event that differs from a good one.
fn with(name: &str, value: Value) -> Value {
    let mut event = object(1);
    event[name] = value;
    event
}

#[tokio::test]
async fn what_the_fold_would_set_aside_is_refused_with_its_reason_and_the_rest_is_taken() {
    let served = Served::new();
    for (wrong, reason, said) in [
        (
            with("event_id", json!("")),
            "bad_id",
            "event_id has 0 bytes",
        ),
        (
            with("event_id", json!("e".repeat(129))),
            "bad_id",
            "1 to 128",
        ),
        (
            with("user_id", json!("u".repeat(257))),
            "bad_id",
            "1 to 256",
        ),
        (with("user_id", json!("")), "bad_json", "an empty user_id"),
        (
            with("campaign_id", json!("*")),
            "bad_id",
            "keeps for itself",
        ),
        (
            with("user_agent", json!("a".repeat(2_049))),
            "bad_user_agent",
            "at most 2048",
        ),
        (
            with("user_agent", json!("a".repeat(20_000))),
            "too_large",
            "16384",
        ),
        (with("occurred_at_ms", json!(1)), "too_old", "before 2005"),
        (
            with("occurred_at_ms", json!(NOW_MS + 301_000)),
            "future",
            "300 s ahead",
        ),
        (
            with("occurred_at_ms", json!("noon")),
            "bad_json",
            "RFC 3339",
        ),
        (
            with("amount", json!({"minor_units": 1, "currency": "KRW"})),
            "bad_amount",
            "purchase",
        ),
        (with("kind", json!("like")), "bad_json", "unknown variant"),
        (
            with("kind", json!("enter")),
            "reserved_kind",
            "ask for a seat",
        ),
        (
            with("campaign", json!("spring")),
            "bad_json",
            "unknown field",
        ),
        (json!("an event"), "bad_json", "no event in JSON"),
    ] {
        let before = served.records();
        let both = json!([wrong, object(2)]).to_string();
        let answer = post(&served.router, JSON, both).await;
        assert_eq!(answer.status, 207, "{wrong}: {}", answer.body);
        let counts = [&answer.body["accepted"], &answer.body["rejected"]];
        assert_eq!(counts, [1, 1]);
        let [refused, taken] = [0, 1].map(|place| &answer.body["events"][place]);
        assert_eq!(refused["status"], "rejected");
        assert_eq!(refused["reason"], reason, "{refused}");
        assert!(
            refused["detail"].as_str().unwrap().contains(said),
            "{refused}"
        );
        assert_eq!(
            (&taken["status"], &taken["event_id"]),
            (&json!("accepted"), &json!("e2"))
        );
        assert_eq!(served.records(), before + 1);
        let answer = post(&served.router, JSON, wrong.to_string()).await;
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.body);
        assert_eq!(served.records(), before + 1);
    }
    let enter = v1::Event {
        kind: v1::Kind::Enter.into(),
        ..event(1)
    };
    for (bytes, reason, id) in [
        (enter.encode_to_vec(), "reserved_kind", json!("e1")),
        (vec![0xff; 9], "bad_bytes", Value::Null),
        (Vec::new(), "bad_bytes", Value::Null),
    ] {
        let answer = post(&served.router, "application/x-protobuf", bytes).await;
        assert_eq!(answer.status, 422);
        assert_eq!(answer.body["events"][0]["reason"], reason);
        assert_eq!(answer.body["events"][0]["event_id"], id);
    }
}

#[tokio::test]
async fn a_body_that_can_not_be_taken_is_told_what_to_change() {
    let served = Served::new();
    let too_many = delimited(&(0..1_001).map(event).collect::<Vec<_>>());
    let cut = &delimited(&[event(1), event(2)])[..50];
    for (form, body, status, problem, said) in [
        (
            "text/csv",
            b"e1,u1".to_vec(),
            415,
            "wrong-media-type",
            "application/json",
        ),
        (JSON, b"{".to_vec(), 422, "unreadable", "EOF"),
        (JSON, b"[]".to_vec(), 422, "unreadable", "at least one"),
        (DELIMITED, Vec::new(), 422, "unreadable", "at least one"),
        (DELIMITED, cut.to_vec(), 422, "unreadable", "after 1 events"),
        (DELIMITED, too_many, 413, "too-large", "1000 events"),
        (
            JSON,
            vec![b' '; (1 << 20) + 1],
            413,
            "too-large",
            "1048576 bytes",
        ),
    ] {
        let answer = post(&served.router, form, body).await;
        assert_eq!(answer.status, status, "{form}: {}", answer.body);
        assert_eq!(answer.problem(), problem);
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{detail}");
    }
    let request = || Request::post("/v1/events");
    let json = || Body::from(object(1).to_string());
    for (request, status, problem) in [
        (request().body(json()), 415, "wrong-media-type"),
        (
            request()
                .header("content-type", JSON)
                .header("content-encoding", "gzip")
                .body(json()),
            415,
            "wrong-media-type",
        ),
        (
            request()
                .header("content-type", JSON)
                .header("content-length", "1048577")
                .body(json()),
            413,
            "too-large",
        ),
        (
            request()
                .header("content-type", JSON)
                .header("footfall-source", "mine")
                .body(json()),
            400,
            "reserved-header",
        ),
        (
            Request::get("/v1/events").body(Body::empty()),
            405,
            "no-such-method",
        ),
        (
            Request::get("/v1/nothing").body(Body::empty()),
            404,
            "no-such-path",
        ),
    ] {
        let answer = send(&served.router, request.unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.problem(), problem);
    }
    assert_eq!(served.records(), 0);
}

#[tokio::test]
async fn the_senders_trace_goes_with_its_records_and_no_other_does() {
    let served = Served::new();
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (sent, expected) in [(Some(given), 1), (Some("nonsense"), 0), (None, 0)] {
        let mut request = Request::post("/v1/events").header("content-type", JSON);
        if let Some(sent) = sent {
            request = request.header("traceparent", sent);
        }
        let body = Body::from(object(1).to_string());
        let answer = send(&served.router, request.body(body).unwrap()).await;
        let told = &answer.body["events"][0];
        let partition = told["partition"].as_u64().unwrap();
        let headers = served
            .stored(partition, told["offset"].as_u64().unwrap())
            .headers;
        assert_eq!(headers.len(), expected, "{headers:?}");
        let answered = answer.headers["traceparent"].to_str().unwrap();
        for (name, value) in headers {
            assert_eq!((name.as_str(), value.as_str()), ("traceparent", answered));
            assert_eq!(value[..36], given[..36]);
        }
    }
}
