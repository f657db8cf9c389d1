//! What an answer is as of, which store gives it, and waiting for a record.

use std::sync::Arc;

use serde_json::{Value, json};
use views::{Answer, AsOf, AsOfKind};

use crate::support::{self, NOW_MS, Recorder, answer, as_of, at, definition, get, state};

/// The first day that 35 days of log time before now hold whole, and the day before it.
const INSIDE: &str = "from=2026-10-19&to=2026-10-19";
const BEFORE: &str = "from=2026-10-18&to=2026-10-18";

#[tokio::test]
async fn an_answer_says_what_it_is_as_of() {
    let (_, body) = get(&Recorder::of([at(&[10, 20])]), "/v1/campaigns").await;
    assert_eq!(
        body["as_of"],
        json!([
            {"partition": 0, "offset": 10, "log_time_ms": NOW_MS - 500},
            {"partition": 1, "offset": 20, "log_time_ms": NOW_MS - 1_500},
        ])
    );
    assert_eq!(body["as_of_kind"], "exact");
    assert_eq!(body["as_of_went_back"], false);
    assert_eq!(body["store"], "hot");
    assert_eq!(body["definition"], definition().id());
    assert_eq!(body["time_zone"], "Asia/Seoul");
}

#[tokio::test]
async fn freshness_is_the_oldest_partition_that_has_a_record() {
    let mut stamped = as_of(&[10, 20, 0]);
    stamped.partitions[2].log_time = 0;
    let empty = AsOf {
        kind: AsOfKind::AtLeast,
        partitions: Vec::new(),
    };
    let hot = Recorder::of([stamped, empty].map(|as_of| {
        Ok(Answer {
            as_of,
            ..answer([])
        })
    }));
    let (_, body) = get(&hot, "/v1/campaigns").await;
    assert_eq!(body["fresh_ms"], 1_500);
    assert_eq!(body["newest_ms"], 500);
    assert_eq!(body["as_of"][2]["log_time_ms"], Value::Null);
    let (_, body) = get(&hot, "/v1/campaigns").await;
    assert_eq!(body["fresh_ms"], Value::Null);
    assert_eq!(body["as_of_kind"], "at_least");
}

#[tokio::test]
async fn an_answer_older_than_the_clients_last_is_marked() {
    let hot = Recorder::of([at(&[10, 20]), at(&[11, 19]), at(&[10, 20]), at(&[11, 20])]);
    let (_, first) = get(&hot, "/v1/campaigns").await;
    let token = first["as_of_token"].as_str().unwrap();
    let path = format!("/v1/campaigns?since={token}");
    let mut went_back = Vec::new();
    for _ in 0..3 {
        let (_, body) = get(&hot, &path).await;
        went_back.push(body["as_of_went_back"].as_bool().unwrap());
    }
    assert_eq!(went_back, [true, false, false]);
}

#[tokio::test]
async fn an_answer_with_fewer_partitions_than_the_clients_last_is_marked() {
    let hot = Recorder::of([at(&[10])]);
    let (_, body) = get(&hot, "/v1/campaigns?since=10.20").await;
    assert_eq!(body["as_of_went_back"], true);
}

#[tokio::test]
async fn min_offset_waits_until_the_record_is_in() {
    let hot = Recorder::of([at(&[10, 20]), at(&[10, 21]), at(&[10, 22])]);
    let (status, body) = get(&hot, "/v1/campaigns?min_offset=1:21").await;
    assert_eq!((status, &body["as_of"][1]["offset"]), (200, &json!(22)));
    assert_eq!(hot.asked().len(), 3);
}

#[tokio::test]
async fn min_offset_of_a_record_that_is_in_asks_once() {
    let hot = Recorder::of([at(&[10, 20])]);
    let (status, _) = get(&hot, "/v1/campaigns?min_offset=1:19").await;
    assert_eq!((status, hot.asked().len()), (200, 1));
}

