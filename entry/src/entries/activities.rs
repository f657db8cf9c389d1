//! `GET` and `PUT /v1/activities/{id}`, and `PUT /v1/campaigns/{id}`: what can be entered, and what it is called.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use log::NewRecord;
use pipeline::definition::NOT_BEFORE_MS;
use prost::Message;
use schemas::v1::entry_record::Act;
use schemas::v1::{ActivityDefined, CampaignRecord};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::Problem;
use web::openapi::NotLetIn;

use super::{AGAIN, Entries, behind};
use crate::openapi::{NotRead, NotTaken};
use crate::{problem, trace};

/// An activity as an operator defines it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// The campaign that its visitors are counted in.
    #[serde(default)]
    campaign_id: String,
    /// What people read.
    #[serde(default)]
    name: String,
    /// How many seats there are.
    capacity: u64,
    /// When it opens, milliseconds since the epoch.
    opens_at_ms: i64,
    /// When it closes; without it, never.
    closes_at_ms: Option<i64>,
}

/// An activity and its seats.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Activity)]
pub(crate) struct Shown {
    /// The activity.
    activity_id: String,
    /// The campaign that its visitors are counted in.
    campaign_id: String,
    /// What people read.
    name: String,
    /// How many seats there are.
    capacity: u64,
    /// How many of them are held.
    held: u64,
    /// Seats that may still be given; none while more are held than a lowered capacity.
    remaining: u64,
    /// Seats ever given.
    admitted: u64,
    /// When it opens, milliseconds since the epoch.
    opens_at_ms: i64,
    /// When it closes; null: never.
    closes_at_ms: Option<i64>,
    /// The partition where its entries stand.
    partition: u32,
    /// The first offset of the partition that this does not know of.
    folded: u64,
}

/// A campaign's name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Campaign {
    /// What people read.
    name: String,
}

/// Tells what an activity is and how many of its seats are held.
#[utoipa::path(
    get, path = "/v1/activities/{id}", tag = "seats",
    params(
        ("id" = String, Path, description = "The activity's id"),
    ),
    security(("token" = ["read"])),
    responses(
        (status = 200, description = "The activity", body = Shown),
        (status = 404, description = "No such activity is defined", body = web::Body, content_type = "application/problem+json"),
        NotLetIn, NotTaken,
    )
)]
pub(crate) async fn show(
    State(entries): State<Entries>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(id) = path?;
    shown(&entries, &id)?.map_or_else(
        || {
            let detail = format!("no activity {id:?} is defined; PUT defines one");
            Err(Problem::new(problem::UNKNOWN_ACTIVITY, detail))
        },
        |shown| Ok(Json(shown).into_response()),
    )
}

fn shown(entries: &Entries, id: &str) -> Result<Option<Shown>, Problem> {
    let partition = entries.folds.partition_of(id);
    let found = entries.folds.look(id, |fold| {
        let activity = fold.activity(id)?;
        Some(Shown {
            activity_id: id.to_owned(),
            campaign_id: activity.campaign_id.clone(),
            name: activity.name.clone(),
            capacity: activity.capacity,
            held: activity.held,
            remaining: activity.capacity.saturating_sub(activity.held),
            admitted: activity.admitted,
            opens_at_ms: activity.opens_at_ms,
            closes_at_ms: activity.closes_at_ms,
            partition,
            folded: fold.next_offset(),
        })
    });
    found.map_err(|error| behind(&error))
}

/// Defines an activity, or changes it: seats that were given stay.
#[utoipa::path(
    put, path = "/v1/activities/{id}", tag = "seats",
    params(
        ("id" = String, Path, description = "The activity's id"),
    ),
    security(("token" = ["admin"])),
    request_body(content = Definition),
    responses(
        (status = 200, description = "The activity as it is now", body = Shown),
        (status = 202, description = "The log has not answered yet; send it again", body = Object),
        (status = 415, description = "The body is not application/json", body = web::Body, content_type = "application/problem+json"),
        (status = 422, description = "It can't be read, or can't be recorded", body = web::Body, content_type = "application/problem+json"),
        NotLetIn, NotRead, NotTaken,
    )
)]
pub(crate) async fn define(
    State(entries): State<Entries>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let Path(id) = path?;
    let headers = trace::packed(request.extensions());
    let definition: Definition = read(&entries, request).await?;
    let act = Act::Defined(ActivityDefined {
        activity_id: id.clone(),
        campaign_id: definition.campaign_id,
        name: definition.name,
        capacity: definition.capacity,
        opens_at_ms: definition.opens_at_ms,
        closes_at_ms: definition.closes_at_ms,
    });
    let record = entries.record(&id, act, headers)?;
    if entries.appended(record).await?.is_some()
        && let Some(shown) = shown(&entries, &id)?
    {
        return Ok(Json(shown).into_response());
    }
    let pending = serde_json::json!({"outcome": "pending", "decided": false});
    let mut response = (StatusCode::ACCEPTED, Json(pending)).into_response();
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(1));
    Ok(response)
}

/// Names a campaign.
#[utoipa::path(
    put, path = "/v1/campaigns/{id}", tag = "seats",
    params(
        ("id" = String, Path, description = "The campaign's id"),
    ),
    security(("token" = ["admin"])),
    request_body(content = Campaign),
    responses(
        (status = 200, description = "It is called so", body = Object),
        (status = 415, description = "The body is not application/json", body = web::Body, content_type = "application/problem+json"),
        (status = 422, description = "It can't be read, or can't be recorded", body = web::Body, content_type = "application/problem+json"),
        NotLetIn, NotRead, NotTaken,
    )
)]
pub(crate) async fn name_campaign(
    State(entries): State<Entries>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let Path(id) = path?;
    let headers = trace::packed(request.extensions());
    let Campaign { name } = read(&entries, request).await?;
    // What an activity may say of its campaign, and be called itself, is what a campaign may be called.
    entries.record(
        "any",
        Act::Defined(ActivityDefined {
            activity_id: "any".to_owned(),
            campaign_id: id.clone(),
            name: name.clone(),
            opens_at_ms: NOT_BEFORE_MS,
            ..ActivityDefined::default()
        }),
        Vec::new(),
    )?;
    let said = serde_json::json!({"campaign_id": id, "name": name});
    let record = NewRecord {
        partition: None,
        key: id.as_bytes().to_vec(),
        value: CampaignRecord {
            campaign_id: id,
            name,
        }
        .encode_to_vec(),
        headers,
    };
    let appended = entries.campaigns.append(vec![record], None).await;
    appended.map_err(|error| problem::not_appended(&error, AGAIN))?;
    Ok(Json(said).into_response())
}

/// The body as JSON.
async fn read<T: DeserializeOwned>(entries: &Entries, request: Request) -> Result<T, Problem> {
    let (head, body) = request.into_parts();
    let is_json = head.headers.get(header::CONTENT_TYPE).is_some_and(|sent| {
        sent.to_str()
            .is_ok_and(|text| text.to_ascii_lowercase().starts_with("application/json"))
    });
    if !is_json {
        let detail = "send the body as application/json";
        return Err(Problem::new(problem::WRONG_MEDIA_TYPE, detail));
    }
    let (bytes, _room) = entries.room.read(&head.headers, body).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let detail = format!("the body is not what is needed: {error}");
        Problem::new(problem::UNREADABLE, detail)
    })
}
