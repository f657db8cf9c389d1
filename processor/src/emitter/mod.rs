//! Tells the events topic who was admitted: one `Enter` event for each admission of the entries topic.
//!
//! Each counts exactly once, without transactions: an event names the admission log as its source and its place there,
//! and the fold of events passes over what its register for that source has seen. So it is enough that every event is
//! appended at last, in order, and that none is in a partition before one it should follow. Hence: what is not
//! acknowledged is appended again, from the first on; and a position is kept only once everything below it is
//! acknowledged. A process that begins at any such position, late, twice, or beside another, changes no number.

mod event;
mod feed;
mod files;
mod progress;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use log::{Consumer, Delivery, Positions, Producer, Reader};
use metrics::counter;
use mutants::Mutant;

use self::feed::Feed;
use self::files::Files;
use self::progress::Progress;
pub use self::progress::{Looks, Of};
use crate::ending::{Ended, Ending};
use crate::metrics as names;

/// Events appended in one call.
const CALL: usize = 1_000;
const POLL: Duration = Duration::from_millis(50);
/// Pause after a call that failed.
const RETRY: Duration = Duration::from_millis(500);

/// What an emitter is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Partitions of the entries topic.
    pub partitions: u32,
    /// How many times the entries topic was made anew, from 1: part of the source's name.
    pub generation: u32,
    /// Where positions are kept.
    pub folder: PathBuf,
    /// How often.
    pub keep_every: Duration,
}

/// A running emitter: a member of a group of its own.
pub struct Emitter {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    progress: Progress,
    ended: Ended,
}

impl Emitter {
    /// Starts. `join` makes the consumer of the entries topic that asks the given positions where to start; `events`
    /// must leave no gaps; `ends` reads the entries topic.
    ///
    /// # Errors
    /// When the consumer can't be made, or the operating system gives no thread.
    pub fn start(
        settings: Settings,
        events: Arc<dyn Producer>,
        ends: Box<dyn Reader>,
        join: impl FnOnce(Arc<dyn Positions>) -> Result<Box<dyn Consumer>, log::Error>,
    ) -> Result<Self, log::Error> {
        let fatal = |error: std::io::Error| log::Error::Fatal(format!("no thread: {error}"));
        let stop = Arc::<AtomicBool>::default();
        let looped = Loop::new(settings, events, join)?;
        let progress = looped.progress.clone();
        let looking = looped.looks().start(ends, stop.clone());
        let mut threads = vec![looking.map_err(fatal)?];
        let (ending, ended) = Ending::new(
            "the thread that tells of admissions died, which is a bug; it goes on where it was",
        );
        let stopping = stop.clone();
        let emitting = std::thread::Builder::new()
            .name("emitter".to_owned())
            .spawn(move || ending.of(|| looped.run(&stopping)));
        threads.push(emitting.map_err(fatal)?);
        Ok(Self {
            stop,
            threads,
            progress,
            ended,
        })
    }

    /// The first partition that stands still until someone decides, and why.
    pub fn halted(&self) -> impl Fn() -> Option<(u32, String)> + Send + Sync + use<> {
        let progress = self.progress.clone();
        move || {
            let mut all = progress.all().into_iter();
            all.find_map(|(partition, of)| Some((partition, of.halted?)))
        }
    }

    /// Completes with why, when it has ended: it was asked to stop, or the log can't be polled any more.
    pub fn ended(&self) -> impl Future<Output = String> + Send + use<> {
        self.ended.why()
    }

    /// Stops: positions kept, the group left. A call under way is waited for.
    pub fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // One that died has said so in its panic.
            let _ = thread.join();
        }
    }
}

/// What the emitter's thread does, a step at a time.
pub struct Loop {
    settings: Settings,
    consumer: Box<dyn Consumer>,
    files: Arc<Files>,
    events: Arc<dyn Producer>,
    progress: Progress,
    feeds: BTreeMap<u32, Feed>,
    /// Why the last call failed; partitions are paused until one does not.
    refused: Option<String>,
}

impl Loop {
    /// As [`Emitter::start`], without a thread.
    ///
    /// # Errors
    /// When the consumer can't be made.
    pub fn new(
        settings: Settings,
        events: Arc<dyn Producer>,
        join: impl FnOnce(Arc<dyn Positions>) -> Result<Box<dyn Consumer>, log::Error>,
    ) -> Result<Self, log::Error> {
        let Settings {
            generation,
            partitions,
            ..
        } = settings;
        let files = Arc::new(Files::new(&settings.folder, generation, partitions));
        Ok(Self {
            consumer: join(files.clone())?,
            settings,
            files,
            events,
            progress: Progress::default(),
            feeds: BTreeMap::new(),
            refused: None,
        })
    }

