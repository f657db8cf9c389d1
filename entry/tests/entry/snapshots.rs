//! A gateway that starts again goes on from its snapshots, if they are of this log, and answers as before.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use entry::{Behind, Folds, Following, Keeping, Snapshots};
use kept::Files;
use log::{Batch, Bounds, Consumer, Delivery, Error, Reader};
use pipeline::admission::Admission;
use serde_json::Value;

use crate::support::{NOW_MS, PARTITIONS};
use crate::world::{World, ask, define, outcome, until};

const NEVER: Duration = Duration::from_secs(3_600);

/// A consumer that counts the records it delivers.
struct Counting(Box<dyn Consumer>, Arc<AtomicU64>);

impl Consumer for Counting {
    fn poll(&mut self, timeout: Duration) -> Result<Vec<Delivery>, Error> {
        let deliveries = self.0.poll(timeout)?;
        for delivery in &deliveries {
            if let Delivery::Batch(batch) = delivery {
                self.1.fetch_add(batch.len() as u64, Ordering::SeqCst);
            }
        }
        Ok(deliveries)
    }
    fn pause(&mut self, partition: u32) {
        self.0.pause(partition);
    }
    fn resume(&mut self, partition: u32) {
        self.0.resume(partition);
    }
    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        self.0.bounds(partition)
    }
    fn leave(self: Box<Self>) {
        self.0.leave();
    }
}

/// A log whose first records are gone.
struct Cut(Box<dyn Reader>, u64);

impl Reader for Cut {
    fn partitions(&mut self) -> Result<u32, Error> {
        self.0.partitions()
    }
    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        let Bounds { end, .. } = self.0.bounds(partition)?;
        let start = self.1.min(end);
        Ok(Bounds { start, end })
    }
    fn read(
        &mut self,
        partition: u32,
        from: u64,
        to: u64,
        visit: &mut dyn FnMut(&Batch) -> bool,
    ) -> Result<(), Error> {
        self.bounds(partition)?.check(partition, from)?;
        self.0.read(partition, from, to, visit)
    }
}

/// A log that is another one, without records, once it is said so.
struct Anew(Box<dyn Reader>, Arc<AtomicBool>);

impl Reader for Anew {
    fn partitions(&mut self) -> Result<u32, Error> {
        self.0.partitions()
    }
    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        if self.1.load(Ordering::SeqCst) {
            return Ok(Bounds { start: 0, end: 0 });
        }
        self.0.bounds(partition)
    }
    fn read(
        &mut self,
        partition: u32,
        from: u64,
        to: u64,
        visit: &mut dyn FnMut(&Batch) -> bool,
    ) -> Result<(), Error> {
        self.0.read(partition, from, to, visit)
    }
}

/// A gateway that keeps its folds in a folder.
struct Keeper {
    router: axum::Router,
    folds: Arc<Folds>,
    followed: Arc<AtomicU64>,
    following: Following,
}

impl Keeper {
    /// Of a log that lacks the first `cut` records of each partition.
    fn of(world: &World, folder: &Path, every: Duration, cut: u64) -> Self {
        let reader = Cut(world.log.reader("entries").unwrap(), cut);
        let files = Files::new(folder, 1, PARTITIONS);
        let folds = Folds::kept(PARTITIONS, Snapshots::new(files, Box::new(reader)));
        let followed = Arc::new(AtomicU64::new(0));
        let consumer = world.log.consumer("entries", folds.clone()).unwrap();
        let consumer = Box::new(Counting(consumer, followed.clone()));
        let following = Following::keeping(folds.clone(), consumer, Keeping { every }).unwrap();
        let producer = world.log.producer("entries").unwrap();
        Self {
            router: world.router(folds.clone(), producer),
            folds,
            followed,
            following,
        }
    }

    async fn ready(world: &World, folder: &Path) -> Self {
        let keeper = Self::of(world, folder, NEVER, 0);
        until(|| keeper.folds.ready().is_ok()).await;
        keeper
    }

