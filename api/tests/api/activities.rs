//! An activity, in each campaign that has one of that name.

use serde_json::json;
use views::{Question, Span};

use crate::support::{Recorder, answer, get, numbers, scope};

#[tokio::test]
async fn an_activity_is_given_for_each_campaign_that_has_it() {
    let hot = Recorder::of([Ok(answer([
        (scope("autumn", Some("raffle")), numbers()),
        (scope("spring", Some("raffle")), numbers()),
    ]))]);
    let (status, body) = get(&hot, "/v1/activities/raffle").await;
    assert_eq!((status, &body["activity"]), (200, &json!("raffle")));
    let campaigns = body["campaigns"].as_array().unwrap();
    assert_eq!(campaigns[0]["campaign"], "autumn");
    assert_eq!(campaigns[1]["campaign"], "spring");
    assert_eq!(campaigns[1]["totals"]["events"], 13);
    assert_eq!(campaigns[1]["funnel"]["people"][0]["count"], 5);
    assert_eq!(campaigns[1]["devices"][0]["events"], 9);
    let question = Question::Activity {
        activity: "raffle".to_owned(),
        span: Span::Life,
    };
    assert_eq!(hot.asked(), [question]);
}

#[tokio::test]
async fn an_activity_honours_days_and_filters() {
    let hot = Recorder::of([Ok(answer([(scope("spring", Some("raffle")), numbers())]))]);
    let path = "/v1/activities/raffle?from=2026-11-20&to=2026-11-20&os=ios";
    let (status, body) = get(&hot, path).await;
    assert_eq!(status, 200);
    assert_eq!(body["campaigns"][0]["totals"]["events"], 8);
    assert!(body["campaigns"][0]["people"].is_null());
}

#[tokio::test]
async fn an_activity_that_no_event_names_is_unknown() {
    let hot = Recorder::of([Ok(answer([]))]);
    let (status, body) = get(&hot, "/v1/activities/nothing").await;
    assert_eq!(status, 404);
    assert_eq!(body["type"], "urn:footfall:problem:unknown-activity");
}
