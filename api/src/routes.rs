//! Every route the process serves, in one table.

use axum::Router;
use axum::http::{Method, Uri};
use axum::routing::{MethodRouter, get};
use web::{Access, Kind, Problem, Scope, guarded, health};

use crate::{State, campaigns, openapi, page, problem, timeseries};

/// Paths, what each asks of who asks, and what answers. The OpenAPI document lists the same.
fn table() -> [(&'static str, Access, MethodRouter<State>); 10] {
    use Access::{Needs, Open};
    [
        (
            "/v1/campaigns",
            Needs(Scope::Read),
            get(campaigns::campaigns),
        ),
        (
            "/v1/campaigns/{id}",
            Needs(Scope::Read),
            get(campaigns::campaign),
        ),
        (
            "/v1/campaigns/{id}/timeseries",
            Needs(Scope::Read),
            get(timeseries::timeseries),
        ),
        (
            "/v1/activities/{id}",
            Needs(Scope::Read),
            get(campaigns::activity),
        ),
        ("/openapi.json", Open, get(openapi::document)),
        ("/healthz", Open, get(health::healthz)),
        ("/readyz", Open, get(health::readyz)),
        ("/metrics", Needs(Scope::Metrics), get(health::metrics)),
        ("/", Open, get(page::page)),
        ("/page/{name}", Open, get(page::part)),
    ]
}

/// The routes, reading from `state`. Anything else is answered with a problem, too. All are counted
/// in the process's metrics.
pub fn router(state: State) -> Router {
    let routes = table()
        .into_iter()
        .fold(Router::new(), |router, (path, access, answer)| {
            router.route(path, guarded(answer, access, &state.guard))
        })
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method);
    web::layered(routes).with_state(state)
}

async fn no_such_path(uri: Uri) -> Problem {
    let detail = format!(
        "there is nothing at {}; GET /openapi.json lists the paths",
        uri.path()
    );
    Problem::new(Kind::NO_SUCH_PATH, detail)
}

async fn no_such_method(method: Method) -> Problem {
    Problem::new(
        problem::NO_SUCH_METHOD,
        format!("{method} is not served here; use GET"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use utoipa::OpenApi;
    use web::Access;

    #[test]
    fn the_openapi_document_lists_exactly_the_routes_served() {
        let served: BTreeSet<String> = super::table().map(|(path, ..)| path.to_owned()).into();
        let listed: BTreeSet<String> = crate::openapi::Document::openapi()
            .paths
            .paths
            .into_keys()
            .collect();
        assert_eq!(served, listed);
    }

    #[test]
    fn the_openapi_document_names_the_scope_that_each_route_needs() {
        let document =
            serde_json::to_value(crate::openapi::Document::openapi()).unwrap_or_default();
        assert_eq!(
            document["components"]["securitySchemes"]["token"]["scheme"],
            "bearer"
        );
        for (path, access, _) in super::table() {
            let listed = &document["paths"][path]["get"]["security"];
            let expected = match access {
                Access::Open => serde_json::Value::Null,
                Access::Needs(scope) => serde_json::json!([{"token": [scope]}]),
            };
            assert_eq!(*listed, expected, "{path}");
        }
    }
}
