//! A process's metrics of the requests it serves: names, labels, and how they are set.
//!
//! Whoever asks can't make series: every label is one of a few words. The time is until the
//! answer's head is ready, with the store's; a request whose client leaves before is not counted.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

/// Requests answered, by the route's template, method and status.
pub(crate) const REQUESTS: &str = "footfall_http_requests_total";
/// Time from a request's head to its answer's, by the route's template.
pub(crate) const REQUEST: &str = "footfall_http_request_seconds";

/// Requests not let through, by reason.
pub(crate) const REFUSALS: &str = "footfall_http_refusals_total";
/// Connections closed before a request, by reason.
pub(crate) const NOT_SERVED: &str = "footfall_http_connections_not_served_total";
/// 1 while a file that changed can't be used, by what it holds.
pub(crate) const BROKEN_FILE: &str = "footfall_http_file_broken";

/// Why a request was not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It brought no token.
    Missing,
    /// Its token is not known.
    Unknown,
    /// Its token has expired.
    Expired,
    /// Its token lacks the scope.
    Scope,
    /// Its token is wrong, after too many wrong ones.
    TooMany,
}

impl Refusal {
    const ALL: [Self; 5] = [
        Self::Missing,
        Self::Unknown,
        Self::Expired,
        Self::Scope,
        Self::TooMany,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Scope => "scope",
            Self::TooMany => "too_many",
        }
    }
}

/// Why a connection was closed before it could ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotServed {
    /// There were too many.
    TooMany,
    /// The TLS handshake failed or took too long.
    Handshake,
}

impl NotServed {
    const ALL: [Self; 2] = [Self::TooMany, Self::Handshake];

    const fn as_str(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::Handshake => "handshake",
        }
    }
}

/// A file that is read again when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum File {
    /// The certificate and its key.
    Certificate,
    /// The tokens.
    Tokens,
}

impl File {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Tokens => "tokens",
        }
    }
}

/// The route of requests that no route matches.
const NO_ROUTE: &str = "(none)";
/// The method of requests whose method HTTP doesn't define.
const OTHER_METHOD: &str = "other";

/// Gives each metric its HELP line.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests answered");
    describe_histogram!(
        REQUEST,
        Unit::Seconds,
        "Time from a request's head to its answer's"
    );
    describe_counter!(REFUSALS, "Requests not let through");
    describe_counter!(NOT_SERVED, "Connections closed before a request");
    describe_gauge!(
        BROKEN_FILE,
        "1 while a file that changed can't be used and what was read before stays in use"
    );
}

/// Begins the series of a listener, so that the first refusal is seen as an increase.
pub(crate) fn begin() {
    for refusal in Refusal::ALL {
        counter!(REFUSALS, "reason" => refusal.as_str()).increment(0);
    }
    for why in NotServed::ALL {
        counter!(NOT_SERVED, "reason" => why.as_str()).increment(0);
    }
    for file in [File::Certificate, File::Tokens] {
        set_broken(file, false);
    }
}

pub(crate) fn count_refusal(refusal: Refusal) {
    counter!(REFUSALS, "reason" => refusal.as_str()).increment(1);
}

pub(crate) fn count_not_served(why: NotServed) {
    counter!(NOT_SERVED, "reason" => why.as_str()).increment(1);
}

pub(crate) fn set_broken(file: File, broken: bool) {
    gauge!(BROKEN_FILE, "file" => file.as_str()).set(if broken { 1.0 } else { 0.0 });
}

/// Counts the request and the time it takes.
pub(crate) async fn measure(request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or_else(
        || NO_ROUTE.to_owned(),
        |template| template.as_str().to_owned(),
    );
    let response = next.run(request).await;
    histogram!(REQUEST, "route" => route.clone()).record(start.elapsed().as_secs_f64());
    let status = response.status().as_str().to_owned();
    counter!(REQUESTS, "route" => route, "method" => method, "status" => status).increment(1);
    response
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::CONNECT => "CONNECT",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::PATCH => "PATCH",
        _ => OTHER_METHOD,
    }
}
