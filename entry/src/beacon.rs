//! Visits and clicks straight from pages: `POST /v1/beacon`, and `/footfall.js` that sends them.
//!
//! A page can keep no token, so none is asked for, and what may come this way is bounded instead: from the pages that the
//! operator names, visits and clicks only, a few at a time and so many of one address. The device is that of the
//! request's headers, the time the gateway's: a page's clock may say anything.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::post;
use prost::Message;
use schemas::v1;
use serde::Deserialize;
use utoipa::ToSchema;
use web::Problem;

use crate::client::{hints, user_agent};
use crate::events::{self, Sent};
use crate::openapi::{NotRead, NotTaken};
use crate::rate::{Rate, WINDOW};
use crate::{Gateway, files, problem, trace};

/// Where beacons are sent.
pub(crate) const BEACON: &str = "/v1/beacon";
/// Events in one beacon: what the tracker gathers.
const MOST_EVENTS: usize = 20;
/// Beacons of one address in a window: people behind one address share it.
const MOST_BEACONS: u32 = 200;

/// The pages that may send. Cheap to clone.
#[derive(Clone)]
pub struct Pages {
    origins: Arc<[String]>,
    rate: Arc<Mutex<Rate>>,
}

impl Pages {
    /// Pages of these origins (`https://shop.example`), and those that the gateway serves itself.
    pub fn of(origins: &[String]) -> Self {
        Self {
            origins: origins.into(),
            rate: Arc::new(Mutex::new(Rate::of(MOST_BEACONS))),
        }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (origin, host) = (text(header::ORIGIN), text(header::HOST));
        let is_ours = |origin: &str| {
            let own = origin.split_once("://").map(|(_, host)| host);
            own.is_some() && own == host
        };
        match origin {
            Some(origin) if is_ours(origin) || self.origins.iter().any(|of| of == origin) => Ok(()),
            _ => {
                let detail = "visits and clicks are taken from the pages named in entry.pages; the header Origin says another one, or none";
                Err(Problem::new(problem::OTHER_PAGE, detail))
            }
        }
    }

    fn limit(&self, address: IpAddr) -> Result<(), Problem> {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        if rate.allows(&address.to_string(), Instant::now()) {
            return Ok(());
        }
        let detail = "this address sends too often; wait a few seconds";
        Err(Problem::new(problem::TOO_OFTEN, detail).retry_after(WINDOW.as_secs()))
    }
}

/// What a page saw.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    /// The event's id: one that comes twice is counted once.
    event_id: String,
    /// The visitor, by any id of the page's choice.
    user_id: String,
    /// What was done.
    kind: Kind,
    /// The campaign; empty: none.
    #[serde(default)]
    campaign_id: String,
    /// The activity; empty: none.
    #[serde(default)]
    activity_id: String,
}

/// What a page may say was done.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// A page was seen.
    Visit,
    /// Something on it was clicked.
    Click,
}

impl Seen {
    fn event(self, headers: &HeaderMap, now_ms: i64) -> v1::Event {
        let kind = match self.kind {
            Kind::Visit => v1::Kind::Visit,
            Kind::Click => v1::Kind::Click,
        };
        v1::Event {
            event_id: self.event_id,
            user_id: self.user_id,
            kind: kind.into(),
            occurred_at_ms: now_ms,
            campaign_id: self.campaign_id,
            activity_id: self.activity_id,
            user_agent: user_agent(headers),
            client_hints: hints(headers),
            ..v1::Event::default()
        }
    }
}

/// The routes of pages.
pub(crate) fn routes(gateway: Gateway, pages: Pages) -> Router {
    Router::new()
        .route(BEACON, post(take))
        .merge(files::tracker())
        .with_state((gateway, pages))
}

/// Takes what a page saw: at most 20 visits and clicks.
#[utoipa::path(
    post, path = "/v1/beacon", tag = "page",
    request_body(description = "An array, whatever its media type says", content = Vec<Seen>),
    responses(
        (status = 202, description = "The log has acknowledged all of it", body = events::Answer),
        (status = 207, description = "It has acknowledged what says so", body = events::Answer),
        (status = 403, description = "The header Origin names no page that may send", body = web::Body, content_type = "application/problem+json"),
        (status = 422, description = "It can't be read, or none of it can be used", body = web::Body, content_type = "application/problem+json"),
        (status = 429, description = "This address sends too often", body = web::Body, content_type = "application/problem+json"),
        NotRead, NotTaken,
    )
)]
pub(crate) async fn take(
    State((gateway, pages)): State<(Gateway, Pages)>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    pages.check(&head.headers)?;
    pages.limit(peer(&head.extensions))?;
    let (bytes, room) = gateway.room.read(&head.headers, body).await?;
    let unreadable = |detail| Problem::new(problem::UNREADABLE, detail);
    let seen: Vec<Seen> = serde_json::from_slice(&bytes).map_err(|error| {
        unreadable(format!(
            "the body is no array of visits and clicks: {error}"
        ))
    })?;
    if seen.is_empty() || seen.len() > MOST_EVENTS {
        return Err(unreadable(format!(
            "a beacon has 1 to {MOST_EVENTS} visits and clicks"
        )));
    }
    let now_ms = (gateway.now)();
    let sent = seen.into_iter().map(|seen| {
        let event = seen.event(&head.headers, now_ms);
        Sent::Protobuf(event.encode_to_vec())
    });
    let packed = trace::packed(&head.extensions);
    events::append(&gateway, sent.collect(), &packed, room).await
}

/// Who asks; where that is unknown, all are one.
fn peer(extensions: &axum::http::Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip())
}
