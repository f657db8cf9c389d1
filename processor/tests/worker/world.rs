//! A log, two stores, and processors on them.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::NewRecord;
use log::embedded::Log;
use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use processor::checkpoint::Checkpoint;
use processor::{Parts, Processor, Settings};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::judge::Judge;
use crate::store::Store;
use crate::wait_for;

pub const EVENTS: &str = schemas::topics::EVENTS;
pub const DEAD_LETTERS: &str = schemas::topics::DEAD_LETTERS;
/// 2026-11-22T09:00:00Z.
pub const START: i64 = 1_795_338_000_000;

pub struct World {
    pub definition: Arc<Definition>,
    pub log: Arc<Log>,
    pub judge: Arc<Mutex<Judge>>,
    pub hot: Arc<Store>,
    pub history: Arc<Store>,
    /// The log's clock, milliseconds since the epoch.
    pub now: Arc<AtomicI64>,
    pub runtime: Runtime,
    /// Holds the log.
    pub _folder: TempDir,
}

pub fn definition(partitions: u32) -> Arc<Definition> {
    Arc::new(Definition {
        partitions,
        hash_key: "000102030405060708090a0b0c0d0e0f".to_owned(),
        dedup_slot_ms: 3_600_000,
        hot_days: Some(2),
        ..Definition::default()
    })
}

impl World {
    pub fn new(partitions: u32, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(START));
        let clock = now.clone();
        let clock = Box::new(move || clock.load(Ordering::Relaxed));
        let path = folder.path().join("log.sqlite");
        let log = Log::open_with_clock(&path, partitions, clock).unwrap();
        let definition = definition(partitions);
        let reader = log.reader(EVENTS).unwrap();
        let judge = Arc::new(Mutex::new(Judge::new(definition.clone(), reader)));
        let hot = Store::new("hot", Reader::Hot, judge.clone(), seed);
        let history = Store::new("history", Reader::History, judge.clone(), seed + 1);
        Self {
            definition,
            log,
            judge,
            hot: Arc::new(hot),
            history: Arc::new(history),
            now,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
            _folder: folder,
        }
    }

    pub fn append(&self, records: Vec<NewRecord>) {
        self.log.producer(EVENTS).unwrap().append(records).unwrap();
    }

    pub fn settings(&self, state: &Path) -> Settings {
        Settings {
            checkpoint_every: Duration::from_millis(20),
            hot_every: Duration::from_millis(1),
            history_every: Duration::from_millis(5),
            ..Settings::new(self.definition.clone(), state.to_owned())
        }
    }

    pub fn parts(&self, stores: bool) -> Parts {
        let store = |store: &Arc<Store>| stores.then(|| store.clone() as Arc<dyn views::Sink>);
        Parts {
            reader: self.log.reader(EVENTS).unwrap(),
            dead_letters: self.log.producer(DEAD_LETTERS).unwrap(),
            hot: store(&self.hot),
            history: store(&self.history),
            snapshots: None,
            runtime: self.runtime.handle().clone(),
        }
    }

    /// A processor of all partitions, before both stores.
    pub fn start(&self, state: &Path) -> Processor {
        self.start_with(self.settings(state), true)
    }

    pub fn start_with(&self, settings: Settings, stores: bool) -> Processor {
        let join = |positions| self.log.consumer(EVENTS, positions);
        Processor::start(settings, self.parts(stores), join).unwrap()
    }

    /// The ends of all partitions.
    pub fn ends(&self) -> Vec<u64> {
        let mut judge = self.judge.lock().unwrap();
        let partitions = 0..self.definition.partitions;
        partitions.map(|partition| judge.end(partition)).collect()
    }

    /// Waits until everything in the log has been folded, kept and delivered.
    pub fn wait_until_done(&self, processor: &Processor) {
        let ends = self.ends();
        wait_for("the processor to come to the log's end", || {
            let partitions = processor.status().partitions();
            ends.iter().enumerate().all(|(partition, end)| {
                partitions.get(&(partition as u32)).is_some_and(|status| {
                    status.next_offset == *end
                        && status.checkpointed == *end
                        && status.letters_waiting == 0
                })
            })
        });
    }

    /// Waits until both stores hold everything.
    pub fn wait_until_stored(&self) {
        for store in [&self.hot, &self.history] {
            for partition in 0..self.definition.partitions {
                wait_for("a store to hold the whole log", || {
                    store.is_whole(partition)
                });
            }
        }
    }

    /// What a kill at this moment would leave of a state folder.
    pub fn left_by_a_kill(&self, state: &Path) -> TempDir {
        let left = tempfile::tempdir().unwrap();
        for partition in 0..self.definition.partitions {
            let from = Checkpoint::path(state, &self.definition, partition);
            let to = Checkpoint::path(left.path(), &self.definition, partition);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            if from.exists() {
                let file = rusqlite::Connection::open(from).unwrap();
                file.execute("VACUUM INTO ?1", [to.to_str().unwrap()])
                    .unwrap();
            }
        }
        left
    }

    /// Asserts that the dead-letter topic has each letter of the fold, and no other, at least once.
    pub fn check_letters(&self) -> usize {
        use pipeline::record::Headers;
        use schemas::headers;
        let mut found = std::collections::BTreeMap::new();
        let mut topic = self.log.reader(DEAD_LETTERS).unwrap();
        for partition in 0..self.definition.partitions {
            let end = topic.bounds(partition).unwrap().end;
            let mut take = |batch: &log::Batch| {
                for record in batch.records() {
                    let text = |name| {
                        let bytes = record.headers.get(name).unwrap();
                        String::from_utf8(bytes.to_vec()).unwrap()
                    };
                    let key = String::from_utf8(record.key.to_vec()).unwrap();
                    let at = format!("{}/{}", text(headers::PARTITION), text(headers::OFFSET));
                    assert_eq!(key, at);
                    let original = Headers(record.headers.0).get(headers::KEY).unwrap();
                    let letter = (
                        text(headers::REASON),
                        text(headers::DETAIL),
                        text(headers::APPENDED_AT),
                        original.to_vec(),
                        record.value.to_vec(),
                    );
                    let before = found.insert(key, letter.clone());
                    assert!(before.is_none_or(|before| before == letter), "{letter:?}");
                }
                true
            };
            topic.read(partition, 0, end, &mut take).unwrap();
        }
        let mut judge = self.judge.lock().unwrap();
        let mut expected = std::collections::BTreeMap::new();
        for partition in 0..self.definition.partitions {
            for letter in judge.whole(partition).take_letters() {
                expected.insert(
                    format!("{}/{}", letter.partition, letter.offset),
                    (
                        letter.rejection.reason.as_str().to_owned(),
                        letter.rejection.detail,
                        letter.appended_at.to_string(),
                        letter.key,
                        letter.value,
                    ),
                );
            }
        }
        assert_eq!(found, expected);
        expected.len()
    }

    /// Asserts that the checkpoints in a state folder are the fold of the whole log.
    pub fn check_checkpoints(&self, state: &Path) {
        for partition in 0..self.definition.partitions {
            let file = Checkpoint::open(state, &self.definition, partition).unwrap();
            let restored = file.load(self.definition.clone(), &[]).unwrap();
            let expected = self.judge.lock().unwrap().whole(partition);
            assert_eq!(restored.state.next_offset(), expected.next_offset());
            assert_eq!(restored.state.digest(), expected.digest(), "{partition}");
            assert!(restored.state.tally().is_conserved());
            assert!(restored.outbox.is_empty(), "letters were not delivered");
        }
    }
}
