//! A gateway over an embedded log, and producers that do what a test tells them.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response};
use entry::Gateway;
use log::embedded::Log;
use log::{Appended, NewRecord, Producer};
use prost::Message;
use schemas::v1;
use serde_json::{Value, json};
use tower::ServiceExt;

/// 2026-11-22T05:00:00Z.
pub const NOW_MS: i64 = 1_795_323_600_000;
/// How long a condition is waited for.
pub const LONGEST_WAIT: Duration = Duration::from_secs(180);
pub const PARTITIONS: u32 = 3;
pub const JSON: &str = "application/json";
pub const DELIMITED: &str = "application/x-protobuf; delimited=true";

pub fn gateway(events: Arc<dyn Producer>) -> Gateway {
    Gateway::new(events, PARTITIONS)
        .unwrap()
        .with_clock(Arc::new(|| NOW_MS))
}

/// A record as it stands in the log.
#[derive(Debug, PartialEq)]
pub struct Stored {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub headers: Vec<(String, String)>,
}

/// A gateway and its log.
pub struct Served {
    pub router: Router,
    log: Arc<Log>,
    _folder: tempfile::TempDir,
}

impl Served {
    pub fn new() -> Self {
        Self::with(|gateway| gateway)
    }

    /// One with more than the least.
    pub fn with(more: impl FnOnce(Gateway) -> Gateway) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(&folder.path().join("log.sqlite"), PARTITIONS).unwrap();
        let gateway = gateway(log.producer("events").unwrap());
        Self {
            router: entry::router(more(gateway)),
            log,
            _folder: folder,
        }
    }

    /// The record at that place.
    pub fn stored(&self, partition: u64, offset: u64) -> Stored {
        let mut found = None;
        let mut reader = self.log.reader("events").unwrap();
        reader
            .read(partition as u32, offset, offset + 1, &mut |batch| {
                let record = batch.records().next().unwrap();
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                found = Some(Stored {
                    key: record.key.to_vec(),
                    value: record.value.to_vec(),
                    headers: record
                        .headers
                        .iter()
                        .map(|(name, value)| (text(name), text(value)))
                        .collect(),
                });
                true
            })
            .unwrap();
        found.unwrap()
    }

    /// How many records the log holds.
    pub fn records(&self) -> u64 {
        let mut reader = self.log.reader("events").unwrap();
        (0..PARTITIONS)
            .map(|partition| reader.bounds(partition).unwrap().end)
            .sum()
    }
}

/// An answer.
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answered {
    /// The last word of the problem's URN.
    pub fn problem(&self) -> &str {
        let urn = self.body["type"].as_str().unwrap();
        urn.strip_prefix("urn:footfall:problem:").unwrap()
    }
}

pub async fn answered(response: Response<Body>) -> Answered {
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Answered {
        status: head.status.as_u16(),
        headers: head.headers,
        body: serde_json::from_slice(&bytes).unwrap(),
    }
}

/// What the router answers to a POST of events.
pub async fn post(router: &Router, media_type: &str, body: impl Into<Body>) -> Answered {
    let request = Request::post("/v1/events").header("content-type", media_type);
    send(router, request.body(body.into()).unwrap()).await
}

pub async fn send(router: &Router, request: Request<Body>) -> Answered {
    answered(router.clone().oneshot(request).await.unwrap()).await
}

/// A visit that can be counted.
pub fn event(number: usize) -> v1::Event {
    v1::Event {
        event_id: format!("e{number}"),
        user_id: format!("u{number}"),
        kind: v1::Kind::Visit.into(),
        occurred_at_ms: NOW_MS - 1_000,
        campaign_id: "spring".into(),
        ..v1::Event::default()
    }
}

/// The same in JSON.
pub fn object(number: usize) -> Value {
    json!({
        "event_id": format!("e{number}"), "user_id": format!("u{number}"), "kind": "visit",
        "occurred_at_ms": NOW_MS - 1_000, "campaign_id": "spring",
    })
}

pub fn delimited(events: &[v1::Event]) -> Vec<u8> {
    events
        .iter()
        .flat_map(Message::encode_length_delimited_to_vec)
        .collect()
}

/// A log that answers all alike.
pub struct Failing(pub fn() -> log::Error);

impl Producer for Failing {
    fn append(&self, _: Vec<NewRecord>) -> Result<Vec<Appended>, log::Error> {
        Err((self.0)())
    }
}

/// A log that acknowledges nothing until it is opened, and counts its calls.
#[derive(Default)]
pub struct Gate {
    state: Mutex<(bool, usize)>,
    opened: Condvar,
}

impl Gate {
    pub fn open(&self) {
        self.state.lock().unwrap().0 = true;
        self.opened.notify_all();
    }

    pub fn calls(&self) -> usize {
        self.state.lock().unwrap().1
    }
}

impl Producer for Gate {
    fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, log::Error> {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        let (_open, waited) = self
            .opened
            .wait_timeout_while(state, LONGEST_WAIT, |state| !state.0)
            .unwrap();
        assert!(!waited.timed_out(), "the gate was never opened");
        // Each record says by its key where it stands.
        let place = |record: &NewRecord| Appended {
            partition: 0,
            offset: String::from_utf8_lossy(&record.key)
                .trim_start_matches('u')
                .parse()
                .unwrap(),
        };
        Ok(records.iter().map(place).collect())
    }
}
