//! People who ask for seats over HTTP, and what they are told.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};
use pipeline::admission::Receipt;
use serde_json::{Value, json};

use super::gateway::Answer;

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A seat; with a name of theirs for the request, which each try carries.
    Seat(Option<String>),
    /// To give it back.
    GiveBack,
    /// To know their seat, or what became of a request.
    Know(Option<String>),
    /// An operator wants to know the activity.
    Look,
    /// An operator defines the activity.
    Define {
        capacity: u64,
        opens: i64,
        closes: Option<i64>,
    },
}

/// Who wants what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub activity: &'static str,
    pub user: String,
    pub agent: &'static str,
    pub wish: Wish,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Yes, or that this seat was given back: decided. With `true`, by the record of this very try.
    Seat(Receipt, bool),
    /// The seat was given back.
    GivenBack(Receipt),
    /// No: decided, at this offset.
    No(String, u64),
    /// No, as far as is known: nothing before this offset says otherwise.
    NotNow(String, Option<u64>),
    /// How the activity is.
    Activity {
        capacity: u64,
        held: u64,
        admitted: u64,
        folded: u64,
    },
    /// Anything may have become of it.
    Unknown(String),
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {:?}", self.user, self.activity, self.wish)
    }
}

impl Question {
    /// The request of HTTP.
    pub fn request(&self) -> Request<Body> {
        let activity = format!("/v1/activities/{}", self.activity);
        let entries = format!("{activity}/entries");
        let (method, path) = match &self.wish {
            Wish::Seat(_) => (Method::POST, entries),
            Wish::GiveBack => (Method::DELETE, entries),
            Wish::Know(None) => (Method::GET, format!("{entries}/{}", self.user)),
            Wish::Know(Some(name)) => {
                let path = format!("{entries}/{}?request={name}", self.user);
                (Method::GET, path)
            }
            Wish::Look => (Method::GET, activity),
            Wish::Define { .. } => (Method::PUT, activity),
        };
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header("footfall-user", &self.user)
            .header("user-agent", self.agent)
            .extension(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 5_000))));
        let (request, body) = match &self.wish {
            Wish::Seat(Some(name)) => (request.header("idempotency-key", name), Body::empty()),
            Wish::Define {
                capacity,
                opens,
                closes,
            } => {
                let defined = json!({
                    "campaign_id": "spring", "capacity": capacity,
                    "opens_at_ms": opens, "closes_at_ms": closes,
                });
                let request = request.header("content-type", "application/json");
                (request, Body::from(defined.to_string()))
            }
            _ => (request, Body::empty()),
        };
        request.body(body).unwrap()
    }

    /// What an answer to it says.
    pub fn heard(&self, Answer { status, body }: &Answer) -> Said {
        if let Some(problem) = body["type"].as_str() {
            let problem = problem
                .trim_start_matches("urn:footfall:problem:")
                .to_owned();
            return match (problem.as_str(), folded(body)) {
                ("busy" | "behind" | "not-acknowledged" | "log-refused" | "too-often", _) => {
                    Said::Unknown(problem)
                }
                ("unknown-activity", _) if self.wish == Wish::Look => Said::Unknown(problem),
                _ => panic!("{self:?} is answered {status}: {body}"),
            };
        }
        let (outcome, decided) = (body["outcome"].as_str(), body["decided"] == true);
        let receipt = || serde_json::from_value(body["receipt"].clone()).unwrap();
        match (outcome, status) {
            (None, 200) => Said::Activity {
                capacity: body["capacity"].as_u64().unwrap(),
                held: body["held"].as_u64().unwrap(),
                admitted: body["admitted"].as_u64().unwrap(),
                folded: folded(body).unwrap(),
            },
            (Some("pending"), 202) if !decided => Said::Unknown("pending".to_owned()),
            (Some("admitted"), 200 | 201) if decided => Said::Seat(receipt(), *status == 201),
            (Some("cancelled"), 200 | 409) if decided => Said::GivenBack(receipt()),
            (Some(no), 404 | 409 | 410 | 425) if decided => {
                Said::No(no.to_owned(), body["offset"].as_u64().unwrap())
            }
            (Some(no), 404 | 409 | 410 | 425 | 429) => Said::NotNow(no.to_owned(), folded(body)),
            _ => panic!("{self:?} is answered {status}: {body}"),
        }
    }
}

fn folded(body: &Value) -> Option<u64> {
    body["folded"].as_u64()
}
