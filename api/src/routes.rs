//! Every route the process serves, in one table.

use axum::routing::get;

use crate::State;

/// The routes, reading from `state`.
pub fn router(state: State) -> axum::Router {
    axum::Router::new()
        .route("/healthz", get(async || "ok\n"))
        .with_state(state)
}
