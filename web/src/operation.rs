//! The routes of a process that answers no questions: alive, ready, metrics.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::access::{Access, Guard, Scope, guarded};
use crate::health::{healthz, metrics, readyz};

/// Says whether requests may be sent here.
pub type Readiness = Arc<dyn Fn() -> Result<(), Unready> + Send + Sync>;

/// Why requests may not be sent here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unready {
    /// What is so, in words that anyone may read: no address, path or number.
    pub what: String,
    /// The same as a sentence for the operator, with all that is known.
    pub details: String,
}

/// Renders the process's metrics in Prometheus' text format.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What operators are told of a process. Cheap to clone.
#[derive(Clone)]
pub struct Operation {
    /// `/readyz` answers what it says.
    pub ready: Readiness,
    /// `/metrics` answers what it renders.
    pub metrics: Metrics,
    /// Who is told the details of the first.
    pub guard: Guard,
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
