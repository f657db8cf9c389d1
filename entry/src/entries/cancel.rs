//! `DELETE /v1/activities/{id}/entries`: gives the user's seat back.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use schemas::v1::EntryCancelled;
use schemas::v1::entry_record::Act;
use web::Problem;
use web::openapi::NotLetIn;

use super::answer::Told;
use super::{Entries, behind};
use crate::openapi::NotTaken;
use crate::trace;

/// Gives the seat back that the user holds. It names the seat, so that a copy that comes late takes no later one.
#[utoipa::path(
    delete, path = "/v1/activities/{id}/entries", tag = "seats",
    params(
        ("id" = String, Path, description = "The activity's id"),
        ("Footfall-User" = String, Header, description = "Who asks, as the operator signed it: `user.expiry.signature`"),
    ),
    security(("token" = ["enter"])),
    responses(
        (status = 200, description = "The seat is given back", body = Told),
        (status = 202, description = "The log has not answered yet; ask again at Location", body = Told),
        (status = 404, description = "The user holds no seat", body = Told),
        (status = 422, description = "An id can't be recorded", body = web::Body, content_type = "application/problem+json"),
        NotLetIn, NotTaken,
    )
)]
pub(crate) async fn cancel(
    State(entries): State<Entries>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Told, Problem> {
    let Path(activity) = path?;
    let (head, _) = request.into_parts();
    let user = entries.users.of(&head, (entries.now)())?;
    entries.limit(&user)?;
    let found = entries.folds.look(&activity, |fold| {
        let seat = fold.seat(&activity, &user);
        seat.ok_or_else(|| fold.next_offset())
    });
    let receipt = match found.map_err(|error| behind(&error))? {
        Ok(receipt) => receipt,
        Err(folded) => return Ok(Told::no_seat(folded)),
    };
    let act = Act::Cancelled(EntryCancelled {
        activity_id: activity.clone(),
        user_id: user,
        rank: receipt.rank,
    });
    let record = entries.record(&activity, act, trace::packed(&head.extensions))?;
    Ok(match entries.appended(record).await? {
        Some(_) => Told::cancelled(&receipt),
        None => Told::pending(super::ask::seat_location(&activity, &receipt.user_id)),
    })
}
