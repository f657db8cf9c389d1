//! Health, metrics, the page's files, and serving until told to stop.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use tower::ServiceExt;

use crate::support::{Recorder, answer, json, numbers, scope, send, state, text};

fn unready(what: &str, details: &str) -> web::Unready {
    web::Unready {
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
    let mut tokens = web::Tokens::default();
    let mut token = |name, scope| {
        let (token, entry) = web::create(name, &[scope], jiff::Timestamp::UNIX_EPOCH, None);
        tokens.add(entry).unwrap();
        token
    };
    let scraper = token("scraper", web::Scope::Metrics);
    let reader = token("reader", web::Scope::Read);
    let guard = web::Guard::of(tokens);
    let details = "partition 3 halted: checkpoint /var/footfall/0003.sqlite";
    let ready: web::Readiness = Arc::new(move || Err(unready("a partition is halted", details)));
    let process = web::health_router(ready.clone(), Arc::new(String::new), &guard);
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
async fn numbers_and_metrics_need_a_scope_and_what_tells_none_is_open() {
    let mut tokens = web::Tokens::default();
    let tokens_by_scope = web::Scope::ALL.map(|scope| {
        let (token, entry) =
            web::create(scope.as_str(), &[scope], jiff::Timestamp::UNIX_EPOCH, None);
        tokens.add(entry).unwrap();
        (scope, token)
    });
    let hot = Recorder::of([Ok(answer([(scope("spring", None), numbers())]))]);
    let router = api::router(state(&hot).with_guard(web::Guard::of(tokens)));
    let status = async |path: &str, token: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Body::empty()).unwrap();
        let answered = router.clone().oneshot(request).await.unwrap();
        answered.status().as_u16()
    };
    for (path, needed) in [
        ("/v1/campaigns", web::Scope::Read),
        ("/v1/campaigns/spring", web::Scope::Read),
        ("/metrics", web::Scope::Metrics),
    ] {
        assert_eq!(status(path, None).await, 401, "{path}");
        for (scope, token) in &tokens_by_scope {
            let expected = if scope.covers(needed) { 200 } else { 403 };
            assert_eq!(status(path, Some(token)).await, expected, "{scope} {path}");
        }
    }
    for (path, expected) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/openapi.json", 200),
        ("/", 200),
        ("/page/page.js", 200),
        ("/nowhere", 404),
    ] {
        assert_eq!(status(path, None).await, expected, "{path}");
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
