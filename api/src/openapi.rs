//! `/openapi.json`: the routes and every field of their answers, from the types that make them.

use axum::response::IntoResponse;
use utoipa::OpenApi;
use web::openapi::{self, Tokens};

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Footfall",
        description = "Who came to a campaign, on what device, new or returning, and how far they got.\n\nEvery answer comes from one store and says what it is as of. A number that the views don't keep is null, and the field `…_reason` beside it says what can be asked instead. Counts are below 2^53. Errors are problem+json (RFC 9457).\n\nWhere the operator set tokens, a path needs one with the scope named beside it, or with `admin`. No scope is limited to some campaigns."
    ),
    paths(
        crate::campaigns::campaigns,
        crate::campaigns::campaign,
        crate::timeseries::timeseries,
        crate::campaigns::activity,
        document,
        web::health::healthz,
        web::health::readyz,
        web::health::metrics,
        crate::page::page,
        crate::page::part,
    ),
    modifiers(&Tokens),
    tags(
        (name = "numbers", description = "The views' numbers"),
        (name = "operation", description = "For operators and programs"),
        (name = "page", description = "For people"),
    )
)]
pub(crate) struct Document;

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"))
)]
pub(crate) async fn document() -> impl IntoResponse {
    openapi::answer(&Document::openapi())
}
