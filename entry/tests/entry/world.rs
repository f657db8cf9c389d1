//! Gateways that follow one log, and how they are asked for seats.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use entry::{Entries, Folds, Following, Gateway, Users};
use log::embedded::Log;
use log::{Appended, Error, NewRecord, Producer};
use serde_json::{Value, json};

use crate::support::{Answered, Gate, LONGEST_WAIT, NOW_MS, PARTITIONS, send};

/// A log whose clock and whose gateways' clocks a test sets.
pub struct World {
    pub log: Arc<Log>,
    pub now: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

/// A gateway that follows the log of a world.
pub struct One {
    pub router: Router,
    _following: Following,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(NOW_MS));
        let clock = Arc::clone(&now);
        let path = folder.path().join("log.sqlite");
        let clock = Box::new(move || clock.load(Ordering::SeqCst));
        Self {
            log: Log::open_with_clock(&path, PARTITIONS, clock).unwrap(),
            now,
            _folder: folder,
        }
    }

    pub async fn gateway(&self) -> One {
        let entries = self.log.producer("entries").unwrap();
        self.gateway_appending(entries).await
    }

    pub async fn gateway_appending(&self, producer: Arc<dyn Producer>) -> One {
        let folds = Folds::new(PARTITIONS);
        let consumer = self.log.consumer("entries", folds.clone()).unwrap();
        let following = Following::start(folds.clone(), consumer).unwrap();
        until(|| folds.ready().is_ok()).await;
        One {
            router: self.router(folds, producer),
            _following: following,
        }
    }

    pub fn router(&self, folds: Arc<Folds>, producer: Arc<dyn Producer>) -> Router {
        entry::router(self.with_seats(folds, producer))
    }

    pub fn with_seats(&self, folds: Arc<Folds>, producer: Arc<dyn Producer>) -> Gateway {
        let now = Arc::clone(&self.now);
        let campaigns = self.log.producer("campaigns").unwrap();
        let entries = Entries::new(folds, producer, campaigns, Users::as_claimed())
            .unwrap()
            .with_clock(Arc::new(move || now.load(Ordering::SeqCst)));
        let gateway = Gateway::new(self.log.producer("events").unwrap(), PARTITIONS).unwrap();
        gateway.with_entries(entries)
    }

    pub fn records(&self) -> u64 {
        let mut reader = self.log.reader("entries").unwrap();
        (0..PARTITIONS)
            .map(|partition| reader.bounds(partition).unwrap().end)
            .sum()
    }
}

pub async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, waiting).await.unwrap();
}

pub async fn call(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Answered {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    let mut request = request.body(Body::empty()).unwrap();
    let here = std::net::SocketAddr::from(([127, 0, 0, 1], 5_000));
    request.extensions_mut().insert(ConnectInfo(here));
    send(router, request).await
}

pub async fn put(router: &Router, path: &str, body: &Value) -> Answered {
    let request = Request::put(path).header("content-type", "application/json");
    send(router, request.body(Body::from(body.to_string())).unwrap()).await
}

pub async fn ask(router: &Router, user: &str, key: Option<&str>) -> Answered {
    let mut headers = vec![("footfall-user", user)];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    call(router, "POST", "/v1/activities/raffle/entries", &headers).await
}

pub async fn define(router: &Router, capacity: u64, opens_at_ms: i64, closes_at_ms: Option<i64>) {
    let body = json!({
        "campaign_id": "spring", "name": "Raffle", "capacity": capacity,
        "opens_at_ms": opens_at_ms, "closes_at_ms": closes_at_ms,
    });
    let answer = put(router, "/v1/activities/raffle", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Waits until a gateway has folded so many seats.
pub async fn holds(router: &Router, held: u64) {
    let seen = async {
        while call(router, "GET", "/v1/activities/raffle", &[]).await.body["held"] != held {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, seen).await.unwrap();
}

pub fn outcome(answer: &Answered) -> (u16, &str, bool) {
    let outcome = answer.body["outcome"].as_str();
    let decided = answer.body["decided"].as_bool();
    (
        answer.status,
        outcome.unwrap_or_else(|| panic!("{} {}", answer.status, answer.body)),
        decided.unwrap(),
    )
}

/// Appends, and says nothing about it until it is opened.
pub struct Silent(pub Arc<dyn Producer>, pub Arc<Gate>);

impl Producer for Silent {
    fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, Error> {
        let appended = self.0.append(records)?;
        self.1.append(Vec::new())?;
        Ok(appended)
    }
}