    fn followed(&self) -> u64 {
        self.followed.load(Ordering::SeqCst)
    }

    async fn receipt(&self, user: &str) -> Value {
        let told = ask(&self.router, user, Some(user)).await;
        assert_eq!(told.body["outcome"], "admitted", "{}", told.body);
        told.body["receipt"].clone()
    }

    fn stop(self) {
        drop(self.following);
    }
}

#[tokio::test]
async fn a_gateway_that_starts_again_reads_what_came_since_and_gives_the_same_receipts() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let first = Keeper::ready(&world, folder.path()).await;
    define(&first.router, 2, NOW_MS, None).await;
    let receipt = first.receipt("u1").await;
    assert_eq!(first.followed(), 2);
    first.stop();

    let beside = world.gateway().await;
    assert_eq!(ask(&beside.router, "u2", Some("u2")).await.status, 201);
    let second = Keeper::ready(&world, folder.path()).await;
    assert_eq!(second.followed(), 1, "what came since");
    assert_eq!(second.receipt("u1").await, receipt);
    assert_eq!(second.receipt("u2").await["rank"], 2);
    let late = ask(&second.router, "u3", Some("u3")).await;
    assert_eq!(outcome(&late), (409, "sold_out", false));
}

#[tokio::test]
async fn folds_are_kept_while_the_gateway_serves_so_that_a_kill_costs_little() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let files = Files::new(folder.path(), 1, PARTITIONS);
    let keeper = Keeper::of(&world, folder.path(), Duration::from_millis(5), 0);
    until(|| keeper.folds.ready().is_ok()).await;
    define(&keeper.router, 50, NOW_MS, None).await;
    let reaches = |records: u64| {
        let kept = (0..PARTITIONS).filter_map(|of| files.read(of).unwrap());
        kept.map(|fold| fold.next_offset()).sum::<u64>() == records
    };
    until(|| reaches(1)).await;
    let receipt = keeper.receipt("u1").await;
    // Of the snapshot before, and of the record since.
    until(|| reaches(2)).await;
    let whole = tempfile::tempdir().unwrap();
    let copied = whole.path().join("1");
    fs::create_dir(&copied).unwrap();
    for file in fs::read_dir(files.folder()).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, copied.join(path.file_name().unwrap())).unwrap();
    }
    keeper.receipt("u2").await;
    // As if it had been killed where the copy was made.
    let again = Keeper::ready(&world, whole.path()).await;
    assert_eq!(again.followed(), 1);
    assert_eq!(again.receipt("u1").await, receipt);
    keeper.stop();
}

#[tokio::test]
async fn a_snapshot_that_is_not_of_this_log_is_not_used_and_the_answers_are_the_same() {
    let (world, other) = (World::new(), World::new());
    let folder = tempfile::tempdir().unwrap();
    let first = Keeper::ready(&world, folder.path()).await;
    define(&first.router, 5, NOW_MS, None).await;
    let receipt = first.receipt("u1").await;
    first.stop();
    let files = Files::new(folder.path(), 1, PARTITIONS);
    let of = receipt["partition"].as_u64().unwrap() as u32;
    let whole = fs::read(files.path(of)).unwrap();

    // Of a log with as many records, and of one with more.
    let elsewhere = tempfile::tempdir().unwrap();
    let keeper = Keeper::ready(&other, elsewhere.path()).await;
    define(&keeper.router, 5, NOW_MS, None).await;
    keeper.receipt("u7").await;
    keeper.stop();
    let foreign = fs::read(Files::new(elsewhere.path(), 1, PARTITIONS).path(of)).unwrap();
    let keeper = Keeper::ready(&other, elsewhere.path()).await;
    keeper.receipt("u8").await;
    keeper.stop();
    let further = fs::read(Files::new(elsewhere.path(), 1, PARTITIONS).path(of)).unwrap();
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let cut = whole[..whole.len() / 2].to_vec();

    for (bytes, followed) in [
        (whole, 0),
        (damaged, 2),
        (cut, 2),
        (foreign, 2),
        (further, 2),
    ] {
        fs::write(files.path(of), bytes).unwrap();
        let again = Keeper::ready(&world, folder.path()).await;
        assert_eq!(again.followed(), followed);
        assert_eq!(again.receipt("u1").await, receipt);
        again.stop();
    }
    let kept = files.read(of).unwrap().map(|fold| fold.next_offset());
    assert_eq!(kept, Some(2), "a good one stands in its place");
}

