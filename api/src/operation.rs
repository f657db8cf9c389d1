//! The routes of a process that answers no questions: alive, ready, metrics.

use axum::Router;
use axum::routing::get;

use crate::access::{Access, Scope, guarded};
use crate::health::{healthz, metrics, readyz};
use crate::{Guard, Metrics, Readiness};

/// What operators are told of a process.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) ready: Readiness,
    pub(crate) metrics: Metrics,
    pub(crate) guard: Guard,
}

/// `/healthz`, `/readyz` and `/metrics` alone; the last, and the details of the second, as `guard` allows.
pub fn health_router(ready: Readiness, metrics_text: Metrics, guard: &Guard) -> Router {
    let metrics = guarded(get(metrics), Access::Needs(Scope::Metrics), guard);
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", metrics)
        .with_state(Operation {
            ready,
            metrics: metrics_text,
            guard: guard.clone(),
        })
}
