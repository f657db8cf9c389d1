//! Every route the gateway serves, in one table.

use axum::Router;
use axum::http::{Method, Uri};
use axum::routing::{MethodRouter, get, post};
use web::{Access, Kind, Problem, Scope, guarded, health};

use crate::{Gateway, beacon, entries, events, files, problem};

/// Paths of every gateway, what each asks of who asks, and what answers.
fn table() -> [(&'static str, Access, MethodRouter<Gateway>); 4] {
    use Access::{Needs, Open};
    [
        ("/v1/events", Needs(Scope::Ingest), post(events::take)),
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
    let detail = format!("there is nothing at {}", uri.path());
    Problem::new(Kind::NO_SUCH_PATH, detail)
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(problem::NO_SUCH_METHOD, detail)
}
