//! A processor, taken apart: its workers, and what they have sent away. Each moves when the scheduler says so.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, unbounded};
use log::{NoStart, Positions, Producer};
use processor::nursery::{Born, Nursery, projectors, readers};
use processor::positions::Checkpoints;
use processor::snapshots::staging::Staging;
use processor::snapshots::{Snapshots, taker};
use processor::status::Status;
use processor::worker::{Came, Control, Worker};
use processor::{Settings, checkpointer, outbox};
use tokio::runtime::Handle;
use views::Sink;

use crate::clock::Clock;
use crate::topic::Topic;

/// What a processor is made of, besides its settings.
pub struct Parts {
    /// The log it reads.
    pub events: Topic,
    /// Where dead letters go.
    pub letters: Arc<dyn Producer>,
    /// The hot views.
    pub hot: Arc<dyn Sink>,
    /// The history.
    pub history: Arc<dyn Sink>,
    /// Where snapshots are kept.
    pub snapshots: Snapshots,
    /// Where calls to stores run.
    pub runtime: Handle,
}

/// One processor.
pub struct Node {
    events: Topic,
    producer: Arc<dyn Producer>,
    checkpoints: Checkpoints,
    nursery: Nursery,
    jobs: Receiver<checkpointer::Job>,
    letters: Receiver<outbox::Job>,
    snapshots: Snapshots,
    staging: Arc<Staging>,
    /// What the disk refused.
    refused: VecDeque<checkpointer::Job>,
    /// What the dead-letter topic refused.
    undelivered: VecDeque<outbox::Job>,
    owned: BTreeMap<u32, Owned>,
}

struct Owned {
    worker: Worker,
    /// Holds the way to the worker open.
    _born: (
        crossbeam_channel::Sender<log::Batch>,
        crossbeam_channel::Sender<Control>,
    ),
    next: u64,
    file: PathBuf,
    snapshot: Option<u64>,
}

/// Where a partition goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The first offset not folded.
    pub offset: u64,
    /// What it was restored from.
    pub from: &'static str,
    /// Of the state.
    pub digest: u64,
}

impl Node {
    /// Starts, and has no partition.
    pub fn new(settings: Settings, parts: Parts) -> Self {
        let settings = Arc::new(settings);
        let staging = Arc::new(Staging::new(&settings.state_folder));
        let projectors = projectors(Some(parts.hot), Some(parts.history), &parts.runtime);
        let checkpoints = Checkpoints::new(
            settings.clone(),
            readers(&projectors),
            Box::new(parts.events.clone()),
            Some(parts.snapshots.clone()),
            staging.clone(),
        );
        let ((checkpoint_jobs, jobs), (letter_jobs, letters)) = (unbounded(), unbounded());
        Self {
            events: parts.events,
            producer: parts.letters,
            checkpoints,
            nursery: Nursery {
                settings,
                projectors,
                checkpoints: checkpoint_jobs,
                letters: letter_jobs,
                status: Status::default(),
            },
            jobs,
            letters,
            snapshots: parts.snapshots,
            staging,
            refused: VecDeque::new(),
            undelivered: VecDeque::new(),
            owned: BTreeMap::new(),
        }
    }

    /// The partitions that it has.
    pub fn owned(&self) -> Vec<u32> {
        self.owned.keys().copied().collect()
    }

    /// Is given a partition: goes on from what it finds.
    ///
    /// # Errors
    /// Why it has no start.
    pub fn own(&mut self, partition: u32, clock: &Clock) -> Result<Start, NoStart> {
        let offset = self.checkpoints.start(partition)?;
        let opened = self.checkpoints.take(partition).unwrap();
        let (file, from) = (opened.file.file().to_owned(), opened.from());
        let digest = opened.restored.state.digest();
        let Born {
            worker,
            batches,
            control,
        } = self.nursery.worker(opened, 1, clock.now());
        let owned = Owned {
            worker,
            _born: (batches, control),
            next: offset,
            file,
            snapshot: None,
        };
        self.owned.insert(partition, owned);
        Ok(Start {
            offset,
            from,
            digest,
        })
    }

    /// The first record of a partition that it has not been given.
    pub fn next(&self, partition: u32) -> Option<u64> {
        self.owned.get(&partition).map(|owned| owned.next)
    }