#[tokio::test]
async fn a_log_without_its_start_is_answered_from_a_snapshot_of_all_before_or_not_at_all() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let first = Keeper::ready(&world, folder.path()).await;
    define(&first.router, 1, NOW_MS, None).await;
    let receipt = first.receipt("u1").await;
    let of = receipt["partition"].as_u64().unwrap() as u32;
    first.stop();

    let known = Keeper::of(&world, folder.path(), NEVER, 2);
    until(|| known.folds.ready().is_ok()).await;
    assert_eq!(known.receipt("u1").await, receipt);
    known.stop();

    let files = Files::new(folder.path(), 1, PARTITIONS);
    let mut short = Admission::new(of, PARTITIONS);
    world
        .log
        .reader("entries")
        .unwrap()
        .read(of, 0, 1, &mut |batch| {
            batch.records().for_each(|record| {
                short.fold(&record);
            });
            true
        })
        .unwrap();
    files.keep(&short).unwrap();
    let too_short = fs::read(files.path(of)).unwrap();
    for kept in [Some(too_short), None] {
        match &kept {
            Some(bytes) => fs::write(files.path(of), bytes).unwrap(),
            None => fs::remove_file(files.path(of)).unwrap(),
        }
        let blind = Keeper::of(&world, folder.path(), NEVER, 2);
        let halted = || matches!(blind.folds.ready(), Err(Behind::Halted { .. }));
        until(halted).await;
        let why = blind.folds.ready().unwrap_err().to_string();
        assert!(why.contains("begins at offset 2"), "{why}");
        assert!(why.contains("log.entries_generation"), "{why}");
        for user in ["u1", "u2"] {
            let answer = ask(&blind.router, user, Some(user)).await;
            assert_eq!((answer.status, answer.problem()), (503, "behind"));
        }
        blind.stop();
    }
    assert_eq!(world.records(), 2, "nothing was appended meanwhile");
}

#[tokio::test]
async fn a_gateway_whose_log_was_made_anew_answers_no_more() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let is_new = Arc::new(AtomicBool::new(false));
    let reader = Anew(world.log.reader("entries").unwrap(), is_new.clone());
    let files = Files::new(folder.path(), 1, PARTITIONS);
    let folds = Folds::kept(PARTITIONS, Snapshots::new(files, Box::new(reader)));
    let consumer = world.log.consumer("entries", folds.clone()).unwrap();
    let _following = Following::start(folds.clone(), consumer).unwrap();
    until(|| folds.ready().is_ok()).await;
    let router = world.router(folds.clone(), world.log.producer("entries").unwrap());
    define(&router, 2, NOW_MS, None).await;
    assert_eq!(ask(&router, "u1", Some("u1")).await.status, 201);

    // Its client hears nothing of it, as may be; its keeper asks where the log ends.
    is_new.store(true, Ordering::SeqCst);
    let mut keeper = entry::Keeper::new(folds.clone(), Keeping { every: NEVER }, Instant::now());
    for _ in 0..log::SHORT_ANSWERS {
        assert_eq!(folds.ready(), Ok(()));
        keeper.turn(Instant::now, || true);
    }
    assert!(matches!(folds.ready(), Err(Behind::Halted { .. })));
    assert_eq!(ask(&router, "u2", Some("u2")).await.status, 503);
}
