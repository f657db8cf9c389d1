//! The routes of a process that answers no questions: alive, ready, metrics.

use axum::Router;
use axum::routing::get;

use crate::health::{healthz, metrics, readyz};
use crate::{Metrics, Readiness};

/// What operators are told of a process.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) ready: Readiness,
    pub(crate) metrics: Metrics,
}

/// `/healthz`, `/readyz` and `/metrics` alone.
pub fn health_router(ready: Readiness, metrics_text: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Operation {
            ready,
            metrics: metrics_text,
        })
}