    /// One turn of a partition: takes an answer if one has come, else at most so many records. What came, in words.
    pub fn turn(&mut self, partition: u32, records: u64, clock: &Clock) -> String {
        let Some(owned) = self.owned.get_mut(&partition) else {
            return "has it no longer".to_owned();
        };
        let (came, said) = match owned.worker.next_control() {
            Some(control) => {
                let said = said(&control);
                (Came::Control(control), said)
            }
            None => {
                let to = self.events.end(partition).min(owned.next + records);
                if owned.next < to && owned.worker.takes_batches() {
                    let batch = self.events.batch(partition, owned.next, to);
                    let said = format!("records {}..{to}", owned.next);
                    owned.next = to;
                    (Came::Batch(batch), said)
                } else {
                    (Came::Nothing, "nothing".to_owned())
                }
            }
        };
        owned.worker.turn(came, clock.now());
        if owned.worker.has_ended() {
            self.owned.remove(&partition);
            return format!("{said}, and ends");
        }
        said
    }

    /// Records come again that were delivered before.
    pub fn deliver_again(&mut self, partition: u32, back: u64) {
        if let Some(owned) = self.owned.get_mut(&partition) {
            owned.next = owned.next.saturating_sub(back);
        }
    }

    /// Is told to let a partition go; with `graceful`, after its stores were brought up.
    pub fn stop(&mut self, partition: u32, graceful: bool, clock: &Clock) {
        if let Some(owned) = self.owned.get_mut(&partition) {
            owned
                .worker
                .turn(Came::Control(Control::Stop(graceful)), clock.now());
            if owned.worker.has_ended() {
                self.owned.remove(&partition);
            }
        }
    }

    /// Writes the oldest checkpoint that waits; the disk may refuse.
    pub fn write(&mut self, refuses: bool) -> Option<u64> {
        let (job, tried) = match self.refused.pop_front() {
            Some(job) => (job, true),
            None => (self.jobs.try_recv().ok()?, false),
        };
        let offset = job.change.head.next_offset;
        let full = refuses.then(|| Full::disk(&job));
        let left = checkpointer::attempt(job, tried);
        drop(full);
        if let Some(job) = left {
            self.refused.push_back(job);
            return None;
        }
        Some(offset)
    }

    /// Delivers the oldest letters that wait.
    pub fn deliver(&mut self) -> Option<usize> {
        let waiting = self.undelivered.pop_front();
        let job = waiting.or_else(|| self.letters.try_recv().ok())?;
        let count = job.letters.len();
        if !outbox::attempt(&job, self.producer.as_ref()) {
            self.undelivered.push_back(job);
            return None;
        }
        Some(count)
    }

    /// Takes a snapshot of a partition.
    pub fn snapshot(&mut self, partition: u32) -> Option<u64> {
        let owned = self.owned.get_mut(&partition)?;
        let (file, before): (&Path, _) = (&owned.file, owned.snapshot);
        let taken = taker::take(&self.snapshots, &self.staging, partition, file, before);
        let name = taken.unwrap()?;
        owned.snapshot = Some(name.offset);
        Some(name.offset)
    }

    /// Why a partition of it stands still.
    pub fn halted(&self) -> Option<String> {
        let all = self.nursery.status.partitions();
        all.into_values().find_map(|status| status.halted)
    }

    /// Whether a partition is folded, kept and told up to its end.
    pub fn is_done(&self, partition: u32) -> bool {
        let (all, end) = (self.nursery.status.partitions(), self.events.end(partition));
        all.get(&partition).is_some_and(|status| {
            status.next_offset == end && status.checkpointed == end && status.letters_waiting == 0
        })
    }
}

/// While it lives, a checkpoint file takes no transaction, as on a full disk.
struct Full(rusqlite::Connection);

impl Full {
    fn disk(job: &checkpointer::Job) -> Self {
        let file = job.file.lock().unwrap().file().to_owned();
        let connection = rusqlite::Connection::open(file).unwrap();
        let refuse =
            "CREATE TRIGGER full BEFORE INSERT ON head BEGIN SELECT RAISE(ABORT, 'full'); END";
        connection.execute_batch(refuse).unwrap();
        Self(connection)
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        self.0.execute_batch("DROP TRIGGER full").unwrap();
    }
}

fn said(control: &Control) -> String {
    match control {
        Control::Stored { number, result } => format!("the answer of store {number}: {result:?}"),
        Control::Checkpointed(offset) => format!("checkpointed at {offset}"),
        Control::Delivered(letters) => format!("{letters} letters delivered"),
        Control::Inspect(_) | Control::Stop(_) => "an order".to_owned(),
    }
}
