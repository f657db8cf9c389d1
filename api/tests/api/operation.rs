//! Health, metrics, the page's files, and serving until told to stop.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use tower::ServiceExt;

use crate::support::{Recorder, json, send, state, text};

fn unready(what: &str, details: &str) -> api::Unready {
    api::Unready {
        what: what.to_owned(),
        details: details.to_owned(),
    }
}

#[tokio::test]
async fn a_process_is_alive_and_ready_when_it_says_so() {
    let router = api::router(state(&Recorder::of([])));
    assert_eq!(text(send(&router, "/healthz").await).await, "ok\n");
    assert_eq!(text(send(&router, "/readyz").await).await, "ready\n");
    let filling = Arc::new(|| {
        Err(unready(
            "redis is being filled",
            "redis is being filled: 3 of 12 partitions",
        ))
    });
    let router = api::router(state(&Recorder::of([])).with_readiness(filling));
    assert_eq!(send(&router, "/healthz").await.status(), 200);
    let (status, body) = json(&router, "/readyz").await;
    assert_eq!(status, 503);
    assert_eq!(body["detail"], "redis is being filled: 3 of 12 partitions");
}

#[tokio::test]
async fn why_a_process_is_not_ready_is_told_in_full_to_who_may_read_metrics_only() {
    let mut tokens = api::Tokens::default();
    let mut token = |name, scope| {
        let (token, entry) = api::create(name, &[scope], jiff::Timestamp::UNIX_EPOCH, None);
        tokens.add(entry).unwrap();
        token
    };
    let scraper = token("scraper", api::Scope::Metrics);
    let reader = token("reader", api::Scope::Read);
    let guard = api::Guard::of(tokens);
    let details = "partition 3 halted: checkpoint /var/footfall/0003.sqlite";
    let ready: api::Readiness = Arc::new(move || Err(unready("a partition is halted", details)));
    let process = api::health_router(ready.clone(), Arc::new(String::new), &guard);
    let api = state(&Recorder::of([])).with_guard(guard.clone());
    let api = api::router(api.with_readiness(ready));
    for router in [process, api] {
        for (token, said) in [
            (None, "a partition is halted"),
            (Some("ff_wrong"), "a partition is halted"),
            (Some(reader.as_str()), "a partition is halted"),
            (Some(scraper.as_str()), details),
        ] {
            let mut request = Request::get("/readyz");
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            let request = request.body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 503);
            let problem: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
            assert_eq!(problem["detail"], said, "{token:?}");
        }
    }
}

#[tokio::test]
async fn metrics_are_what_the_process_renders() {
    let metrics = Arc::new(|| "footfall_up 1\n".to_owned());
    let router = api::router(state(&Recorder::of([])).with_metrics(metrics));
    let response = send(&router, "/metrics").await;
    let media_type = response.headers()[header::CONTENT_TYPE].to_str().unwrap();
    assert!(media_type.starts_with("text/plain; version=0.0.4"));
    assert_eq!(text(response).await, "footfall_up 1\n");
}

#[tokio::test]
async fn the_page_and_every_file_it_names_are_served_from_here_only() {
    let router = api::router(state(&Recorder::of([])));
    let mut files = vec!["/".to_owned()];
    let mut seen = 0;
    while let Some(path) = files.get(seen).cloned() {
        seen += 1;
        let response = send(&router, &path).await;
        assert_eq!(response.status(), 200, "{path}");
        let policy = &response.headers()[header::CONTENT_SECURITY_POLICY];
        assert!(policy.to_str().unwrap().starts_with("default-src 'self'"));
        let body = text(response).await;
        assert!(!body.contains("https://"), "{path} loads from elsewhere");
        let named = body.split(['"', '\'']).filter_map(|word| {
            let name = word.strip_prefix("./").or(word.strip_prefix("/page/"))?;
            Some(format!("/page/{name}"))
        });
        for file in named {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    assert_eq!(seen, 9, "{files:?}");
}

#[tokio::test]
async fn serving_ends_when_told_to() {
    let settings = api::Settings {
        host: "127.0.0.1".to_owned(),
        ..api::Settings::default()
    };
    let listener = api::Listener::open(&settings).await.unwrap();
    let address = listener.address().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = api::router(state(&Recorder::of([])));
    let server = tokio::spawn(listener.serve(router, async {
        stopped.await.unwrap();
    }));
    tokio::net::TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_process_that_answers_no_questions_serves_health_and_metrics_only() {
    let why = "no partition is assigned yet";
    let waiting = Arc::new(move || Err(unready(why, why)));
    let router = api::health_router(
        waiting,
        Arc::new(|| "footfall_up 1\n".to_owned()),
        &api::Guard::open(),
    );
    assert_eq!(text(send(&router, "/healthz").await).await, "ok\n");
    assert_eq!(
        text(send(&router, "/metrics").await).await,
        "footfall_up 1\n"
    );
    let (status, body) = json(&router, "/readyz").await;
    assert_eq!(status, 503);
    assert_eq!(body["detail"], "no partition is assigned yet");
    assert_eq!(send(&router, "/v1/campaigns").await.status(), 404);
}
