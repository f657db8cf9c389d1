//! Puts a processor together and takes it apart again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::bounded;
use log::{Consumer, Positions, Producer, Reader};
use tokio::runtime;
use views::Sink;

use crate::ending::{Ended, Ending};
use crate::ends::{Asking, Ends};
use crate::fold_views::FoldViews;
use crate::intake::Intake;
use crate::nursery::{self, Nursery};
use crate::positions::Checkpoints;
use crate::settings::Settings;
use crate::snapshots::staging::Staging;
use crate::snapshots::taker::Taker;
use crate::snapshots::{self, Snapshots};
use crate::status::Status;
use crate::{checkpointer, lag, outbox};

/// Jobs of each partition that may wait for the checkpoint and dead-letter threads: its worker's, and one that a worker
/// before it has left behind.
const JOBS: usize = 2;

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
    /// Where snapshots are kept, if anywhere.
    pub snapshots: Option<snapshots::Store>,
    /// Where calls to stores run.
    pub runtime: runtime::Handle,
}

/// A running processor: a member of the group, with a worker for each of its partitions.
pub struct Processor {
    stop: Arc<AtomicBool>,
    intake: Option<JoinHandle<()>>,
    helpers: Vec<JoinHandle<()>>,
    helpers_stop: Arc<AtomicBool>,
    asking: Asking,
    views: FoldViews,
    status: Status,
    ended: Ended,
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
        let (stop, helpers_stop) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let views = FoldViews::new(&settings.definition)
            .map_err(|error| log::Error::Fatal(error.to_string()))?;
        let status = Status::default();
        let projectors = nursery::projectors(parts.hot, parts.history, &parts.runtime);
        let (snapshots, mut helpers) = (parts.snapshots, Vec::new());
        let snapshots = snapshots
            .map(|store| Snapshots::new(store, settings.definition.clone(), parts.runtime.clone()));
        let staging = Arc::new(Staging::new(&settings.state_folder));
        let checkpoints = Arc::new(Checkpoints::new(
            settings.clone(),
            nursery::readers(&projectors),
            parts.reader,
            snapshots.clone(),
            staging.clone(),
        ));
        let consumer = join(checkpoints.clone())?;
        let mut taker = None;
        if let Some(snapshots) = snapshots {
            let schedule = settings.snapshots.clone();
            let (started, thread) = Taker::start(snapshots, schedule, staging).map_err(fatal)?;
            helpers.push(thread);
            taker = Some(started);
        }
        let most = JOBS * settings.definition.partitions as usize;
        let (checkpoint_jobs, jobs) = bounded(most);
        helpers.push(checkpointer::start(jobs).map_err(fatal)?);
        let (letter_jobs, jobs) = bounded(most);
        let delivering = outbox::start(jobs, parts.dead_letters, helpers_stop.clone());
        helpers.push(delivering.map_err(fatal)?);
        let (ends, log) = (Ends::default(), checkpoints.log());
        let asking = Asking::start(ends.clone(), status.clone(), move |partition| {
            log.bounds(partition)
        });
        let lag = lag::start(
            ends.clone(),
            status.clone(),
            settings.clone(),
            helpers_stop.clone(),
        );
        helpers.push(lag.map_err(fatal)?);
        let nursery = Nursery {
            settings: settings.clone(),
            projectors,
            checkpoints: checkpoint_jobs,
            letters: letter_jobs,
            status: status.clone(),
        };
        let intake = Intake {
            settings,
            consumer,
            checkpoints,
            spawn: Box::new(move |partition, opened, queue| {
                nursery.spawn(partition, opened, queue)
            }),
            snapshots: taker,
            ends,
            cut: BTreeSet::new(),
            views: views.clone(),
            status: status.clone(),
            stop: stop.clone(),
            workers: BTreeMap::new(),
            waiting: BTreeMap::new(),
            memory_paused: false,
        };
        let (ending, ended) = Ending::new(
            "the thread that polls the log died, which is a bug; its partitions go on from their last checkpoints",
        );
        let intake = std::thread::Builder::new()
            .name("intake".to_owned())
            .spawn(move || ending.of(|| intake.run()))
            .map_err(fatal)?;
        Ok(Self {
            stop,
            intake: Some(intake),
            helpers,
            helpers_stop,
            asking: asking.map_err(fatal)?,
            views,
            status,
            ended,
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

    /// Completes with why, when the processor has ended: it was asked to stop, or the log can't be polled any more.
    pub fn ended(&self) -> impl Future<Output = String> + Send + use<> {
        self.ended.why()
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
        self.asking.stop();
    }
}
