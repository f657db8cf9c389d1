//! `POST /v1/activities/{id}/entries`: asks for a seat.

use std::time::Instant;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use log::Appended;
use mutants::Mutant;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pipeline::admission::{Admission, Advice, Decision, Receipt};
use schemas::v1::EntryRequested;
use schemas::v1::entry_record::Act;
use web::Problem;
use web::openapi::NotLetIn;

use super::answer::Told;
use super::{Entries, behind};
use crate::client::{hints, user_agent};
use crate::metrics::{Source, count_answer};
use crate::openapi::NotTaken;
use crate::trace;

/// What is counted where no answer was given but a problem.
const PROBLEM: &str = "problem";
/// The client's name for a request: the same for each try.
const REQUEST_ID: &str = "idempotency-key";

/// Asks for a seat.
#[utoipa::path(
    post, path = "/v1/activities/{id}/entries", tag = "seats",
    params(
        ("id" = String, Path, description = "The activity's id"),
        ("Footfall-User" = String, Header, description = "Who asks, as the operator signed it: `user.expiry.signature`"),
        ("Idempotency-Key" = Option<String>, Header, description = "The request's name, the same for each try; without one every try is another request"),
    ),
    security(("token" = ["enter"])),
    responses(
        (status = 201, description = "A seat", body = Told),
        (status = 200, description = "The same seat again", body = Told),
        (status = 202, description = "The log has not answered yet; ask again at Location", body = Told),
        (status = 404, description = "There is no such activity", body = Told),
        (status = 409, description = "Every seat is held, or the request's seat was given back", body = Told),
        (status = 410, description = "The activity has closed", body = Told),
        (status = 422, description = "An id can't be recorded", body = web::Body, content_type = "application/problem+json"),
        (status = 425, description = "It opens later; Retry-After says when", body = Told),
        NotLetIn, NotTaken,
    )
)]
pub(crate) async fn ask(
    State(entries): State<Entries>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Told, Problem> {
    let start = Instant::now();
    let mut source = Source::Memory;
    let told = told(&entries, path, request, &mut source).await;
    let outcome = told.as_ref().map_or(PROBLEM, Told::outcome);
    count_answer(outcome, source, start.elapsed());
    told
}

/// The answer; `source` becomes the log as soon as that is asked.
async fn told(
    entries: &Entries,
    path: Result<Path<String>, PathRejection>,
    request: Request,
    source: &mut Source,
) -> Result<Told, Problem> {
    let Path(activity) = path?;
    let (head, _) = request.into_parts();
    let now_ms = (entries.now)();
    let user = entries.users.of(&head, now_ms)?;
    entries.limit(&user)?;
    let given = request_id(&head.headers)?;
    let is_made = given.is_none();
    let request_id = given.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
    let act = EntryRequested {
        activity_id: activity.clone(),
        user_id: user.clone(),
        request_id: request_id.clone(),
        user_agent: user_agent(&head.headers),
        client_hints: hints(&head.headers),
    };
    let record = entries.record(
        &activity,
        Act::Requested(act),
        trace::packed(&head.extensions),
    )?;
    let from_memory = entries.folds.look(&activity, |fold| {
        // Nobody else knows an id that was made here, so that no copy of it can come later.
        let is_known = is_made || mutants::is(Mutant::HolderFromMemory);
        let seat = is_known.then(|| fold.seat(&activity, &user)).flatten();
        if let Some(receipt) = seat {
            return Some(Told::seat(&receipt));
        }
        match fold.advise(&activity, &user, &request_id, now_ms) {
            Advice::Answer(answer) => Some(Told::answer(answer, now_ms)),
            Advice::Append => None,
        }
    });
    if let Some(told) = from_memory.map_err(|error| behind(&error))? {
        return Ok(told.to(&request_id));
    }
    *source = Source::Log;
    let told = match entries.appended(record).await? {
        Some(at) => decided(entries, (&activity, &user, &request_id), at)?,
        None if mutants::is(Mutant::UnknownIsNo) => {
            Told::decision(Decision::SoldOut { offset: 0 }, None, now_ms)
        }
        None => Told::pending(location(&activity, &user, &request_id)),
    };
    Ok(told.to(&request_id))
}

/// What was decided for a request whose record is folded.
fn decided(
    entries: &Entries,
    (activity, user, request): (&str, &str, &str),
    at: Appended,
) -> Result<Told, Problem> {
    let found = entries.folds.look(activity, |fold| {
        let decided = fold.decided(activity, user, request);
        decided.or_else(|| guessed(fold, activity, user, at))
    });
    let now_ms = (entries.now)();
    Ok(found
        .map_err(|error| behind(&error))?
        .map_or_else(Told::too_many, |decision| {
            Told::decision(decision, Some(at.offset), now_ms)
        }))
}

/// [`Mutant::AnsweredAtProduceAck`]: what would be decided if no record stood between those folded and this one.
fn guessed(fold: &Admission, activity: &str, user: &str, at: Appended) -> Option<Decision> {
    if !mutants::is(Mutant::AnsweredAtProduceAck) {
        return None;
    }
    let of = fold.activity(activity)?;
    let receipt = Receipt {
        activity_id: activity.to_owned(),
        user_id: user.to_owned(),
        rank: of.admitted + 1,
        partition: at.partition,
        offset: at.offset,
        admitted_at_ms: fold.log_time(),
    };
    Some(match of.held < of.capacity {
        true => Decision::Admitted(receipt),
        false => Decision::SoldOut { offset: at.offset },
    })
}

/// The id that the client gave the request.
fn request_id(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(REQUEST_ID) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(value.as_bytes());
    let text = text.map_err(|_| Problem::bad(REQUEST_ID, "the Idempotency-Key is not UTF-8"))?;
    Ok(Some(text.to_owned()))
}

/// Where to ask what became of a request.
fn location(activity: &str, user: &str, request: &str) -> String {
    let request = utf8_percent_encode(request, NON_ALPHANUMERIC);
    format!("{}?request={request}", seat_location(activity, user))
}

/// Where to ask for a user's seat.
pub(super) fn seat_location(activity: &str, user: &str) -> String {
    let [activity, user] = [activity, user].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
    format!("/v1/activities/{activity}/entries/{user}")
}
