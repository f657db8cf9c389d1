//! Every route the gateway serves, in one table.

use axum::Router;
use axum::http::{Method, Uri};
use axum::routing::{MethodRouter, get, post};
use web::{Access, Kind, Problem, Scope, guarded, health};

use crate::{Gateway, beacon, entries, events, files, openapi, problem};

/// Paths of every gateway, what each asks of who asks, and what answers.
fn table() -> [(&'static str, Access, MethodRouter<Gateway>); 5] {
    use Access::{Needs, Open};
    [
        ("/v1/events", Needs(Scope::Ingest), post(events::take)),
        ("/openapi.json", Open, get(openapi::document)),
        ("/healthz", Open, get(health::healthz)),
        ("/readyz", Open, get(health::readyz)),
        ("/metrics", Needs(Scope::Metrics), get(health::metrics)),
    ]
}

/// The routes of a gateway. Anything else is answered with a problem, too. All are counted in the process's metrics.
pub fn router(gateway: Gateway) -> Router {
    let guard = gateway.guard.clone();
    let (entries, pages) = (gateway.entries.clone(), gateway.pages.clone());
    let has_trial = gateway.has_trial;
    let routes = table()
        .into_iter()
        .fold(Router::new(), |router, (path, access, answer)| {
            router.route(path, guarded(answer, access, &guard))
        })
        .with_state(gateway.clone());
    let routes = match entries {
        Some(entries) => routes.merge(entries::routes(entries, &guard)),
        None => routes,
    };
    let routes = match pages {
        Some(pages) => routes.merge(beacon::routes(gateway, pages)),
        None => routes,
    };
    let routes = match has_trial {
        true => routes.merge(files::trial()),
        false => routes,
    };
    web::layered(
        routes
            .fallback(no_such_path)
            .method_not_allowed_fallback(no_such_method),
    )
}

async fn no_such_path(uri: Uri) -> Problem {
    let detail = format!(
        "there is nothing at {}; GET /openapi.json lists the paths",
        uri.path()
    );
    Problem::new(Kind::NO_SUCH_PATH, detail)
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(problem::NO_SUCH_METHOD, detail)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};
    use utoipa::OpenApi;

    use super::*;

    /// What the document says of each path and method.
    fn documented() -> BTreeMap<(String, String), Value> {
        let document = serde_json::to_value(openapi::Document::openapi()).unwrap_or_default();
        let paths = document["paths"].as_object().cloned().unwrap_or_default();
        let methods = |(path, methods): (String, Value)| {
            let methods = methods.as_object().cloned().unwrap_or_default();
            let named = methods.into_iter();
            named.map(move |(method, said)| ((path.clone(), method), said["security"].clone()))
        };
        paths.into_iter().flat_map(methods).collect()
    }

    #[test]
    fn the_openapi_document_lists_exactly_the_routes_served_with_the_scope_that_each_needs() {
        let needs = |scope: Scope| json!([{"token": [scope]}]);
        let row = |path: &str, method: &str, access| ((path.to_owned(), method.to_owned()), access);
        let mut served: BTreeMap<_, _> = table()
            .into_iter()
            .map(|(path, access, _)| {
                let method = if path == "/v1/events" { "post" } else { "get" };
                let security = match access {
                    Access::Open => Value::Null,
                    Access::Needs(scope) => needs(scope),
                };
                row(path, method, security)
            })
            .collect();
        let seats = entries::table();
        served.extend(seats.map(|(path, method, scope, _)| row(path, method, needs(scope))));
        served.extend(files::TRACKER.map(|path| row(path, "get", Value::Null)));
        served.extend(files::TRIAL.map(|path| row(path, "get", Value::Null)));
        served.extend([row(beacon::BEACON, "post", Value::Null)]);
        assert_eq!(documented(), served);
    }
}
