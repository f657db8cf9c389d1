//! The kinds of problem that questions to the views meet. What any process may meet is in `web`.

use axum::http::StatusCode;
use web::{Kind, Problem};

pub(crate) const UNKNOWN_PARAMETER: Kind = Kind::new(
    "urn:footfall:problem:unknown-parameter",
    "Unknown query parameter",
    StatusCode::BAD_REQUEST,
);
pub(crate) const NOT_KEPT: Kind = Kind::new(
    "urn:footfall:problem:not-kept",
    "The views don't hold these numbers",
    StatusCode::BAD_REQUEST,
);
pub(crate) const BEYOND_HOT_WINDOW: Kind = Kind::new(
    "urn:footfall:problem:beyond-hot-window",
    "The span begins before the hot window",
    StatusCode::BAD_REQUEST,
);
pub(crate) const NO_HISTORY: Kind = Kind::new(
    "urn:footfall:problem:no-history",
    "No history store is configured",
    StatusCode::BAD_REQUEST,
);
pub(crate) const TOO_WIDE: Kind = Kind::new(
    "urn:footfall:problem:too-wide",
    "The question reads too many rows",
    StatusCode::BAD_REQUEST,
);
pub(crate) const UNKNOWN_CAMPAIGN: Kind = Kind::new(
    "urn:footfall:problem:unknown-campaign",
    "Unknown campaign",
    StatusCode::NOT_FOUND,
);
pub(crate) const UNKNOWN_ACTIVITY: Kind = Kind::new(
    "urn:footfall:problem:unknown-activity",
    "Unknown activity",
    StatusCode::NOT_FOUND,
);
pub(crate) const NO_SUCH_METHOD: Kind = Kind::new(
    "urn:footfall:problem:no-such-method",
    "This path is read with GET",
    StatusCode::METHOD_NOT_ALLOWED,
);
pub(crate) const NOT_YET: Kind = Kind::new(
    "urn:footfall:problem:not-yet",
    "The record is not in the view yet",
    StatusCode::SERVICE_UNAVAILABLE,
);
pub(crate) const STORE_UNAVAILABLE: Kind = Kind::new(
    "urn:footfall:problem:store-unavailable",
    "The store doesn't answer",
    StatusCode::SERVICE_UNAVAILABLE,
);
pub(crate) const STORE_INCOMPLETE: Kind = Kind::new(
    "urn:footfall:problem:store-incomplete",
    "The store misses a partition",
    StatusCode::SERVICE_UNAVAILABLE,
);
pub(crate) const STORE_FAULT: Kind = Kind::new(
    "urn:footfall:problem:store-fault",
    "The store can't be used",
    StatusCode::INTERNAL_SERVER_ERROR,
);

/// A question that the store did not answer.
pub(crate) fn not_answered(error: views::Error) -> Problem {
    let kind = match error {
        views::Error::Transient { .. } => STORE_UNAVAILABLE,
        views::Error::Incomplete { .. } => STORE_INCOMPLETE,
        views::Error::TooWide { .. } => TOO_WIDE,
        views::Error::Unanswerable(_) => NOT_KEPT,
        views::Error::Fatal(_) => STORE_FAULT,
    };
    tracing::warn!(%error, "a question was not answered");
    Problem::new(kind, error.to_string())
}
