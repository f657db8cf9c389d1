//! The thin HTTP API over the views, and the page: it adds, filters and formats, and computes
//! nothing that a view should hold.
//!
//! Every answer comes from one store in one question, and says what it is as of.

mod as_of;
mod campaigns;
mod days;
mod dump;
mod filter;
mod funnel;
mod health;
pub mod metrics;
mod numbers;
mod openapi;
mod operation;
mod page;
mod parameters;
mod people;
mod problem;
mod reading;
mod routes;
mod shares;
mod state;
mod status;
mod timeseries;
mod trace;

pub use dump::{Dump, dump_router};
pub use operation::health_router;
pub use routes::router;
pub use state::{Clock, Metrics, Readiness, State};
pub use status::{Status, status_router};

use std::future::Future;

/// Serves `router` until `shutdown` completes, then finishes the requests under way.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: tokio::net::TcpListener,
    router: axum::Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await
}
