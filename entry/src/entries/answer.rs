//! What a request for a seat is told.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pipeline::admission::{Answer, Decision, Receipt, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

/// What became of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntryAnswer)]
pub(crate) struct Told {
    /// `admitted`, or the word for why not.
    outcome: &'static str,
    /// Whether the log decided: then this holds for the request for ever. Else the same request may be admitted later.
    decided: bool,
    /// The request that this is the answer to; absent where none was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The seat; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Seat>)]
    receipt: Option<Receipt>,
    /// Where in the activity's partition it was decided; absent where nothing is decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    /// The first offset that this does not know of; absent where the log decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    folded: Option<u64>,
    /// When the activity opens, milliseconds since the epoch; absent where it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_at_ms: Option<i64>,
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    retry_after_s: Option<u64>,
    #[serde(skip)]
    location: Option<String>,
}

/// A seat that was given: anyone who reads the log finds it there.
#[derive(ToSchema)]
#[schema(as = Receipt)]
#[allow(dead_code)]
struct Seat {
    /// The activity.
    activity_id: String,
    /// Who got the seat.
    user_id: String,
    /// The how manieth seat of the activity, from 1; never given twice.
    rank: u64,
    /// The partition of the request.
    partition: u32,
    /// Its offset.
    offset: u64,
    /// When the log took the request, milliseconds since the epoch.
    admitted_at_ms: i64,
}

impl Told {
    fn new(outcome: &'static str, decided: bool, status: StatusCode) -> Self {
        Self {
            outcome,
            decided,
            request_id: None,
            receipt: None,
            offset: None,
            folded: None,
            opens_at_ms: None,
            status,
            retry_after_s: None,
            location: None,
        }
    }

    /// The word for it, in metrics too.
    pub(super) fn outcome(&self) -> &'static str {
        self.outcome
    }

    /// What the log decided; `own` is the offset of the record that this very request appended.
    pub(super) fn decision(decision: Decision, own: Option<u64>, now_ms: i64) -> Self {
        let told = |status| Self::new(decision.as_str(), true, status);
        match decision {
            Decision::Admitted(ref receipt) if own == Some(receipt.offset) => {
                told(StatusCode::CREATED).with(receipt)
            }
            Decision::Admitted(ref receipt) => told(StatusCode::OK).with(receipt),
            Decision::Cancelled(ref receipt) => told(StatusCode::CONFLICT).with(receipt),
            Decision::SoldOut { offset } => told(StatusCode::CONFLICT).at(offset),
            Decision::Closed { offset } => told(StatusCode::GONE).at(offset),
            Decision::Unknown { offset } => told(StatusCode::NOT_FOUND).at(offset),
            Decision::NotOpen {
                offset,
                opens_at_ms,
            } => told(StatusCode::TOO_EARLY)
                .at(offset)
                .opening(opens_at_ms, now_ms),
        }
    }

    /// What a gateway answers from memory.
    pub(super) fn answer(answer: Answer, now_ms: i64) -> Self {
        let (refusal, folded) = match answer {
            Answer::Decided(decision) => return Self::decision(decision, None, now_ms),
            Answer::Refused { refusal, folded } => (refusal, folded),
        };
        let status = match refusal {
            Refusal::SoldOut => StatusCode::CONFLICT,
            Refusal::NotOpen { .. } => StatusCode::TOO_EARLY,
            Refusal::Closed => StatusCode::GONE,
            Refusal::Unknown => StatusCode::NOT_FOUND,
            Refusal::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        };
        let mut told = Self::new(refusal.as_str(), false, status);
        if let Refusal::NotOpen { opens_at_ms } = refusal {
            told = told.opening(opens_at_ms, now_ms);
        }
        told.folded = Some(folded);
        told
    }

    /// The user has sent so many requests that the log decides none any more.
    pub(super) fn too_many() -> Self {
        let name = Refusal::TooManyRequests.as_str();
        Self::new(name, false, StatusCode::TOO_MANY_REQUESTS)
    }

    /// The log has not answered yet; `location` is where to ask again.
    pub(super) fn pending(location: String) -> Self {
        Self {
            retry_after_s: Some(1),
            location: Some(location),
            ..Self::new("pending", false, StatusCode::ACCEPTED)
        }
    }

    /// The user holds no seat.
    pub(super) fn no_seat(folded: u64) -> Self {
        Self {
            folded: Some(folded),
            ..Self::new("no_seat", false, StatusCode::NOT_FOUND)
        }
    }

    /// The user's seat.
    pub(super) fn seat(receipt: &Receipt) -> Self {
        Self::new("admitted", true, StatusCode::OK).with(receipt)
    }

    /// The seat is given back.
    pub(super) fn cancelled(receipt: &Receipt) -> Self {
        Self::new("cancelled", true, StatusCode::OK).with(receipt)
    }

    /// The same as the answer to a request.
    pub(super) fn to(self, request_id: &str) -> Self {
        Self {
            request_id: Some(request_id.to_owned()),
            ..self
        }
    }

    fn with(self, receipt: &Receipt) -> Self {
        Self {
            offset: Some(receipt.offset),
            receipt: Some(receipt.clone()),
            ..self
        }
    }

    fn at(self, offset: u64) -> Self {
        Self {
            offset: Some(offset),
            ..self
        }
    }

    fn opening(self, opens_at_ms: i64, now_ms: i64) -> Self {
        let wait_ms = opens_at_ms.saturating_sub(now_ms).max(1) as u64;
        Self {
            opens_at_ms: Some(opens_at_ms),
            retry_after_s: Some(wait_ms.div_ceil(1_000)),
            ..self
        }
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let (retry, location) = (self.retry_after_s, self.location.clone());
        let mut response = (self.status, Json(self)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(location) = location.and_then(|path| HeaderValue::from_str(&path).ok()) {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}
