//! What a request that can't be answered gets: problem+json (RFC 9457) that says what to change.

use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::trace;

/// Seconds after which a store that failed is worth asking again: its client has reconnected or
/// given up by then.
const RETRY_AFTER_S: u64 = 1;

/// A kind of problem. Its URN never changes meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    urn: &'static str,
    title: &'static str,
    status: StatusCode,
}

impl Kind {
    /// A parameter whose value can't be used.
    pub const BAD_PARAMETER: Self = Self::new(
        "urn:footfall:problem:bad-parameter",
        "A parameter can't be understood",
        StatusCode::BAD_REQUEST,
    );
    /// Nothing is served at a path.
    pub const NO_SUCH_PATH: Self = Self::new(
        "urn:footfall:problem:no-such-path",
        "No such path",
        StatusCode::NOT_FOUND,
    );
    /// The process is not ready.
    pub const NOT_READY: Self = Self::new(
        "urn:footfall:problem:not-ready",
        "Not ready",
        StatusCode::SERVICE_UNAVAILABLE,
    );
    /// No token came.
    pub const NO_TOKEN: Self = Self::new(
        "urn:footfall:problem:no-token",
        "A token is needed",
        StatusCode::UNAUTHORIZED,
    );
    /// The token is unknown or has expired.
    pub const WRONG_TOKEN: Self = Self::new(
        "urn:footfall:problem:wrong-token",
        "The token is refused",
        StatusCode::UNAUTHORIZED,
    );
    /// The token lacks the scope.
    pub const NO_SCOPE: Self = Self::new(
        "urn:footfall:problem:no-scope",
        "The token doesn't allow this",
        StatusCode::FORBIDDEN,
    );
    /// Too many wrong tokens came from one address.
    pub const TOO_MANY_ATTEMPTS: Self = Self::new(
        "urn:footfall:problem:too-many-attempts",
        "Too many wrong tokens",
        StatusCode::TOO_MANY_REQUESTS,
    );

    /// A kind: its URN, its title in words, and the status it is answered with.
    pub const fn new(urn: &'static str, title: &'static str, status: StatusCode) -> Self {
        Self { urn, title, status }
    }
}

/// A request that can't be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind it is of.
    pub kind: Kind,
    /// What went wrong here, and what to change.
    pub detail: String,
    /// The parameter to change, where one is at fault.
    pub parameter: Option<String>,
    /// Seconds after which the same request may be sent again, where that is known.
    pub retry_after_s: Option<u64>,
}

/// A problem as JSON: RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Body {
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
    /// The request's trace id: the server's log lines about it have the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl Problem {
    /// A problem of no one parameter.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            parameter: None,
            retry_after_s: (kind.status == StatusCode::SERVICE_UNAVAILABLE)
                .then_some(RETRY_AFTER_S),
        }
    }

    /// The same, worth sending again after so many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    /// A problem of one parameter.
    pub fn of(kind: Kind, parameter: &str, detail: impl Into<String>) -> Self {
        Self {
            parameter: Some(parameter.to_owned()),
            ..Self::new(kind, detail)
        }
    }

    /// A parameter whose value can't be used.
    pub fn bad(parameter: &str, detail: impl Into<String>) -> Self {
        Self::of(Kind::BAD_PARAMETER, parameter, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status;
        let body = axum::Json(Body {
            r#type: self.kind.urn,
            title: self.kind.title,
            status: status.as_u16(),
            detail: self.detail,
            parameter: self.parameter,
            trace_id: trace::current(),
        });
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
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
