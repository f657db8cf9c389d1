//! A request's trace id: in its answer, its problem and its log lines.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, Response};
use serde_json::Value;
use tower::ServiceExt;
use tracing_subscriber::fmt::MakeWriter;
use views::Error;

use crate::support::{Recorder, state, text};

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn ask(path: &str, traceparent: &str) -> Response<Body> {
    let request = Request::get(path).header("traceparent", traceparent);
    let down = Error::Transient {
        store: "redis",
        detail: "it is down".to_owned(),
    };
    let router = api::router(state(&Recorder::of([Err(down)])));
    let sent = router.oneshot(request.body(Body::empty()).unwrap());
    sent.await.unwrap()
}

fn traceparent(response: &Response<Body>) -> String {
    let value = &response.headers()["traceparent"];
    value.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_answer_goes_on_with_the_clients_trace_and_a_problem_names_it() {
    let response = ask("/v1/campaigns?nonsense=1", GIVEN).await;
    let answered = traceparent(&response);
    assert!(answered.starts_with(&format!("00-{ID}-")), "{answered}");
    assert_ne!(answered, GIVEN, "it has a step of its own");
    let problem: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(problem["trace_id"], ID);
}

#[tokio::test]
async fn a_request_without_a_trace_begins_one() {
    let ids = async |sent: &'static str| {
        let response = ask("/nowhere", sent).await;
        let answered = traceparent(&response);
        let problem: Value = serde_json::from_str(&text(response).await).unwrap();
        let id = problem["trace_id"].as_str().unwrap().to_owned();
        assert!(answered.contains(&id), "{answered}: {id}");
        id
    };
    assert_ne!(ids("none").await, ids("none").await);
}

/// What is logged, for a test to read.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn every_log_line_of_a_request_has_its_trace_id_and_not_its_query() {
    let lines = Lines::default();
    let subscriber = telemetry::logs::json_lines("debug", lines.clone()).unwrap();
    let guard = tracing::subscriber::set_default(subscriber);
    // The store's failure is logged.
    ask("/v1/campaigns?store=hot", GIVEN).await;
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let of_request: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["span"]["name"] == "request")
        .collect();
    assert!(!of_request.is_empty(), "{text}");
    for line in &of_request {
        assert_eq!(line["span"]["trace_id"], ID, "{line}");
        assert_eq!(line["span"]["path"], "/v1/campaigns", "{line}");
        for field in ["timestamp", "level", "target", "fields"] {
            assert!(!line[field].is_null(), "{field}: {line}");
        }
    }
    assert!(!text.contains("store=hot"), "{text}");
}
