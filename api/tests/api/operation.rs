//! Health, metrics, the page's files, and serving until told to stop.

use std::sync::Arc;

use axum::http::header;

use crate::support::{Recorder, json, send, state, text};

#[tokio::test]
async fn a_process_is_alive_and_ready_when_it_says_so() {
    let router = api::router(state(&Recorder::of([])));
    assert_eq!(text(send(&router, "/healthz").await).await, "ok\n");
    assert_eq!(text(send(&router, "/readyz").await).await, "ready\n");
    let filling = Arc::new(|| Err("redis is being filled: 3 of 12 partitions".to_owned()));
    let router = api::router(state(&Recorder::of([])).with_readiness(filling));
    assert_eq!(send(&router, "/healthz").await.status(), 200);
    let (status, body) = json(&router, "/readyz").await;
    assert_eq!(status, 503);
    assert_eq!(body["detail"], "redis is being filled: 3 of 12 partitions");
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
    let waiting = Arc::new(|| Err("no partition is assigned yet".to_owned()));
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
