//! What every request of a process passes on its way: its trace, its count, compression.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, map_response};
use axum::response::Response;
use tower_http::compression::CompressionLayer;

use crate::{metrics, trace};

/// The routes with what every request passes: it is followed, counted and timed, and its answer is never stored on the way.
pub fn layered<S>(router: Router<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router
        .layer(map_response(do_not_store))
        .layer(CompressionLayer::new())
        .layer(from_fn(metrics::measure))
        .layer(from_fn(trace::follow))
}

/// Answers are as of a moment: a cache between would give older ones unmarked.
async fn do_not_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
