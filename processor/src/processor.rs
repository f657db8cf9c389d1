//! Puts a processor together and takes it apart again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Sender, bounded, unbounded};
use log::{Consumer, Positions, Producer, Reader};
use pipeline::aggregate;
use tokio::runtime;
use views::Sink;

use crate::checkpoint::Checkpoint;
use crate::fold_views::FoldViews;
use crate::intake::{Handle, Intake};
use crate::positions::Checkpoints;
use crate::projection::Projection;
use crate::projector::Projector;
use crate::settings::Settings;
use crate::status::Status;
use crate::worker::Worker;
use crate::{checkpointer, lag, outbox};

/// Jobs that may wait for the checkpoint and dead-letter threads: each worker has one of each at most.
const JOBS: usize = 1024;

/// What a processor works with.
pub struct Parts {
    /// Reads the events topic without a group, to know the log again.
    pub reader: Box<dyn Reader>,
    /// Writes the dead-letter topic.
    pub dead_letters: Arc<dyn Producer>,
    /// The hot views, if any.
    pub hot: Option<Arc<dyn Sink>>,
    /// The history, if any.
    pub history: Option<Arc<dyn Sink>>,
    /// Where calls to stores run.
    pub runtime: runtime::Handle,
}

/// A running processor: a member of the group, with a worker for each of its partitions.
pub struct Processor {
    stop: Arc<AtomicBool>,
    intake: Option<JoinHandle<()>>,
    helpers: Vec<JoinHandle<()>>,
    helpers_stop: Arc<AtomicBool>,
    views: FoldViews,
    status: Status,
}

/// What every worker is spawned with.
struct Nursery {
    settings: Arc<Settings>,
    projectors: Vec<(Projector, aggregate::Reader)>,
    checkpoints: Sender<checkpointer::Job>,
    letters: Sender<outbox::Job>,
    status: Status,
}

impl Processor {
    /// Starts. `join` makes the consumer that asks the given positions where to start.
    ///
    /// # Errors
    /// When the consumer can't be made, or the operating system gives no thread.
    pub fn start(
        settings: Settings,
        parts: Parts,
        join: impl FnOnce(Arc<dyn Positions>) -> Result<Box<dyn Consumer>, log::Error>,
    ) -> Result<Self, log::Error> {
        let fatal = |error: std::io::Error| log::Error::Fatal(format!("no thread: {error}"));
        let settings = Arc::new(settings);
        let checkpoints = Arc::new(Checkpoints::new(settings.clone(), parts.reader));
        let consumer = join(checkpoints.clone())?;
        let (stop, helpers_stop) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let views = FoldViews::new(&settings.definition)
            .map_err(|error| log::Error::Fatal(error.to_string()))?;
        let status = Status::default();
        let (checkpoint_jobs, jobs) = bounded(JOBS);
        let checkpointer = checkpointer::start(jobs, helpers_stop.clone()).map_err(fatal)?;
        let (letter_jobs, jobs) = bounded(JOBS);
        let deliverer =
            outbox::start(jobs, parts.dead_letters, helpers_stop.clone()).map_err(fatal)?;
        let lag = lag::start(
            checkpoints.clone(),
            status.clone(),
            settings.clone(),
            helpers_stop.clone(),
        )
        .map_err(fatal)?;
        let sinks = [
            (parts.hot, aggregate::Reader::Hot),
            (parts.history, aggregate::Reader::History),
        ];
        let runtime = parts.runtime;
        let nursery = Nursery {
            settings: settings.clone(),
            projectors: sinks
                .into_iter()
                .filter_map(|(sink, reader)| Some((Projector::new(sink?, runtime.clone()), reader)))
                .collect(),
            checkpoints: checkpoint_jobs,
            letters: letter_jobs,
            status: status.clone(),
        };
        let intake = Intake {
            settings,
            consumer,
            checkpoints,
            spawn: Box::new(move |partition, file, queue| nursery.spawn(partition, file, queue)),
            views: views.clone(),
            status: status.clone(),
            stop: stop.clone(),
            workers: BTreeMap::new(),
            waiting: BTreeMap::new(),
            memory_paused: false,
        };
        let intake = std::thread::Builder::new()
            .name("intake".to_owned())
            .spawn(move || intake.run())
            .map_err(fatal)?;
        Ok(Self {
            stop,
            intake: Some(intake),
            helpers: vec![checkpointer, deliverer, lag],
            helpers_stop,
            views,
            status,
        })
    }

    /// The views as the fold holds them; complete where this process has every partition.
    pub fn views(&self) -> FoldViews {
        self.views.clone()
    }

    /// What each partition is doing.
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Stops gracefully: stores brought up, a last checkpoint of each partition, the group left.
    pub fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(intake) = self.intake.take()
            && intake.join().is_err()
        {
            tracing::error!("the intake died; partitions go on from their last checkpoints");
        }
        // Workers are gone and with them who gives the helpers work; a retry under way ends.
        self.helpers_stop.store(true, Ordering::Relaxed);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper that died has said so in its panic.
            let _ = helper.join();
        }
    }
}

impl Nursery {
    fn spawn(&self, partition: u32, file: Checkpoint, queue: usize) -> Result<Handle, String> {
        let (batches, batches_in) = bounded(queue);
        let (control, control_in) = unbounded();
        let mut readers = vec![aggregate::Reader::Checkpoint];
        readers.extend(self.projectors.iter().map(|(_, reader)| *reader));
        let restored = file
            .load(self.settings.definition.clone(), &readers)
            .map_err(|error| error.to_string())?;
        let checkpointed = restored.state.next_offset();
        let worker = Worker {
            settings: self.settings.clone(),
            state: restored.state,
            last: restored.last,
            file: Arc::new(Mutex::new(file)),
            batches: batches_in,
            control: control_in,
            me: control.clone(),
            checkpoints: self.checkpoints.clone(),
            letters: self.letters.clone(),
            projections: self.projections(),
            status: self.status.clone(),
            waiting: restored.outbox,
            delivering: 0,
            checkpointing: false,
            checkpointed,
            checkpoint_at: Instant::now(),
            misrouted: VecDeque::new(),
            halted: None,
            stopping: false,
            busy: false,
        };
        let thread = std::thread::Builder::new()
            .name(format!("worker-{partition}"))
            .spawn(move || {
                let _span = tracing::error_span!("partition", partition).entered();
                worker.run();
            })
            .map_err(|error| format!("no thread for partition {partition}: {error}"))?;
        Ok(Handle {
            batches,
            control,
            thread,
        })
    }

    fn projections(&self) -> Vec<Projection> {
        self.projectors
            .iter()
            .map(|(projector, reader)| {
                let every = match reader {
                    aggregate::Reader::History => self.settings.history_every,
                    _ => self.settings.hot_every,
                };
                Projection::new(projector.clone(), *reader, every)
            })
            .collect()
    }
}