#[tokio::test]
async fn min_offset_gives_up_and_says_how_far_the_view_is() {
    let hot = Recorder::of([at(&[10, 20])]);
    let (status, body) = get(&hot, "/v1/campaigns?min_offset=1:20").await;
    assert_eq!(status, 503);
    assert_eq!(body["type"], "urn:footfall:problem:not-yet");
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("up to offset 20"), "{detail}");
}

#[tokio::test]
async fn min_offset_of_a_partition_that_is_not_there_is_refused() {
    let hot = Recorder::of([at(&[10, 20])]);
    let (status, body) = get(&hot, "/v1/campaigns?min_offset=2:5").await;
    assert_eq!((status, &body["parameter"]), (400, &json!("min_offset")));
}

/// Which store answers `query` when both are there, and that only it was asked.
async fn store(query: &str) -> String {
    let (hot, history) = (Recorder::of([at(&[1, 1])]), Recorder::of([at(&[1, 1])]));
    let router = api::router(state(&hot).with_history(history.clone()));
    let path = format!("/v1/campaigns/spring?{query}");
    let (status, body) = support::json(&router, &path).await;
    assert_eq!(
        hot.asked().len() + history.asked().len(),
        usize::from(status == 200)
    );
    match body["store"].as_str() {
        Some("hot") => assert_eq!(hot.asked().len(), 1),
        Some("history") => assert_eq!(history.asked().len(), 1),
        _ => return body["type"].as_str().unwrap().to_owned(),
    }
    body["store"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn spans_inside_the_hot_window_are_answered_hot_and_others_from_history() {
    assert_eq!(store("").await, "hot");
    assert_eq!(store(INSIDE).await, "hot");
    assert_eq!(store(BEFORE).await, "history");
    assert_eq!(store("from=2026-10-18&to=2026-11-22").await, "history");
}

#[tokio::test]
async fn a_store_may_be_asked_for() {
    assert_eq!(store("store=history").await, "history");
    assert_eq!(store(&format!("store=hot&{INSIDE}")).await, "hot");
    assert_eq!(
        store(&format!("store=hot&{BEFORE}")).await,
        "urn:footfall:problem:beyond-hot-window"
    );
}

#[tokio::test]
async fn without_history_a_span_before_the_hot_window_is_refused() {
    let hot = Recorder::of([at(&[1, 1])]);
    let (status, body) = get(&hot, &format!("/v1/campaigns/spring?{BEFORE}")).await;
    assert_eq!(status, 400);
    assert_eq!(body["type"], "urn:footfall:problem:beyond-hot-window");
    assert_eq!(body["parameter"], "from");
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("from 2026-10-19 on"), "{detail}");
    let (status, body) = get(&hot, "/v1/campaigns?store=history").await;
    assert_eq!(status, 400);
    assert_eq!(body["type"], "urn:footfall:problem:no-history");
    assert_eq!(hot.asked(), []);
}

#[tokio::test]
async fn a_hot_store_whose_log_time_is_ahead_of_the_clock_never_answers_with_days_it_dropped() {
    let mut ahead = at(&[1, 1]).unwrap();
    ahead.as_of.partitions[0].log_time = NOW_MS + 86_400_000;
    let hot = Recorder::of([Ok(ahead)]);
    let (status, body) = get(&hot, &format!("/v1/campaigns/spring?{INSIDE}")).await;
    assert_eq!(status, 400);
    assert_eq!(body["type"], "urn:footfall:problem:beyond-hot-window");
}

#[tokio::test]
async fn without_a_hot_window_every_span_is_answered_hot() {
    let everything = pipeline::definition::Definition {
        hot_days: None,
        ..definition()
    };
    let hot = Recorder::of([at(&[1, 1])]);
    let state = api::State::new(hot, Arc::new(everything)).unwrap();
    let path = "/v1/campaigns/spring?from=2020-01-01&to=2020-01-31";
    let (status, body) = support::json(&api::router(state), path).await;
    assert_eq!((status, &body["store"]), (200, &json!("hot")));
}
