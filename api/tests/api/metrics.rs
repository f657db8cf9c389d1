//! What the API counts of its own requests.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use tower::ServiceExt;
use views::Error;

use crate::support::{Recorder, at, send, state, text};

/// Runs `asks` on a router and gives the lines of `/metrics` that begin with `prefix`, that of the
/// question for them not among them. Each call has a recorder of its own: tests run side by side.
async fn counted(hot: &Arc<Recorder>, asks: &[(&str, &str)], prefix: &str) -> Vec<String> {
    let recorder = telemetry::metrics::recorder().unwrap();
    let handle = recorder.handle();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let router = api::router(state(hot).with_metrics(Arc::new(move || handle.render())));
    for (method, path) in asks {
        ask(&router, method, path).await;
    }
    let text = text(send(&router, "/metrics").await).await;
    let lines = text.lines().filter(|line| line.starts_with(prefix));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

async fn ask(router: &Router, method: &str, path: &str) {
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .body(Body::empty())
        .unwrap();
    router.clone().oneshot(request).await.unwrap();
}

#[tokio::test]
async fn requests_are_counted_by_route_method_and_status() {
    let down = Error::Transient {
        store: "redis",
        detail: "connection refused".to_owned(),
    };
    let hot = Recorder::of([Err(down), at(&[1, 1])]);
    let asks = [
        ("GET", "/v1/campaigns"),
        ("GET", "/v1/campaigns"),
        ("GET", "/v1/campaigns?devise=mobile"),
        ("POST", "/v1/campaigns"),
        ("GET", "/v1/campaigns/spring?device=phone"),
        ("GET", "/v1/campaigns/autumn?device=phone"),
        ("HEAD", "/healthz"),
        ("BREW", "/healthz"),
        ("GET", "/page/page.js"),
        ("GET", "/page/secret.js"),
        ("GET", "/v1/nothing"),
        ("BREW", "/v1/nothing"),
        ("GET", "/metrics"),
    ];
    let lines = counted(&hot, &asks, "footfall_http_requests_total{").await;
    let expected = [
        (r#"route="(none)",method="GET",status="404""#, 1),
        (r#"route="(none)",method="other",status="404""#, 1),
        (r#"route="/healthz",method="HEAD",status="200""#, 1),
        (r#"route="/healthz",method="other",status="405""#, 1),
        (r#"route="/metrics",method="GET",status="200""#, 1),
        (r#"route="/page/{name}",method="GET",status="200""#, 1),
        (r#"route="/page/{name}",method="GET",status="404""#, 1),
        (r#"route="/v1/campaigns",method="GET",status="200""#, 1),
        (r#"route="/v1/campaigns",method="GET",status="400""#, 1),
        (r#"route="/v1/campaigns",method="GET",status="503""#, 1),
        (r#"route="/v1/campaigns",method="POST",status="405""#, 1),
        (r#"route="/v1/campaigns/{id}",method="GET",status="400""#, 2),
    ];
    let expected =
        expected.map(|(labels, count)| format!("footfall_http_requests_total{{{labels}}} {count}"));
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn requests_are_timed_by_route_in_the_buckets_of_every_duration() {
    let hot = Recorder::of([]);
    let asks = [
        ("GET", "/healthz"),
        ("HEAD", "/healthz"),
        ("GET", "/v1/nothing"),
    ];
    let lines = counted(&hot, &asks, "footfall_http_request_seconds").await;
    for (route, count) in [("/healthz", 2), ("(none)", 1)] {
        let of_route = |le| {
            format!(r#"footfall_http_request_seconds_bucket{{route="{route}",le="{le}"}} {count}"#)
        };
        assert!(lines.contains(&of_route("900")), "{route}: {lines:?}");
        assert!(lines.contains(&of_route("+Inf")), "{route}: {lines:?}");
    }
    // Two routes of fourteen buckets, the one that has no bound, the sum and the count.
    assert_eq!(lines.len(), 2 * 17, "{lines:?}");
}

#[tokio::test]
async fn a_flood_of_unknown_paths_and_methods_adds_a_series_of_each_only() {
    let hot = Recorder::of([]);
    let paths: Vec<String> = (0..5_000).map(|n| format!("/wp-admin/{n}?x={n}")).collect();
    let methods: Vec<String> = (0..500).map(|n| format!("M{n}")).collect();
    let asks = paths.iter().map(|path| ("GET", path.as_str()));
    let odd = methods
        .iter()
        .zip(&paths)
        .map(|(method, path)| (method.as_str(), path.as_str()));
    let asks: Vec<(&str, &str)> = asks.chain(odd).collect();
    let lines = counted(&hot, &asks, "footfall_http_requests_total{").await;
    assert_eq!(
        lines,
        [
            r#"footfall_http_requests_total{route="(none)",method="GET",status="404"} 5000"#,
            r#"footfall_http_requests_total{route="(none)",method="other",status="404"} 500"#,
        ]
    );
}
