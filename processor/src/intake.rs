//! Polls the log and hands each partition's batches to its worker, never blocking on one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};
use log::{Batch, Consumer, Delivery};

use crate::ends::Ends;
use crate::fold_views::FoldViews;
use crate::metrics;
use crate::positions::Checkpoints;
use crate::settings::Settings;
use crate::snapshots::taker::Taker;
use crate::status::Status;
use crate::worker::Control;

/// Batches in a worker's queue.
const QUEUE: usize = 8;
/// Time a worker may have no room before its partition pauses; until then the intake waits for it. A pause drops
/// what the Kafka client has fetched ahead, so it must be rare.
const PATIENCE: Duration = Duration::from_millis(250);
const POLL: Duration = Duration::from_millis(50);
const POLL_WHILE_PAUSED: Duration = Duration::from_millis(5);
const ROOM_PAUSE: Duration = Duration::from_millis(1);
/// Below this share of the limit, paused partitions go on.
const MEMORY_RESUME: f64 = 0.95;

/// A worker, from outside.
pub(crate) struct Handle {
    pub batches: Sender<Batch>,
    pub control: Sender<Control>,
    pub thread: JoinHandle<()>,
}

/// Starts a worker on an opened checkpoint, with a queue of batches of this length.
pub(crate) type Spawn =
    Box<dyn Fn(u32, crate::positions::Opened, usize) -> Result<Handle, String> + Send>;

/// Batches that a partition's worker has no room for.
pub(crate) struct Waiting {
    batches: VecDeque<Batch>,
    since: Instant,
    paused: bool,
}

pub(crate) struct Intake {
    pub settings: Arc<Settings>,
    pub consumer: Box<dyn Consumer>,
    pub checkpoints: Arc<Checkpoints>,
    pub spawn: Spawn,
    /// Takes snapshots, where there is a place for them.
    pub snapshots: Option<Taker>,
    pub ends: Ends,
    /// Partitions that halt because their log ends before what was folded of it.
    pub cut: BTreeSet<u32>,
    pub views: FoldViews,
    pub status: Status,
    pub stop: Arc<AtomicBool>,
    pub workers: BTreeMap<u32, Handle>,
    pub waiting: BTreeMap<u32, Waiting>,
    pub memory_paused: bool,
}

impl Intake {
    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// Why the log can't be polled any more; its partitions are checkpointed all the same.
    pub fn run(mut self) -> Result<(), log::Error> {
        ::metrics::gauge!(metrics::MEMORY_PAUSED).set(0.0);
        let polled = self.poll_until_stopped();
        let all = self.workers.keys().copied().collect();
        self.release(all, true);
        if let Some(snapshots) = &self.snapshots {
            snapshots.finish(self.settings.snapshots.last);
        }
        self.consumer.leave();
        polled
    }

