//! `/openapi.json`: the routes and every field of their answers, from the types that make them.

use axum::response::IntoResponse;
use utoipa::{IntoResponses, OpenApi};
use web::Body;
use web::openapi::{self, Tokens};

use crate::{beacon, entries, events, files};

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Footfall's gateway",
        description = "Events taken, and seats given first come, first served.\n\nA yes is one that the log has acknowledged. Whatever was not answered may be sent again: events with the same event_id, requests for a seat with the same Idempotency-Key. Errors are problem+json (RFC 9457).\n\nThe paths of seats are served where the operator said how it is known who asks, those of pages where pages are named; `/`, `/try.js` and `/try.css` in the demo alone. Where tokens are set, a path needs one with the scope named beside it, or with `admin`."
    ),
    paths(
        events::take,
        entries::ask::ask,
        entries::cancel::cancel,
        entries::show::show,
        entries::activities::show,
        entries::activities::define,
        entries::activities::name_campaign,
        beacon::take,
        files::footfall_js,
        files::example,
        files::page,
        files::try_js,
        files::try_css,
        document,
        web::health::healthz,
        web::health::readyz,
        web::health::metrics,
    ),
    modifiers(&Tokens),
    tags(
        (name = "events", description = "Events come in"),
        (name = "seats", description = "First come, first served"),
        (name = "operation", description = "For operators and programs"),
        (name = "page", description = "For browsers"),
    )
)]
pub(crate) struct Document;

/// How a body may keep a request from being read.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub(crate) enum NotRead {
    /// The body came too slowly.
    #[response(status = 408, content_type = "application/problem+json")]
    TooSlow(Body),
    /// The body is too large, or has too many events.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Body),
}

/// How the log may keep a request from being answered.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub(crate) enum NotTaken {
    /// The log refuses for good.
    #[response(status = 500, content_type = "application/problem+json")]
    Refused(Body),
    /// No room, the log has not acknowledged, or it is not read yet: send the same again after Retry-After.
    #[response(status = 503, content_type = "application/problem+json")]
    Later(Body),
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"))
)]
pub(crate) async fn document() -> impl IntoResponse {
    openapi::answer(&Document::openapi())
}
