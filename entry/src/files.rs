//! Files compiled in: the tracker for pages, its example, and the page on which seats are tried.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Only what comes with a page runs or is loaded.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// A new version need not wait longer.
const KEPT: &str = "public, max-age=3600";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PAGE: &str = "text/html; charset=utf-8";

/// The tracker, and a page that uses it.
pub(crate) fn tracker<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(
            "/footfall.js",
            file(SCRIPT, include_str!("../page/footfall.js")),
        )
        .route("/example", file(PAGE, include_str!("../page/example.html")))
}

/// The page on which seats are tried.
pub(crate) fn trial() -> Router {
    Router::new()
        .route("/", file(PAGE, include_str!("../page/try.html")))
        .route("/try.js", file(SCRIPT, include_str!("../page/try.js")))
        .route("/try.css", file(STYLE, include_str!("../page/try.css")))
}

fn file<S: Clone + Send + Sync + 'static>(
    media_type: &'static str,
    text: &'static str,
) -> axum::routing::MethodRouter<S> {
    get(move || async move { served(media_type, text) })
}

fn served(media_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, KEPT),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
