//! All that a run is made of: topics, stores, disks, and the processes on them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use object_store::memory::InMemory;
use pipeline::definition::Definition;
use processor::Settings;
use processor::checkpoint::Checkpoint;
use processor::snapshots::{Schedule, Snapshots, Store};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use views::redis::Keys;

use crate::clock::Clock;
use crate::dice::Dice;
use crate::gateways::Gateways;
use crate::judge::Judge;
use crate::node::{Node, Parts};
use crate::opensearch::Cluster;
use crate::redis::{Network, Servers};
use crate::teller::Teller;
use crate::topic::{Failing, Topic};
use crate::traffic::Traffic;

/// Partitions of the topics.
pub const PARTITIONS: u32 = 2;
/// Machines with a disk each.
pub const HOSTS: usize = 2;
/// Processors at most; every other one is on the same machine.
pub const NODES: usize = 4;
/// Emitters at most.
pub const TELLERS: usize = 2;
/// Replicas of Redis.
pub const REPLICAS: usize = 2;
/// Times in a hundred that a call to the log fails, while there are faults.
const LOG_FAILS: i64 = 20;

thread_local! {
    /// Carries snapshots, which are waited for; its thread that reads and writes files serves every run.
    static CARRIER: Runtime = Builder::new_current_thread().enable_time().build().unwrap();
}

/// What happened, so that a run that proves nothing is seen.
pub type Counts = BTreeMap<&'static str, u64>;

/// Everything of one run.
pub struct World {
    pub dice: Dice,
    pub clock: Clock,
    pub definition: Arc<Definition>,
    pub events: Topic,
    pub entries: Topic,
    pub letters: Topic,
    pub log_fails: Arc<AtomicI64>,
    pub judge: Judge,
    pub traffic: Traffic,
    pub redis: Network,
    /// Names of keys, by partition.
    pub keys: Vec<Keys>,
    pub search: Cluster,
    /// What its checkpoints last claimed, by partition.
    pub claims: BTreeMap<u32, Option<u64>>,
    pub nodes: Vec<Option<Node>>,
    pub tellers: Vec<Option<Teller>>,
    pub gateways: Gateways,
    /// Checkpoint files as they once were, by machine and partition.
    pub old_files: BTreeMap<(usize, u32), Vec<PathBuf>>,
    pub counts: Counts,
    snapshots: Snapshots,
    folder: TempDir,
    tokens: Arc<AtomicI64>,
    /// What was done, where that is wanted.
    pub trace: Option<Vec<String>>,
}

impl World {
    /// Empty stores, and no process yet.
    pub fn new(seed: u64, is_traced: bool) -> Self {
        let (dice, clock) = (Dice::new(seed), Clock::new());
        let definition = Arc::new(Definition {
            partitions: PARTITIONS,
            hash_key: "000102030405060708090a0b0c0d0e0f".to_owned(),
            dedup_slot_ms: 3_600_000,
            hot_days: Some(2),
            lateness_ms: Some(3 * 86_400_000),
            ..Definition::default()
        });
        let topic = || Topic::new(PARTITIONS, clock.broker());
        let (events, entries, letters) = (topic(), topic(), topic());
        let objects = Store::of(Arc::new(InMemory::new()));
        let carrier = CARRIER.with(|carrier| carrier.handle().clone());
        let snapshots = Snapshots::new(objects, definition.clone(), carrier);
        Self {
            judge: Judge::new(definition.clone(), events.clone()),
            traffic: Traffic::new(dice.clone(), PARTITIONS),
            redis: Network::new(Servers::new(REPLICAS)),
            keys: (0..PARTITIONS)
                .map(|partition| Keys::new(&definition, partition))
                .collect(),
            search: Cluster::new(),
            claims: BTreeMap::new(),
            nodes: (0..NODES).map(|_| None).collect(),
            tellers: (0..TELLERS).map(|_| None).collect(),
            gateways: Gateways::new(seed, entries.clone()),
            old_files: BTreeMap::new(),
            counts: Counts::new(),
            log_fails: Arc::new(AtomicI64::new(LOG_FAILS)),
            tokens: Arc::default(),
            folder: in_memory(),
            trace: is_traced.then(Vec::new),
            dice,
            clock,
            definition,
            events,
            entries,
            letters,
            snapshots,
        }
    }

