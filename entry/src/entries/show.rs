//! `GET /v1/activities/{id}/entries/{user}`: the user's seat, or what became of one request.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use serde::Deserialize;
use web::Problem;

use super::answer::Told;
use super::{Entries, behind};
use crate::problem;

/// Which request is asked about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    request: Option<String>,
}

/// Tells what the log has decided. A request that no record of the log decides yet is answered as pending.
pub(super) async fn show(
    State(entries): State<Entries>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<Asked>, QueryRejection>,
    request: Request,
) -> Result<Told, Problem> {
    let Path((activity, user)) = path?;
    let Query(Asked { request: id }) =
        query.map_err(|error| Problem::bad("request", error.body_text()))?;
    let (head, _) = request.into_parts();
    let now_ms = (entries.now)();
    if entries.users.of(&head, now_ms)? != user {
        let detail = "whoever asks may see their own entries only";
        return Err(Problem::new(problem::OTHER_USER, detail));
    }
    let told = entries.folds.look(&activity, |fold| match &id {
        Some(id) => fold.decided(&activity, &user, id).map_or_else(
            || Told::pending(head.uri.to_string()),
            |decision| Told::decision(decision, None, now_ms),
        ),
        None => fold.seat(&activity, &user).map_or_else(
            || Told::no_seat(fold.next_offset()),
            |receipt| Told::seat(&receipt),
        ),
    });
    let told = told.map_err(|error| behind(&error))?;
    Ok(match id {
        Some(id) => told.to(&id),
        None => told,
    })
}
