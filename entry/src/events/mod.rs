//! `POST /v1/events`: one event or many, each answered for itself.
//!
//! What is answered as accepted stands in the log at the offset named. Sent again with the same event_id within the
//! dedup window it is counted once.

mod form;
mod judge;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use log::Appended;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;
use web::Problem;
use web::openapi::NotLetIn;

use self::form::Form;
pub(crate) use self::form::Sent;
use self::judge::{Judged, judge};
use crate::Gateway;
use crate::metrics::{Outcome, count_events};
use crate::openapi::{NotRead, NotTaken};
use crate::{problem, trace};

/// Headers of this beginning are Footfall's own.
const RESERVED: &str = "footfall-";
/// How events are sent again.
const AGAIN: &str = "send the same again, with the same event_ids, and none is counted twice";

/// What became of the events, in the order they were sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventsAnswer)]
pub(crate) struct Answer {
    /// Events that the log has acknowledged.
    accepted: usize,
    /// Events that are refused.
    rejected: usize,
    /// Each of them, in the order in which they were sent.
    events: Vec<Told>,
}

/// What became of an event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventAnswer)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Told {
    /// The log has acknowledged it.
    Accepted {
        /// The event's own id.
        event_id: String,
        /// The partition where it stands.
        partition: u32,
        /// Its place there.
        offset: u64,
    },
    /// It can't be used.
    Rejected {
        /// The event's own id; absent where it could not be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        event_id: Option<String>,
        /// The word for why not: those of dead letters, `bad_json` and `reserved_kind`.
        reason: &'static str,
        /// What is wrong with it.
        detail: String,
    },
}

/// Takes events: at most 1,000 in 1 MiB. Each is answered for itself.
#[utoipa::path(
    post, path = "/v1/events", tag = "events",
    security(("token" = ["ingest"])),
    request_body(description = "One event as an object, or an array of them; as protobuf one `footfall.v1.Event`, or with `; delimited=true` any number, each after its length as a varint", content(
        (Object = "application/json"), (Vec<u8> = "application/x-protobuf"),
    )),
    responses(
        (status = 202, description = "The log has acknowledged all of them", body = Answer),
        (status = 207, description = "It has acknowledged those that say so", body = Answer),
        (status = 422, description = "Every event is refused; or, as a problem, the body can't be read", body = Answer),
        (status = 400, description = "A header is Footfall's own", body = web::Body, content_type = "application/problem+json"),
        (status = 415, description = "The body's form is not known here", body = web::Body, content_type = "application/problem+json"),
        NotLetIn, NotRead, NotTaken,
    )
)]
pub(crate) async fn take(
    State(gateway): State<Gateway>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    refuse_reserved(&head.headers)?;
    let form = Form::of(&head.headers)?;
    let (bytes, room) = gateway.room.read(&head.headers, body).await?;
    let sent = form.split(&bytes)?;
    drop(bytes);
    append(&gateway, sent, &trace::packed(&head.extensions), room).await
}

/// Judges events and appends the good ones, with packed headers; `room` is held until the log has acknowledged.
pub(crate) async fn append(
    gateway: &Gateway,
    sent: Vec<Sent>,
    headers: &[u8],
    room: OwnedSemaphorePermit,
) -> Result<Response, Problem> {
    let now_ms = (gateway.now)();
    let judged = sent.into_iter().map(|sent| judge(sent, now_ms, headers));
    let (told, records): (Vec<_>, Vec<_>) = judged.map(Judged::part).unzip();
    let records: Vec<_> = records.into_iter().flatten().collect();
    let accepted = records.len();
    count_events(Outcome::Rejected, told.len() - accepted);
    let appended = match accepted {
        0 => Vec::new(),
        _ => gateway
            .events
            .append(records, Some(Box::new(room)))
            .await
            .map(|acknowledged| acknowledged.places)
            .map_err(|error| {
                count_events(Outcome::Unacknowledged, accepted);
                problem::not_appended(&error, AGAIN)
            })?,
    };
    count_events(Outcome::Accepted, accepted);
    Ok(answer(told, accepted, appended))
}

/// A record's headers are not the client's to choose.
fn refuse_reserved(sent: &HeaderMap) -> Result<(), Problem> {
    let name = sent.keys().find(|name| name.as_str().starts_with(RESERVED));
    name.map_or(Ok(()), |name| {
        let detail = format!("the header {name} is Footfall's own; leave it out");
        Err(Problem::new(problem::RESERVED_HEADER, detail))
    })
}

/// 202: all are in the log. 207: some are. 422: none is.
fn answer(told: Vec<judge::Told>, accepted: usize, appended: Vec<Appended>) -> Response {
    let rejected = told.len() - accepted;
    let status = match (accepted, rejected) {
        (_, 0) => StatusCode::ACCEPTED,
        (0, _) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::MULTI_STATUS,
    };
    let mut places = appended.into_iter();
    let events = told
        .into_iter()
        .filter_map(|told| match told {
            judge::Told::Rejected(rejected) => Some(Told::Rejected {
                event_id: rejected.event_id,
                reason: rejected.reason,
                detail: rejected.detail,
            }),
            judge::Told::Accepted { event_id } => places.next().map(|place| Told::Accepted {
                event_id,
                partition: place.partition,
                offset: place.offset,
            }),
        })
        .collect();
    let answer = Answer {
        accepted,
        rejected,
        events,
    };
    (status, Json(answer)).into_response()
}
