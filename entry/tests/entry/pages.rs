//! What pages may send straight from the browser, and what of it stands in the log.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use entry::Pages;
use prost::Message;
use schemas::v1;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Answered, NOW_MS, Served, send};

const SHOP: &str = "https://shop.example";

fn served() -> Served {
    Served::with(|gateway| gateway.with_pages(Pages::of(&[SHOP.to_owned()])))
}

fn seen(number: usize, kind: &str) -> Value {
    json!({
        "event_id": format!("e{number}"), "user_id": "visitor", "kind": kind,
        "campaign_id": "spring", "activity_id": "teaser",
    })
}

async fn beacon(router: &Router, origin: Option<&str>, body: &Value) -> Answered {
    let request = Request::post("/v1/beacon")
        .header("host", "gate.example")
        .header("content-type", "text/plain")
        .header("user-agent", "Mozilla/5.0 (iPhone)")
        .header("sec-ch-ua-mobile", "?1");
    let request = match origin {
        Some(origin) => request.header("origin", origin),
        None => request,
    };
    send(router, request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn visits_and_clicks_of_a_page_stand_in_the_log_with_the_browsers_device_and_our_time() {
    let served = served();
    let body = json!([seen(1, "visit"), seen(2, "click")]);
    for origin in [SHOP, "https://gate.example"] {
        let answer = beacon(&served.router, Some(origin), &body).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        let told = &answer.body["events"][1];
        let place = ["partition", "offset"].map(|name| told[name].as_u64().unwrap());
        let stored = served.stored(place[0], place[1]);
        let event = v1::Event::decode(stored.value.as_slice()).unwrap();
        let expected = v1::Event {
            event_id: "e2".into(),
            user_id: "visitor".into(),
            kind: v1::Kind::Click.into(),
            occurred_at_ms: NOW_MS,
            campaign_id: "spring".into(),
            activity_id: "teaser".into(),
            user_agent: "Mozilla/5.0 (iPhone)".into(),
            client_hints: Some(v1::ClientHints {
                mobile: Some(true),
                ..v1::ClientHints::default()
            }),
            ..v1::Event::default()
        };
        assert_eq!(event, expected);
    }
    assert_eq!(served.records(), 4);
}

#[tokio::test]
async fn other_pages_other_kinds_and_more_than_a_beacon_holds_are_refused() {
    let served = served();
    let good = json!([seen(1, "visit")]);
    for origin in [None, Some("https://other.example"), Some("null")] {
        let answer = beacon(&served.router, origin, &good).await;
        assert_eq!((answer.status, answer.problem()), (403, "other-page"));
    }
    let many: Vec<Value> = (0..21).map(|of| seen(of, "visit")).collect();
    let mut dated = seen(1, "visit");
    dated["occurred_at_ms"] = json!(NOW_MS);
    for bad in [
        json!([]),
        json!(many),
        json!([dated]),
        json!([seen(1, "purchase")]),
        json!([seen(1, "enter")]),
        seen(1, "visit"),
    ] {
        let answer = beacon(&served.router, Some(SHOP), &bad).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (422, "unreadable"),
            "{bad}"
        );
    }
    let mut nobody = seen(1, "visit");
    nobody["user_id"] = json!("");
    let answer = beacon(&served.router, Some(SHOP), &json!([nobody])).await;
    assert_eq!(answer.body["events"][0]["reason"], "bad_id");
    assert_eq!(served.records(), 0);
}

#[tokio::test]
async fn an_address_that_sends_without_end_is_told_to_wait() {
    let served = served();
    let body = json!([seen(1, "visit")]);
    let mut taken = 0;
    let refused = loop {
        let answer = beacon(&served.router, Some(SHOP), &body).await;
        if answer.status != 202 {
            break answer;
        }
        taken += 1;
    };
    assert_eq!((refused.status, refused.problem()), (429, "too-often"));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!((taken, served.records()), (200, 200));
}

#[tokio::test]
async fn the_tracker_is_served_where_pages_are_named_and_nowhere_else() {
    let text = |router: Router, path: &'static str| async move {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    };
    let (served, without) = (served(), Served::new());
    let (status, script) = text(served.router.clone(), "/footfall.js").await;
    assert_eq!(status, 200);
    assert!(script.contains("/v1/beacon") && !script.contains("cookie ="));
    let (_, example) = text(served.router.clone(), "/example").await;
    assert!(example.contains("src=\"/footfall.js\""));
    for path in ["/footfall.js", "/example"] {
        assert_eq!(text(without.router.clone(), path).await.0, 404);
    }
    let answer = beacon(&without.router, Some(SHOP), &json!([seen(1, "visit")])).await;
    assert_eq!(answer.status, 404);
}
