//! A writer and readers of the same partitions, while something happens to their servers.
//!
//! The writer does as a projector does: what was not answered is sent again, what is not there
//! before a change is sent too, and what is missing is filled. Readers judge every image they see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pipeline::row::Row;
use tokio::task::JoinHandle;
use views::redis::{Address, Store};
use views::{Error, Sink, Stored};

use super::{Redis, SMALL, until};
use crate::conformance::log::Log;
use crate::conformance::suite;

/// Between two changes of the writer, so that the log lasts for what is to happen.
const PACE: Duration = Duration::from_millis(50);
/// Between two reads of a partition: ten times a second or more often.
const BETWEEN_READS: Duration = Duration::from_millis(20);
/// Before a call that failed is repeated.
const RETRY: Duration = Duration::from_millis(50);
/// Readers, each with a connection of its own.
const READERS: usize = 2;

/// What was seen.
#[derive(Default)]
pub struct Seen {
    /// Images judged.
    pub judged: AtomicU64,
    /// Times that a reader met an earlier offset than before.
    pub went_back: AtomicU64,
    /// Times that a reader was told that a partition is not there.
    pub missing: AtomicU64,
    /// Calls of the writer that failed.
    pub failed: AtomicU64,
    /// Fills.
    pub filled: AtomicU64,
    /// Where the writer is, by partition.
    pub at: Vec<AtomicU64>,
}

/// The writer and the readers.
pub struct Traffic {
    pub back: Redis,
    pub seen: Arc<Seen>,
    logs: Arc<Vec<Log>>,
    hurry: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    writer: JoinHandle<()>,
    readers: Vec<JoinHandle<()>>,
}

impl Traffic {
    /// Starts them on a definition of so many partitions.
    pub async fn start(address: &Address, seed: u64, partitions: u32) -> Self {
        let back = Redis::at(address.clone(), partitions).await;
        let logs = Arc::new(suite::logs(seed, &back));
        let seen = Arc::new(Seen {
            at: logs.iter().map(|_| AtomicU64::new(0)).collect(),
            ..Seen::default()
        });
        let (hurry, over) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        for log in logs.iter() {
            back.store.apply(&log.change(0, 0)).await.unwrap();
        }
        let mut readers = Vec::new();
        for _ in 0..READERS {
            let store = Store::connect_to_read(address.clone(), &back.definition).await;
            let (logs, seen, over) = (logs.clone(), seen.clone(), over.clone());
            let store = store.unwrap();
            readers.push(tokio::spawn(async move {
                read(&store, &logs, &seen, &over).await
            }));
        }
        let store = back.store.clone().with_limits(SMALL);
        let of_writer = (logs.clone(), seen.clone(), hurry.clone());
        let writer = tokio::spawn(async move {
            let (logs, seen, hurry) = of_writer;
            write(&store, &logs, &seen, &hurry).await;
        });
        Self {
            back,
            seen,
            logs,
            hurry,
            over,
            writer,
            readers,
        }
    }

    /// The key of a partition's meta.
    pub fn meta(&self, partition: u32) -> String {
        format!("ff:{{{}:{partition}}}:meta", self.back.definition.id())
    }

    /// Waits until the writer has got so much further with a partition; returns the seconds.
    pub async fn further(&self, partition: usize, records: u64) -> f64 {
        let start = Instant::now();
        let at = || self.seen.at[partition].load(Ordering::SeqCst);
        let wanted = at() + records;
        assert!(
            wanted < self.logs[partition].end(),
            "the log is too short for what happens"
        );
        until(async || {
            assert!(!self.writer.is_finished(), "the writer gave up");
            at() >= wanted
        })
        .await;
        start.elapsed().as_secs_f64()
    }

    /// Lets the writer come to the end of the logs, and judges what is then there.
    pub async fn end(self, what: &str) {
        self.hurry.store(true, Ordering::SeqCst);
        self.writer.await.unwrap();
        let enough = self.seen.judged.load(Ordering::SeqCst) + READERS as u64;
        until(async || {
            let judged = self.seen.judged.load(Ordering::SeqCst);
            judged >= enough || self.readers.iter().any(JoinHandle::is_finished)
        })
        .await;
        self.over.store(true, Ordering::SeqCst);
        for reader in self.readers {
            reader.await.unwrap();
        }
        let ends: Vec<u64> = self.logs.iter().map(Log::end).collect();
        suite::judge(&self.back, &self.logs, &ends).await;
        let get = |count: &AtomicU64| count.load(Ordering::SeqCst);
        eprintln!(
            "{what}: {} images judged, the offset went back {} times, missing {} times, {} writes failed, {} fills",
            get(&self.seen.judged),
            get(&self.seen.went_back),
            get(&self.seen.missing),
            get(&self.seen.failed),
            get(&self.seen.filled)
        );
    }
}

async fn write(store: &Store, logs: &[Log], seen: &Seen, hurry: &AtomicBool) {
    let at = |partition: usize| seen.at[partition].load(Ordering::SeqCst);
    while logs.iter().enumerate().any(|(p, log)| at(p) < log.end()) {
        for (partition, log) in logs.iter().enumerate() {
            let base = at(partition);
            let hurry = hurry.load(Ordering::SeqCst);
            let to = (base + if hurry { 40 } else { 1 }).min(log.end());
            let mut stored = store.apply(&log.change(base, to)).await;
            if matches!(stored, Ok(Stored::Missing)) {
                seen.filled.fetch_add(1, Ordering::SeqCst);
                stored = store.fill(&log.whole(to)).await;
            }
            match stored {
                Ok(Stored::At(offset)) => seen.at[partition].store(offset, Ordering::SeqCst),
                Ok(Stored::Missing) => {}
                Err(Error::Transient { .. }) => {
                    seen.failed.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => panic!("the writer must go on, and was told: {error}"),
            }
            if !hurry {
                tokio::time::sleep(PACE).await;
            }
        }
    }
}

async fn read(store: &Store, logs: &[Log], seen: &Seen, over: &AtomicBool) {
    let mut last = vec![0; logs.len()];
    while !over.load(Ordering::SeqCst) {
        for (partition, log) in logs.iter().enumerate() {
            match store.dump_partition(partition as u32).await {
                Ok((stamp, rows)) => {
                    judge(log, stamp.offset, rows.into_iter().collect());
                    assert_eq!(stamp.log_time, log.log_time(stamp.offset));
                    seen.judged.fetch_add(1, Ordering::SeqCst);
                    if stamp.offset < last[partition] {
                        seen.went_back.fetch_add(1, Ordering::SeqCst);
                    }
                    last[partition] = stamp.offset;
                }
                Err(Error::Incomplete { .. }) => {
                    seen.missing.fetch_add(1, Ordering::SeqCst);
                }
                Err(Error::Transient { .. }) => tokio::time::sleep(RETRY).await,
                Err(error) => panic!("a reader must go on, and was told: {error}"),
            }
        }
        tokio::time::sleep(BETWEEN_READS).await;
    }
}

fn judge(log: &Log, at: u64, rows: BTreeMap<pipeline::row::RowKey, Row>) {
    let image = log.image(at);
    for (key, row) in image {
        assert_eq!(rows.get(key), Some(row.as_ref()), "{key:?} at {at}");
    }
    let more = rows.keys().find(|key| !image.contains_key(key));
    assert_eq!(more, None, "a row that is not in the image at {at}");
}
