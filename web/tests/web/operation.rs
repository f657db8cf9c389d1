//! What a process that answers no questions serves, until it is told to stop.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use tower::ServiceExt;
use web::{Guard, Listener, Settings, Unready, health_router};

/// The status and the body of what `path` answers.
async fn get(router: &Router, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn serving_ends_when_told_to() {
    let settings = Settings {
        host: "127.0.0.1".to_owned(),
        ..Settings::default()
    };
    let listener = Listener::open(&settings).await.unwrap();
    let address = listener.address().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = health_router(Arc::new(|| Ok(())), Arc::new(String::new), &Guard::open());
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
    let waiting = Arc::new(move || {
        Err(Unready {
            what: why.to_owned(),
            details: why.to_owned(),
        })
    });
    let router = health_router(
        waiting,
        Arc::new(|| "footfall_up 1\n".to_owned()),
        &Guard::open(),
    );
    assert_eq!(get(&router, "/healthz").await, (200, "ok\n".to_owned()));
    let metrics = get(&router, "/metrics").await;
    assert_eq!(metrics, (200, "footfall_up 1\n".to_owned()));
    let (status, body) = get(&router, "/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains(why), "{body}");
    assert_eq!(get(&router, "/v1/campaigns").await.0, 404);
}