    fn run(mut self, stop: &AtomicBool) -> Result<(), log::Error> {
        let mut failed = String::new();
        let mut ended = Ok(());
        while !stop.load(Ordering::Relaxed) {
            match self.step() {
                Ok(()) => failed.clear(),
                Err(error @ log::Error::Transient(_)) => {
                    counter!(names::RETRIES, "what" => "log").increment(1);
                    let why = error.to_string();
                    if why != failed {
                        tracing::error!(why, "the entries topic can't be polled; trying again");
                        failed = why;
                    }
                    std::thread::sleep(RETRY);
                }
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
        }
        self.keep(Duration::ZERO);
        self.consumer.leave();
        ended
    }

    /// How far each partition is.
    pub fn progress(&self) -> BTreeMap<u32, Of> {
        self.progress.all()
    }

    /// What looks at the end of the entries topic beside the loop.
    pub fn looks(&self) -> Looks {
        Looks::new(self.progress.clone())
    }

    /// Takes what the log has, tells it, keeps the position if due.
    ///
    /// # Errors
    /// When the entries topic can't be polled.
    pub fn step(&mut self) -> Result<(), log::Error> {
        let wait = if self.refused.is_some() { RETRY } else { POLL };
        for delivery in self.consumer.poll(wait)? {
            self.take(delivery);
        }
        self.heed();
        self.emit();
        self.keep(self.settings.keep_every);
        Ok(())
    }

    fn take(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Assigned(partitions) => {
                for partition in partitions {
                    if let Some(admission) = self.files.take(partition) {
                        let feed = Feed::new(admission, self.settings.generation);
                        tracing::info!(
                            partition,
                            position = feed.position(),
                            "admissions are told"
                        );
                        self.progress
                            .set(partition, |of| of.position = feed.position());
                        self.feeds.insert(partition, feed);
                    }
                    if self.refused.is_some() {
                        self.consumer.pause(partition);
                    }
                }
            }
            Delivery::Revoked(partitions) => {
                // What was not acknowledged is told by the next owner.
                for partition in partitions {
                    self.keep_one(partition, Duration::ZERO);
                    self.feeds.remove(&partition);
                    self.progress.remove(partition);
                }
            }
            Delivery::Batch(batch) => {
                let partition = batch.partition;
                if let Some(feed) = self.feeds.get_mut(&partition)
                    && let Err(why) = feed.take(&batch)
                {
                    self.consumer.pause(partition);
                    self.halt(partition, why);
                }
            }
            Delivery::Delayed { partition, why } => {
                tracing::warn!(partition, why, "admissions can't be told yet; trying again");
            }
            Delivery::Halted { partition, error } => self.halt(partition, error.to_string()),
        }
    }

    /// Nothing more is taken of a partition whose log was found to be another.
    fn heed(&mut self) {
        for (partition, of) in self.progress.all() {
            if let Some(why) = of.halted
                && self.feeds.contains_key(&partition)
            {
                self.consumer.pause(partition);
                self.halt(partition, why);
            }
        }
    }

    fn halt(&mut self, partition: u32, why: String) {
        tracing::error!(partition, why, "admissions are told no further");
        self.feeds.remove(&partition);
        self.progress.set(partition, |of| of.halted = Some(why));
    }

    /// Appends what waits, in order, until all of it is acknowledged or a call fails.
    fn emit(&mut self) {
        for (partition, feed) in &mut self.feeds {
            loop {
                let events = feed.next(CALL);
                let count = events.len();
                if count == 0 {
                    break;
                }
                if let Err(error) = self.events.append(events)
                    && !mutants::is(Mutant::EmitterTimesOut)
                {
                    return self.is_refused(&error);
                }
                feed.acknowledged(count);
                counter!(names::ENTERS_EMITTED, "partition" => partition.to_string())
                    .increment(count as u64);
            }
            let position = feed.position();
            self.progress.set(*partition, |of| of.position = position);
        }
        if self.refused.take().is_some() {
            tracing::info!("admissions are told again");
            for partition in self.feeds.keys() {
                self.consumer.resume(*partition);
            }
        }
    }

    /// Nothing is given up: partitions pause, and the same is appended again.
    fn is_refused(&mut self, error: &log::Error) {
        counter!(names::RETRIES, "what" => "enters").increment(1);
        let why = error.to_string();
        if self.refused.is_none() {
            for partition in self.feeds.keys() {
                self.consumer.pause(*partition);
            }
        }
        if self.refused.as_ref() != Some(&why) {
            tracing::error!(
                why,
                "admissions can't be told to the events topic; trying again"
            );
        }
        self.refused = Some(why);
    }

    fn keep(&mut self, every: Duration) {
        let partitions: Vec<u32> = self.feeds.keys().copied().collect();
        for partition in partitions {
            self.keep_one(partition, every);
        }
    }

    fn keep_one(&mut self, partition: u32, every: Duration) {
        let Some(feed) = self.feeds.get_mut(&partition) else {
            return;
        };
        if feed.kept_at.elapsed() < every {
            return;
        }
        let Some(admission) = feed.to_keep() else {
            return;
        };
        match self.files.keep(admission) {
            Ok(()) => feed.is_kept(),
            Err(error) => {
                feed.kept_at = std::time::Instant::now();
                tracing::error!(partition, %error, folder = %self.settings.folder.display(), "how far admissions are told can't be kept; after a restart more of them are told again");
            }
        }
    }
}
