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
use web::Problem;

use super::{AGAIN, Entries, behind};
use crate::{problem, trace};

/// An activity as an operator defines it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    #[serde(default)]
    campaign_id: String,
    #[serde(default)]
    name: String,
    capacity: u64,
    opens_at_ms: i64,
    closes_at_ms: Option<i64>,
}

/// An activity and its seats.
#[derive(Debug, Serialize)]
struct Shown {
    activity_id: String,
    campaign_id: String,
    name: String,
    capacity: u64,
    held: u64,
    /// Seats that may still be given; none while more are held than a lowered capacity.
    remaining: u64,
    admitted: u64,
    opens_at_ms: i64,
    closes_at_ms: Option<i64>,
    partition: u32,
    /// The first offset of the partition that this does not know of.
    folded: u64,
}

/// A campaign's name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Campaign {
    name: String,
}

/// Tells what an activity is and how many of its seats are held.
pub(super) async fn show(
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
pub(super) async fn define(
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
pub(super) async fn name_campaign(
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
