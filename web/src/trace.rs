//! Every request has a trace id: in its log lines, in its answer's `traceparent`, in the problem it gets.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use telemetry::trace::{HEADER, Trace};
use tracing::Instrument;

tokio::task_local! {
    static TRACE_ID: String;
}

/// What an answer may pass on of its request's trace, among the request's extensions: the client's trace with a step of its own.
/// Absent where the client sent none.
#[derive(Debug, Clone)]
pub struct PassedOn(pub Trace);

/// The trace id of the request that this task answers, if it answers one.
pub(crate) fn current() -> Option<String> {
    TRACE_ID.try_with(Clone::clone).ok()
}

/// Goes on with the client's trace, or begins one. The path is logged without its query, and a request at debug: whoever
/// asks could fill the log otherwise.
pub(crate) async fn follow(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER);
    let given = given.and_then(|value| Trace::parse(value.to_str().ok()?));
    let is_given = given.is_some();
    let trace = given.unwrap_or_else(Trace::begin).step();
    if is_given {
        request.extensions_mut().insert(PassedOn(trace.clone()));
    }
    let span = tracing::error_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        trace_id = trace.id()
    );
    let answered = async {
        let response = next.run(request).await;
        tracing::debug!(status = response.status().as_u16(), "answered");
        response
    };
    let scoped = TRACE_ID.scope(trace.id().to_owned(), answered.instrument(span));
    let mut response = scoped.await;
    if let Ok(value) = HeaderValue::from_str(&trace.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
