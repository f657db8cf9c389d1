//! A gateway, taken apart: its routes, its calls to the log, what it follows and what it keeps. Each moves when the
//! scheduler says so.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use entry::{
    Appender, Calls, Clock, Entries, Folds, Follower, Keeper, Keeping, Snapshots, Users, router,
};
use kept::Files;
use log::Producer;
use serde_json::Value;
use tower::ServiceExt;

use crate::topic::{self, Topic};
use crate::world::PARTITIONS;

/// Shortest time between two snapshots of a partition.
const KEPT_EVERY: Duration = Duration::from_millis(200);
/// The generation of the entries topic.
const GENERATION: u32 = 1;

/// An answer over HTTP.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

/// Where answers come, each with the number of what was asked.
pub type Mailbox = Arc<Mutex<Vec<(u64, Answer)>>>;

/// One gateway.
pub struct Gateway {
    router: Router,
    calls: Calls,
    folds: Arc<Folds>,
    follower: Follower,
    keeper: Keeper,
    entries: Topic,
    /// Where the log ended when the following began: no answer is of an earlier moment.
    begun_at: Option<Vec<u64>>,
}

impl Gateway {
    /// Starts over what it finds kept in a folder, and gets at most so many records of a partition at a time.
    pub fn new(
        folder: &Path,
        entries: &Topic,
        line: Arc<dyn Producer>,
        clock: Clock,
        most: u64,
        now: Instant,
    ) -> Self {
        let files = Files::new(folder, GENERATION, PARTITIONS);
        let snapshots = Snapshots::new(files, Box::new(entries.clone()));
        let folds = Folds::kept(PARTITIONS, snapshots);
        let consumer = topic::Follower::new(entries.clone(), folds.clone(), most);
        let (log, calls) = Appender::new("entries", line.clone(), PARTITIONS);
        // Nobody sends events here, or names campaigns.
        let (campaigns, _) = Appender::new("campaigns", line.clone(), 1);
        let (events, _) = Appender::new("events", line, 1);
        let seats = Entries::over(folds.clone(), log, campaigns, Users::as_claimed());
        let gateway = entry::Gateway::over(events).with_entries(seats.with_clock(clock));
        let keeping = Keeping { every: KEPT_EVERY };
        Self {
            router: router(gateway),
            calls,
            follower: Follower::new(folds.clone(), Box::new(consumer)),
            keeper: Keeper::new(folds.clone(), keeping, now),
            folds,
            entries: entries.clone(),
            begun_at: None,
        }
    }

    /// What it does with a request; the answer comes to a mailbox.
    pub fn answering(
        &self,
        request: Request<Body>,
        number: u64,
        mailbox: &Mailbox,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (router, mailbox) = (self.router.clone(), mailbox.clone());
        async move {
            let (head, body) = router.oneshot(request).await.unwrap().into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            let answer = Answer {
                status: head.status.as_u16(),
                body: serde_json::from_slice(&bytes).unwrap(),
            };
            mailbox.lock().unwrap().push((number, answer));
        }
    }

    /// Makes the calls to the log that are due.
    pub fn call(&self) {
        self.calls.make_due();
    }

    /// Folds the next records.
    pub fn follow(&mut self) {
        self.follower.turn(Duration::ZERO).unwrap();
        let ends = || (0..PARTITIONS).map(|of| self.entries.end(of)).collect();
        self.begun_at.get_or_insert_with(ends);
    }

    /// The first offset of a partition that an answer may not know of.
    pub fn begun_at(&self, partition: u32) -> u64 {
        let ends = self.begun_at.as_ref();
        ends.map_or(0, |ends| ends[partition as usize])
    }

    /// How far a partition is folded, and the fold's digest.
    pub fn folded(&self, partition: u32) -> (u64, u64) {
        let of = |fold: &pipeline::admission::Admission| (fold.next_offset(), fold.digest());
        self.folds.with(partition, of).unwrap()
    }

    /// Whether everything in the log is folded.
    pub fn is_done(&self) -> bool {
        (0..PARTITIONS).all(|of| self.folded(of).0 == self.entries.end(of))
    }

    /// Keeps what is due.
    pub fn keep(&mut self, now: Instant) {
        self.keeper.turn(|| now, || true);
    }

    /// Ends as it should, and keeps all.
    pub fn stop(self) {
        self.keeper.last();
    }
}
