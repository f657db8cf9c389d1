//! The API's metrics of its own requests: names, labels, and how they are set.
//!
//! Whoever asks can't make series: every label is one of a few words. The time is until the
//! answer's head is ready, with the store's; a request whose client leaves before is not counted.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

/// Requests answered, by the route's template, method and status.
pub(crate) const REQUESTS: &str = "footfall_http_requests_total";
/// Time from a request's head to its answer's, by the route's template.
pub(crate) const REQUEST: &str = "footfall_http_request_seconds";

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
