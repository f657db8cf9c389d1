//! A store that comes later than the process that asks it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use views::{Change, Connecting, Error, Sink, Stored};

/// Longer than any attempt here takes.
const PATIENCE: Duration = Duration::from_secs(180);

#[derive(Debug)]
struct Held(u64);

#[async_trait]
impl Sink for Held {
    fn name(&self) -> &'static str {
        "held"
    }

    async fn stored(&self, _: u32) -> Result<Stored, Error> {
        Ok(Stored::At(self.0))
    }

    async fn apply(&self, change: &Change) -> Result<Stored, Error> {
        Ok(Stored::At(change.to))
    }

    async fn fill(&self, change: &Change) -> Result<Stored, Error> {
        Ok(Stored::At(change.to))
    }
}

fn away() -> Error {
    Error::Transient {
        store: "held",
        detail: "connection refused".to_owned(),
    }
}

fn evicts() -> Error {
    Error::Fatal("it drops rows in silence".to_owned())
}

/// A server that says this of connecting, until told otherwise.
#[derive(Clone)]
struct Server {
    says: Arc<Mutex<Result<u64, Error>>>,
    attempts: Arc<AtomicU32>,
}

impl Server {
    fn new(says: Result<u64, Error>) -> Self {
        Self {
            says: Arc::new(Mutex::new(says)),
            attempts: Arc::default(),
        }
    }

    fn becomes(&self, says: Result<u64, Error>) {
        *self.says.lock().unwrap() = says;
    }

    async fn connect(&self) -> Result<Connecting<Held>, Error> {
        let this = self.clone();
        let connect = move || {
            this.attempts.fetch_add(1, Ordering::SeqCst);
            let says = this.says.lock().unwrap().clone();
            async move { says.map(Held) }
        };
        Connecting::start("held", PATIENCE, connect).await
    }
}

/// What the store answers, once it answers as wanted.
async fn until(store: &Connecting<Held>, wanted: impl Fn(&Result<Stored, Error>) -> bool) {
    let answered = async {
        while !wanted(&store.stored(0).await) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, answered)
        .await
        .expect("it answers in time");
}

#[tokio::test]
async fn a_store_that_is_there_is_used_at_once() {
    let server = Server::new(Ok(7));
    let store = server.connect().await.unwrap();
    assert_eq!(store.stored(0).await.unwrap(), Stored::At(7));
    assert!(store.get().is_ok());
    assert_eq!(server.attempts.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_store_that_is_down_answers_so_until_it_is_back() {
    let server = Server::new(Err(away()));
    let store = server.connect().await.unwrap();
    assert_eq!(store.name(), "held");
    for _ in 0..3 {
        let answer = store.stored(0).await.unwrap_err();
        assert!(answer.to_string().contains("connection refused"));
        assert!(matches!(answer, Error::Transient { .. }), "it may pass");
    }
    server.becomes(Ok(9));
    until(&store, |answer| matches!(answer, Ok(Stored::At(9)))).await;
    let attempts = server.attempts.load(Ordering::SeqCst);
    store.stored(0).await.unwrap();
    assert_eq!(server.attempts.load(Ordering::SeqCst), attempts);
}

#[tokio::test]
async fn a_store_that_can_never_hold_views_keeps_a_process_from_starting() {
    let refused = Server::new(Err(evicts())).connect().await.err();
    assert!(
        matches!(&refused, Some(Error::Fatal(why)) if why.contains("in silence")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_found_out_later_is_what_calls_answer_until_it_was_mended() {
    let server = Server::new(Err(away()));
    let store = server.connect().await.unwrap();
    server.becomes(Err(evicts()));
    until(&store, |answer| matches!(answer, Err(Error::Fatal(_)))).await;
    server.becomes(Ok(3));
    until(&store, |answer| matches!(answer, Ok(Stored::At(3)))).await;
}

#[tokio::test]
async fn a_silent_store_is_not_waited_for() {
    let connect = || std::future::pending::<Result<Held, Error>>();
    let store = Connecting::start("held", Duration::ZERO, connect)
        .await
        .unwrap();
    let answer = store.stored(0).await;
    assert!(matches!(answer, Err(Error::Transient { .. })), "{answer:?}");
}
