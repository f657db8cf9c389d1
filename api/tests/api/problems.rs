//! Requests that can't be answered, and what they are told.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::Value;
use tower::ServiceExt;
use views::Error;

use crate::support::{Recorder, answer, at, get, json, send, state, text};

#[tokio::test]
async fn a_wrong_parameter_is_named_and_no_store_is_asked() {
    let campaign = "/v1/campaigns/spring";
    let series = "/v1/campaigns/spring/timeseries";
    for (path, query, kind, parameter) in [
        ("/v1/campaigns", "device=mobile", "unknown", "device"),
        ("/v1/campaigns", "limit=3", "unknown", "limit"),
        (campaign, "devise=mobile", "unknown", "devise"),
        (campaign, "step=hour", "unknown", "step"),
        (campaign, "device=phone", "bad", "device"),
        (campaign, "device=mobile&device=tablet", "bad", "device"),
        (campaign, "os=iOS", "bad", "os"),
        (campaign, "is_new=yes", "bad", "is_new"),
        (campaign, "bots=true", "bad", "bots"),
        (campaign, "store=cold", "bad", "store"),
        (campaign, "since=abc", "bad", "since"),
        (campaign, "min_offset=3", "bad", "min_offset"),
        (campaign, "min_offset=-1:4", "bad", "min_offset"),
        (campaign, "from=2026-11-20", "bad", "to"),
        (campaign, "to=2026-11-20", "bad", "from"),
        (campaign, "from=2026-11-31&to=2026-12-01", "bad", "from"),
        (campaign, "from=20261120&to=2026-11-21", "bad", "from"),
        (campaign, "from=1969-12-31&to=2026-11-21", "bad", "from"),
        (campaign, "from=2026-11-21&to=2026-11-20", "bad", "to"),
        (campaign, "from=2010-01-01&to=2026-11-20", "bad", "from"),
        (campaign, "from=%FF&to=2026-11-20", "bad", "from"),
        ("/v1/activities/raffle", "device=phone", "bad", "device"),
        (series, "step=week", "bad", "step"),
        (series, "from=2026-11-20", "bad", "to"),
        (
            series,
            "from=2026-11-20T00:00:00&to=2026-11-21",
            "bad",
            "from",
        ),
        (series, "from=2026-11-21&to=2026-11-20", "bad", "to"),
        (
            series,
            "step=hour&from=2026-01-01&to=2026-11-20",
            "bad",
            "from",
        ),
    ] {
        let hot = Recorder::of([Ok(answer([]))]);
        let (status, body) = get(&hot, &format!("{path}?{query}")).await;
        let told = format!("{path}?{query} answered {status} {body}");
        assert_eq!(status, 400, "{told}");
        let urn = format!("urn:footfall:problem:{kind}-parameter");
        assert_eq!(body["type"], urn, "{told}");
        assert_eq!(body["parameter"], parameter, "{told}");
        assert!(!body["detail"].as_str().unwrap().is_empty(), "{told}");
        assert_eq!(hot.asked(), [], "{told}");
    }
}

#[tokio::test]
async fn a_wrong_word_is_told_the_right_ones() {
    let hot = Recorder::of([]);
    let (_, body) = get(&hot, "/v1/campaigns/spring?device=phone").await;
    assert_eq!(
        body["detail"],
        "device is \"phone\"; it must be one of mobile, tablet, desktop, bot, other"
    );
}

#[tokio::test]
async fn problems_are_of_their_media_type_and_never_cached() {
    let router = api::router(state(&Recorder::of([])));
    let response = send(&router, "/v1/campaigns?x=1").await;
    let headers = response.headers();
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body["status"], 400);
    assert_eq!(body["title"], "Unknown query parameter");
}

#[tokio::test]
async fn a_store_that_is_down_is_503_with_a_time_to_ask_again() {
    let transient = Error::Transient {
        store: "redis",
        detail: "connection refused".to_owned(),
    };
    let incomplete = Error::Incomplete {
        store: "redis",
        partition: 3,
    };
    for (error, urn, said) in [
        (transient, "store-unavailable", "connection refused"),
        (incomplete, "store-incomplete", "partition 3"),
    ] {
        let router = api::router(state(&Recorder::of([Err(error)])));
        let response = send(&router, "/v1/campaigns").await;
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        let body: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(body["type"], format!("urn:footfall:problem:{urn}"));
        assert!(body["detail"].as_str().unwrap().contains(said), "{body}");
    }
}

#[tokio::test]
async fn a_store_that_refuses_for_good_says_why() {
    let too_wide = Error::TooWide {
        periods: 9_000,
        most: 1_000,
    };
    let hot = Recorder::of([
        Err(too_wide),
        Err(Error::Fatal("another database".to_owned())),
    ]);
    let (status, body) = get(&hot, "/v1/campaigns").await;
    assert_eq!(
        (status, &body["type"]),
        (400, &"urn:footfall:problem:too-wide".into())
    );
    let (status, body) = get(&hot, "/v1/campaigns").await;
    assert_eq!(
        (status, &body["type"]),
        (500, &"urn:footfall:problem:store-fault".into())
    );
    assert_eq!(body["detail"], "another database");
}

#[tokio::test]
async fn other_paths_and_methods_are_problems_too() {
    let router = api::router(state(&Recorder::of([at(&[1, 1])])));
    for path in ["/v1/nothing", "/v2/campaigns", "/page/secret.js"] {
        let (status, body) = json(&router, path).await;
        assert_eq!(status, 404, "{path}");
        assert_eq!(body["type"], "urn:footfall:problem:no-such-path", "{path}");
    }
    let (status, body) = json(&router, "/v1/campaigns/%FF").await;
    assert_eq!((status, &body["parameter"]), (400, &"id".into()));
    let post = Request::post("/v1/campaigns").body(Body::empty()).unwrap();
    let response = router.oneshot(post).await.unwrap();
    assert_eq!(response.status(), 405);
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body["type"], "urn:footfall:problem:no-such-method");
}
