//! What every request of a process passes on its way: its trace, its count, compression.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, map_response};
use axum::response::Response;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate, SizeAbove};

use crate::{metrics, trace};

/// Answers of at least so many bytes are compressed. Shorter ones go in one packet of Ethernet either way, and compressing
/// them took a quarter of a gateway's time in a rush.
const COMPRESSED_FROM: u16 = 1_400;

/// The routes with what every request passes: it is followed, counted and timed, and its answer is never stored on the way.
pub fn layered<S>(router: Router<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router
        .layer(map_response(do_not_store))
        .layer(CompressionLayer::new().compress_when(worth_compressing()))
        .layer(from_fn(metrics::measure))
        .layer(from_fn(trace::follow))
}

fn worth_compressing() -> impl Predicate {
    DefaultPredicate::new().and(SizeAbove::new(COMPRESSED_FROM))
}

/// Answers are as of a moment: a cache between would give older ones unmarked.
async fn do_not_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn encoding(length: usize) -> Option<HeaderValue> {
        let router = Router::new().route("/", get(move || async move { "a".repeat(length) }));
        let request = Request::get("/").header(header::ACCEPT_ENCODING, "gzip");
        let answer = layered(router).oneshot(request.body(Body::empty()).unwrap());
        answer
            .await
            .unwrap()
            .headers()
            .get(header::CONTENT_ENCODING)
            .cloned()
    }

    #[tokio::test]
    async fn only_answers_that_take_more_than_a_packet_are_compressed() {
        let from = usize::from(COMPRESSED_FROM);
        assert_eq!(encoding(from - 1).await, None);
        assert_eq!(encoding(from).await.unwrap(), "gzip");
    }
}
