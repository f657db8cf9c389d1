//! The page: files compiled in, so that it needs no build and no other server.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use web::{Body, Kind, Problem};

/// Only what comes with the page runs or is loaded; texts from events can't become scripts.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Name, media type and contents of each part.
const PARTS: [(&str, &str, &str); 8] = [
    ("page.css", STYLE, include_str!("../page/page.css")),
    ("page.js", SCRIPT, include_str!("../page/page.js")),
    ("ask.js", SCRIPT, include_str!("../page/ask.js")),
    ("charts.js", SCRIPT, include_str!("../page/charts.js")),
    ("draw.js", SCRIPT, include_str!("../page/draw.js")),
    ("format.js", SCRIPT, include_str!("../page/format.js")),
    ("live.js", SCRIPT, include_str!("../page/live.js")),
    ("words.js", SCRIPT, include_str!("../page/words.js")),
];

/// The page.
#[utoipa::path(
    get, path = "/", tag = "page",
    responses((status = 200, description = "The page, in English and Korean", body = String, content_type = "text/html"))
)]
pub(crate) async fn page() -> Response {
    file(
        "text/html; charset=utf-8",
        include_str!("../page/index.html"),
    )
}

/// A part of the page: style or script.
#[utoipa::path(
    get, path = "/page/{name}", tag = "page",
    params(("name" = String, Path, description = "The part's name")),
    responses(
        (status = 200, description = "The part", body = String, content_type = "text/javascript"),
        (status = 404, description = "The page has no such part", body = Body, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn part(Path(name): Path<String>) -> Result<Response, Problem> {
    PARTS
        .iter()
        .find(|(other, _, _)| *other == name)
        .map(|(_, media_type, text)| file(media_type, text))
        .ok_or_else(|| {
            let detail = format!("the page has no part {name:?}; reload the page");
            Problem::of(Kind::NO_SUCH_PATH, "name", detail)
        })
}

fn file(media_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        // Parts have no version in their name.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
