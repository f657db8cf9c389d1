//! What operators and orchestrators ask: alive, ready, metrics.

use axum::extract::{self, Request};
use axum::http::header;
use axum::response::IntoResponse;

use crate::access::Scope;
use crate::operation::Operation;
use crate::problem::{Body, Kind, Problem};

/// Whether the process runs.
#[utoipa::path(
    get, path = "/healthz", tag = "operation",
    responses((status = 200, description = "It runs", body = String, content_type = "text/plain"))
)]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether requests may be sent here. Why not is told in full to who may read metrics, and in a few words to all others.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses(
        (status = 200, description = "They may", body = String, content_type = "text/plain"),
        (status = 503, description = "Not for now, with the reason", body = Body, content_type = "application/problem+json"),
    )
)]
pub async fn readyz(
    extract::State(state): extract::State<Operation>,
    request: Request,
) -> Result<&'static str, Problem> {
    let Err(unready) = (state.ready)() else {
        return Ok("ready\n");
    };
    let reason = if state.guard.allows(Scope::Metrics, &request) {
        unready.details
    } else {
        unready.what
    };
    Err(Problem::new(Kind::NOT_READY, reason))
}

/// The process's metrics, for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    security(("token" = ["metrics"])),
    responses(
        (status = 200, description = "Metrics in Prometheus' text format", body = String, content_type = "text/plain"),
        (status = 401, description = "Tokens are asked for, and none came or it is refused", body = Body, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks the scope metrics", body = Body, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong tokens came from this address", body = Body, content_type = "application/problem+json"),
    )
)]
pub async fn metrics(extract::State(state): extract::State<Operation>) -> impl IntoResponse {
    let format = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, format)], (state.metrics)())
}
