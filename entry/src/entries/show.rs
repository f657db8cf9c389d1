//! `GET /v1/activities/{id}/entries/{user}`: the user's seat, or what became of one request.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use serde::Deserialize;
use web::Problem;
use web::openapi::NotLetIn;

use super::answer::Told;
use super::{Entries, behind};
use crate::openapi::NotTaken;
use crate::problem;

/// Which request is asked about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    request: Option<String>,
}

/// Tells what the log has decided. A request that no record of the log decides yet is answered as pending.
#[utoipa::path(
    get, path = "/v1/activities/{id}/entries/{user}", tag = "seats",
    params(
        ("id" = String, Path, description = "The activity's id"),
        ("Footfall-User" = String, Header, description = "Who asks, as the operator signed it: `user.expiry.signature`"),
        ("user" = String, Path, description = "The user, who must be the one who asks"),
        ("request" = Option<String>, Query, description = "The request to tell of; without it, the seat that the user holds"),
    ),
    security(("token" = ["enter"])),
    responses(
        (status = 200, description = "The seat", body = Told),
        (status = 202, description = "No record decides the request yet", body = Told),
        (status = 400, description = "A parameter is wrong", body = web::Body, content_type = "application/problem+json"),
        (status = 404, description = "The user holds no seat, or there was no such activity", body = Told),
        (status = 409, description = "The request was refused, or its seat was given back", body = Told),
        (status = 410, description = "The activity had closed", body = Told),
        (status = 425, description = "It was not open", body = Told),
        NotLetIn, NotTaken,
    )
)]
pub(crate) async fn show(
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