    fn poll_until_stopped(&mut self) -> Result<(), log::Error> {
        let mut failed = String::new();
        while !self.stop.load(Ordering::Relaxed) {
            self.hand_over();
            self.watch_memory();
            self.watch_ends();
            if self.waiting.values().any(|waiting| !waiting.paused) {
                std::thread::sleep(ROOM_PAUSE);
                continue;
            }
            let timeout = if self.waiting.is_empty() {
                POLL
            } else {
                POLL_WHILE_PAUSED
            };
            match self.consumer.poll(timeout) {
                Ok(deliveries) => deliveries.into_iter().for_each(|d| self.take(d)),
                Err(error @ log::Error::Transient(_)) => {
                    ::metrics::counter!(metrics::RETRIES, "what" => "log").increment(1);
                    let why = error.to_string();
                    if why != failed {
                        tracing::error!(why, "the log can't be polled; trying again");
                        failed = why;
                    }
                    std::thread::sleep(POLL);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn take(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Assigned(partitions) => {
                tracing::info!(?partitions, "assigned");
                partitions.into_iter().for_each(|p| self.own(p));
            }
            Delivery::Revoked(partitions) => {
                tracing::info!(?partitions, "revoked");
                self.release(partitions, false);
            }
            Delivery::Batch(batch) => {
                let waiting = self.waiting.entry(batch.partition);
                let waiting = waiting.or_insert_with(|| Waiting {
                    batches: VecDeque::new(),
                    since: Instant::now(),
                    paused: false,
                });
                waiting.batches.push_back(batch);
                self.hand_over();
            }
            Delivery::Delayed { partition, why } => {
                self.halt(
                    partition,
                    format!("it can't start yet, and is tried again: {why}"),
                );
            }
            Delivery::Halted { partition, error } => self.halt(partition, error.to_string()),
        }
    }

    fn halt(&self, partition: u32, why: String) {
        tracing::error!(partition, %why, "the partition halts");
        self.status
            .update(partition, |status| status.halted = Some(why));
    }

    fn own(&mut self, partition: u32) {
        let Some(opened) = self.checkpoints.take(partition) else {
            return;
        };
        let file = opened.file.file().to_owned();
        let started = (opened.from(), opened.position());
        match (self.spawn)(partition, opened, QUEUE) {
            Ok(handle) => {
                if let Some(snapshots) = &self.snapshots {
                    snapshots.own(partition, &file);
                }
                self.status.update(partition, |status| {
                    status.started = Some(started);
                    status.halted = None;
                });
                self.views.add(partition, handle.control.clone());
                self.workers.insert(partition, handle);
                if self.memory_paused {
                    self.consumer.pause(partition);
                }
            }
            Err(why) => {
                self.consumer.pause(partition);
                self.halt(partition, why);
            }
        }
    }

    /// Stops workers, all at once, and waits for their last checkpoints.
    fn release(&mut self, partitions: Vec<u32>, graceful: bool) {
        let mut threads = Vec::new();
        for partition in partitions {
            self.waiting.remove(&partition);
            self.cut.remove(&partition);
            self.views.remove(partition);
            if let Some(handle) = self.workers.remove(&partition) {
                // A worker that ended already needs no word.
                let _ = handle.control.send(Control::Stop(graceful));
                // The queue stays open: a worker that finds it closed ends without a last projection.
                threads.push((partition, handle.thread, handle.batches));
            } else {
                self.status.remove(partition);
            }
        }
        for (partition, thread, _batches) in threads {
            if thread.join().is_err() {
                tracing::error!("a worker died; its partition goes on from its last checkpoint");
            }
            if let Some(snapshots) = &self.snapshots {
                snapshots.leave(partition);
            }
        }
    }

    /// Gives waiting batches to workers with room; pauses the partitions of those that have none for long.
    fn hand_over(&mut self) {
        let Self {
            waiting,
            workers,
            consumer,
            memory_paused,
            ..
        } = self;
        let mut died = Vec::new();
        waiting.retain(|partition, waiting| {
            let Some(worker) = workers.get(partition) else {
                return false;
            };
            while let Some(batch) = waiting.batches.pop_front() {
                match worker.batches.try_send(batch) {
                    Ok(()) => {}
                    Err(TrySendError::Full(batch)) => {
                        waiting.batches.push_front(batch);
                        break;
                    }
                    Err(TrySendError::Disconnected(_)) => {
                        died.push(*partition);
                        return false;
                    }
                }
            }
            if !waiting.batches.is_empty() {
                if !waiting.paused && waiting.since.elapsed() >= PATIENCE {
                    waiting.paused = true;
                    consumer.pause(*partition);
                }
                return true;
            }
            // Fetching begins anew: half a queue of work lies between.
            let goes_on = !waiting.paused || worker.batches.len() <= QUEUE / 2;
            if waiting.paused && goes_on && !*memory_paused {
                consumer.resume(*partition);
            }
            !goes_on
        });
        for partition in died {
            // A panic in the fold is fatal to its partition: skipping the record is a new definition.
            self.workers.remove(&partition);
            self.views.remove(partition);
            self.consumer.pause(partition);
            let next = self
                .status
                .partitions()
                .get(&partition)
                .map(|p| p.next_offset);
            self.halt(
                partition,
                format!(
                    "the worker died after offset {next:?}; this is a bug: report the record there"
                ),
            );
        }
    }

    /// A log that ends before what was folded was made anew or truncated: nothing of it is taken any more.
    fn watch_ends(&mut self) {
        for (partition, error) in self.ends.cut() {
            if self.workers.contains_key(&partition) && self.cut.insert(partition) {
                self.consumer.pause(partition);
                self.halt(partition, error.to_string());
            }
        }
    }

    /// Memory is the limit: at it, partitions pause with an alarm.
    fn watch_memory(&mut self) {
        let (memory, limit) = (
            self.status.memory() as f64,
            self.settings.memory_limit as f64,
        );
        let paused = memory >= limit || (self.memory_paused && memory >= limit * MEMORY_RESUME);
        if paused != self.memory_paused {
            self.memory_paused = paused;
            if paused {
                tracing::error!(
                    memory,
                    limit,
                    "the memory limit is met: partitions pause; raise memory_limit or add processes"
                );
            }
            for partition in self.workers.keys() {
                // One whose worker has no room goes on when it has.
                let is_full = self.waiting.get(partition).is_some_and(|of| of.paused);
                match paused {
                    true => self.consumer.pause(*partition),
                    false if is_full || self.cut.contains(partition) => {}
                    false => self.consumer.resume(*partition),
                }
            }
            ::metrics::gauge!(metrics::MEMORY_PAUSED).set(f64::from(u8::from(paused)));
        }
    }
}
