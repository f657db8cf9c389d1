//! What a request that can't be answered gets: problem+json (RFC 9457) that says what to change.

use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Seconds after which a store that failed is worth asking again: its client has reconnected or
/// given up by then.
const RETRY_AFTER_S: &str = "1";

/// A kind of problem. Its URN never changes meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    UnknownParameter,
    BadParameter,
    NotKept,
    BeyondHotWindow,
    NoHistory,
    UnknownCampaign,
    UnknownActivity,
    NoSuchPath,
    NoSuchMethod,
    TooWide,
    NotYet,
    StoreUnavailable,
    StoreIncomplete,
    StoreFault,
    NotReady,
    NoToken,
    WrongToken,
    NoScope,
    TooManyAttempts,
}

impl Kind {
    const fn urn(self) -> &'static str {
        match self {
            Self::UnknownParameter => "urn:footfall:problem:unknown-parameter",
            Self::BadParameter => "urn:footfall:problem:bad-parameter",
            Self::NotKept => "urn:footfall:problem:not-kept",
            Self::BeyondHotWindow => "urn:footfall:problem:beyond-hot-window",
            Self::NoHistory => "urn:footfall:problem:no-history",
            Self::UnknownCampaign => "urn:footfall:problem:unknown-campaign",
            Self::UnknownActivity => "urn:footfall:problem:unknown-activity",
            Self::NoSuchPath => "urn:footfall:problem:no-such-path",
            Self::NoSuchMethod => "urn:footfall:problem:no-such-method",
            Self::TooWide => "urn:footfall:problem:too-wide",
            Self::NotYet => "urn:footfall:problem:not-yet",
            Self::StoreUnavailable => "urn:footfall:problem:store-unavailable",
            Self::StoreIncomplete => "urn:footfall:problem:store-incomplete",
            Self::StoreFault => "urn:footfall:problem:store-fault",
            Self::NotReady => "urn:footfall:problem:not-ready",
            Self::NoToken => "urn:footfall:problem:no-token",
            Self::WrongToken => "urn:footfall:problem:wrong-token",
            Self::NoScope => "urn:footfall:problem:no-scope",
            Self::TooManyAttempts => "urn:footfall:problem:too-many-attempts",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::UnknownParameter => "Unknown query parameter",
            Self::BadParameter => "A parameter can't be understood",
            Self::NotKept => "The views don't hold these numbers",
            Self::BeyondHotWindow => "The span begins before the hot window",
            Self::NoHistory => "No history store is configured",
            Self::UnknownCampaign => "Unknown campaign",
            Self::UnknownActivity => "Unknown activity",
            Self::NoSuchPath => "No such path",
            Self::NoSuchMethod => "This path is read with GET",
            Self::TooWide => "The question reads too many rows",
            Self::NotYet => "The record is not in the view yet",
            Self::StoreUnavailable => "The store doesn't answer",
            Self::StoreIncomplete => "The store misses a partition",
            Self::StoreFault => "The store can't be used",
            Self::NotReady => "Not ready",
            Self::NoToken => "A token is needed",
            Self::WrongToken => "The token is refused",
            Self::NoScope => "The token doesn't allow this",
            Self::TooManyAttempts => "Too many wrong tokens",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::UnknownParameter
            | Self::BadParameter
            | Self::NotKept
            | Self::BeyondHotWindow
            | Self::NoHistory
            | Self::TooWide => StatusCode::BAD_REQUEST,
            Self::UnknownCampaign | Self::UnknownActivity | Self::NoSuchPath => {
                StatusCode::NOT_FOUND
            }
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotYet | Self::StoreUnavailable | Self::StoreIncomplete | Self::NotReady => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::NoToken | Self::WrongToken => StatusCode::UNAUTHORIZED,
            Self::NoScope => StatusCode::FORBIDDEN,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::StoreFault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A request that can't be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: Kind,
    pub(crate) detail: String,
    pub(crate) parameter: Option<String>,
}

/// A problem as JSON: RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body {
    /// Names the kind of problem: a URN that never changes meaning.
    #[schema(example = "urn:footfall:problem:bad-parameter")]
    r#type: &'static str,
    /// The kind of problem in words; the same for every problem of the kind.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong here, and what to change.
    detail: String,
    /// The parameter to change; absent when none is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            parameter: None,
        }
    }

    /// A problem of one parameter.
    pub(crate) fn of(kind: Kind, parameter: &str, detail: impl Into<String>) -> Self {
        Self {
            parameter: Some(parameter.to_owned()),
            ..Self::new(kind, detail)
        }
    }

    /// A parameter whose value can't be used.
    pub(crate) fn bad(parameter: &str, detail: impl Into<String>) -> Self {
        Self::of(Kind::BadParameter, parameter, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let body = axum::Json(Body {
            r#type: self.kind.urn(),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail,
            parameter: self.parameter,
        });
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        response
    }
}

impl From<views::Error> for Problem {
    fn from(error: views::Error) -> Self {
        let kind = match error {
            views::Error::Transient { .. } => Kind::StoreUnavailable,
            views::Error::Incomplete { .. } => Kind::StoreIncomplete,
            views::Error::TooWide { .. } => Kind::TooWide,
            views::Error::Unanswerable(_) => Kind::NotKept,
            views::Error::Fatal(_) => Kind::StoreFault,
        };
        tracing::warn!(%error, "a question was not answered");
        Self::new(kind, error.to_string())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        let detail = format!(
            "{}; write the id in UTF-8, percent-encoded",
            rejection.body_text()
        );
        Self::bad("id", detail)
    }
}
