//! What a process is doing, for `footfall status`.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};

use crate::access::{Access, Guard, Scope, guarded};

/// What a process says of itself, as JSON.
pub type Status = Arc<dyn Fn() -> serde_json::Value + Send + Sync>;

/// `status` at `path` alone, as `guard` allows.
pub fn status_router(path: &str, status: Status, guard: &Guard) -> Router {
    let answer = get(move || async move { Json(status()) });
    Router::new().route(path, guarded(answer, Access::Needs(Scope::Metrics), guard))
}
