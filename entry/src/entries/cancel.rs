//! `DELETE /v1/activities/{id}/entries`: gives the user's seat back.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use schemas::v1::EntryCancelled;
use schemas::v1::entry_record::Act;
use web::Problem;

use super::answer::Told;
use super::{Entries, behind};
use crate::trace;

/// Gives the seat back that the user holds. It names the seat, so that a copy that comes late takes no later one.
pub(super) async fn cancel(
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
