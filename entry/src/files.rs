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

/// Paths of the tracker and its example.
pub(crate) const TRACKER: [&str; 2] = ["/footfall.js", "/example"];
/// Paths of the page on which seats are tried, its script and its style.
pub(crate) const TRIAL: [&str; 3] = ["/", "/try.js", "/try.css"];

/// The tracker, and a page that uses it.
pub(crate) fn tracker<S: Clone + Send + Sync + 'static>() -> Router<S> {
    [(TRACKER[0], get(footfall_js)), (TRACKER[1], get(example))]
        .into_iter()
        .fold(Router::new(), |router, (path, file)| {
            router.route(path, file)
        })
}

/// The page on which seats are tried.
pub(crate) fn trial() -> Router {
    [
        (TRIAL[0], get(page)),
        (TRIAL[1], get(try_js)),
        (TRIAL[2], get(try_css)),
    ]
    .into_iter()
    .fold(Router::new(), |router, (path, file)| {
        router.route(path, file)
    })
}

/// The tracker for pages.
#[utoipa::path(get, path = "/footfall.js", tag = "page", responses((status = 200, description = "A script", body = String, content_type = "text/javascript")))]
pub(crate) async fn footfall_js() -> Response {
    served(SCRIPT, include_str!("../page/footfall.js"))
}

/// A page that uses the tracker.
#[utoipa::path(get, path = "/example", tag = "page", responses((status = 200, description = "A page", body = String, content_type = "text/html")))]
pub(crate) async fn example() -> Response {
    served(PAGE, include_str!("../page/example.html"))
}

/// The page on which seats are tried.
#[utoipa::path(get, path = "/", tag = "page", responses((status = 200, description = "A page", body = String, content_type = "text/html")))]
pub(crate) async fn page() -> Response {
    served(PAGE, include_str!("../page/try.html"))
}

/// Its script.
#[utoipa::path(get, path = "/try.js", tag = "page", responses((status = 200, description = "A script", body = String, content_type = "text/javascript")))]
pub(crate) async fn try_js() -> Response {
    served(SCRIPT, include_str!("../page/try.js"))
}

/// Its style.
#[utoipa::path(get, path = "/try.css", tag = "page", responses((status = 200, description = "A style sheet", body = String, content_type = "text/css")))]
pub(crate) async fn try_css() -> Response {
    served(STYLE, include_str!("../page/try.css"))
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
