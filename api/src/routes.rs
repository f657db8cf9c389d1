//! Every route the process serves, in one table.

use axum::Router;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use tower_http::compression::CompressionLayer;

use crate::problem::{Kind, Problem};
use crate::{State, campaigns, health, metrics, openapi, page, timeseries, trace};

/// Paths and what answers them. The OpenAPI document lists the same.
fn table() -> [(&'static str, MethodRouter<State>); 10] {
    [
        ("/v1/campaigns", get(campaigns::campaigns)),
        ("/v1/campaigns/{id}", get(campaigns::campaign)),
        ("/v1/campaigns/{id}/timeseries", get(timeseries::timeseries)),
        ("/v1/activities/{id}", get(campaigns::activity)),
        ("/openapi.json", get(openapi::document)),
        ("/healthz", get(health::healthz)),
        ("/readyz", get(health::readyz)),
        ("/metrics", get(health::metrics)),
        ("/", get(page::page)),
        ("/page/{name}", get(page::part)),
    ]
}

/// The routes, reading from `state`. Anything else is answered with a problem, too. All are counted
/// in the process's metrics.
pub fn router(state: State) -> Router {
    table()
        .into_iter()
        .fold(Router::new(), |router, (path, answer)| {
            router.route(path, answer)
        })
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(axum::middleware::map_response(do_not_store))
        .layer(CompressionLayer::new())
        .layer(axum::middleware::from_fn(metrics::measure))
        .layer(axum::middleware::from_fn(trace::follow))
        .with_state(state)
}

/// Numbers are as of a moment: a cache between would give older ones unmarked.
async fn do_not_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn no_such_path(uri: Uri) -> Problem {
    let detail = format!(
        "there is nothing at {}; GET /openapi.json lists the paths",
        uri.path()
    );
    Problem::new(Kind::NoSuchPath, detail)
}

async fn no_such_method(method: Method) -> Problem {
    Problem::new(
        Kind::NoSuchMethod,
        format!("{method} is not served here; use GET"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use utoipa::OpenApi;

    #[test]
    fn the_openapi_document_lists_exactly_the_routes_served() {
        let served: BTreeSet<String> = super::table().map(|(path, _)| path.to_owned()).into();
        let listed: BTreeSet<String> = crate::openapi::Document::openapi()
            .paths
            .paths
            .into_keys()
            .collect();
        assert_eq!(served, listed);
    }
}
