//! What a process is doing, for `footfall status`.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};

/// What a process says of itself, as JSON.
pub type Status = Arc<dyn Fn() -> serde_json::Value + Send + Sync>;

/// `status` at `path` alone.
pub fn status_router(path: &str, status: Status) -> Router {
    Router::new().route(path, get(move || async move { Json(status()) }))
}