    /// One more of these.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Says what is done, where that is wanted.
    pub fn say(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(what());
        }
    }

    /// The state folder of a machine.
    pub fn state_of(&self, host: usize) -> PathBuf {
        self.folder.path().join(format!("host-{host}"))
    }

    /// The usual checkpoint file of a partition on a machine.
    pub fn file_of(&self, host: usize, partition: u32) -> PathBuf {
        Checkpoint::path(&self.state_of(host), &self.definition, partition)
    }

    /// A place for a copy of a file.
    pub fn place_for_copy(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn failing(&self, topic: &Topic) -> Arc<Failing> {
        Arc::new(Failing::new(
            topic.clone(),
            self.dice.clone(),
            self.log_fails.clone(),
        ))
    }

    /// Starts a processor, without partitions.
    pub fn start_node(&mut self, slot: usize) {
        let settings = Settings {
            checkpoint_every: Duration::from_millis(200),
            hot_every: Duration::from_millis(10),
            history_every: Duration::from_millis(50),
            // Nobody waits for another's file: it is held, or it is not.
            handover: Duration::ZERO,
            snapshots: Schedule {
                ahead: 8,
                ..Schedule::default()
            },
            ..Settings::new(self.definition.clone(), self.state_of(slot % HOSTS))
        };
        let parts = Parts {
            events: self.events.clone(),
            letters: self.failing(&self.letters),
            hot: Arc::new(self.hot(slot as u32)),
            history: Arc::new(self.history()),
            snapshots: self.snapshots.clone(),
            runtime: self.clock.runtime().handle().clone(),
        };
        self.nodes[slot] = Some(Node::new(settings, parts));
    }

    /// Redis, as that client knows it. Small limits: much of what a change brings then is a fill.
    fn hot(&self, client: u32) -> views::redis::Store {
        let tokens = self.tokens.clone();
        let token = move || format!("{:016x}", tokens.fetch_add(1, Ordering::Relaxed));
        let limits = views::redis::Limits {
            rows_per_chunk: 12,
            rows_per_change: 60,
            ..views::redis::Limits::default()
        };
        let store = views::redis::Store::over(self.redis.client(client), &self.definition, token);
        store.unwrap().with_limits(limits)
    }

    /// OpenSearch.
    fn history(&self) -> views::opensearch::Store {
        let config = views::opensearch::Config {
            urls: Vec::new(),
            access: views::opensearch::Access::default(),
            prefix: String::new(),
            definition: (*self.definition).clone(),
            shards: 1,
            replicas: 0,
            documents_per_second: 0,
        };
        let wire = Arc::new(self.search.clone());
        views::opensearch::Store::over(config, wire, self.search.ends()).unwrap()
    }

    /// Redis, as readers know it.
    pub fn reader(&self) -> views::redis::Store {
        self.hot(NODES as u32)
    }

    /// Starts an emitter.
    pub fn start_teller(&mut self, slot: usize) {
        let folder = self.teller_folder(slot);
        let (keeps, most) = (self.dice.percent(50), 1 + self.dice.below(7));
        let events = self.failing(&self.events);
        let teller = Teller::new(&folder, self.entries.clone(), events, keeps, most);
        self.tellers[slot] = Some(teller);
    }

    /// Where an emitter keeps how far it is.
    pub fn teller_folder(&self, slot: usize) -> PathBuf {
        self.folder.path().join(format!("teller-{slot}"))
    }
}

/// A folder that lies in memory where the system has such a place.
fn in_memory() -> TempDir {
    let shared = Path::new("/dev/shm");
    let folder = match shared.is_dir() {
        true => tempfile::tempdir_in(shared),
        false => tempfile::tempdir(),
    };
    folder.unwrap()
}
