//! Puts a partition's worker together: on an opened checkpoint, with a projection to each store.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Sender, bounded, unbounded};
use log::Batch;
use pipeline::aggregate;
use tokio::runtime;
use views::Sink;

use crate::counting::Counting;
use crate::intake::Handle;
use crate::moment::Moment;
use crate::positions::Opened;
use crate::projection::Projection;
use crate::projector::Projector;
use crate::settings::Settings;
use crate::status::Status;
use crate::worker::{Control, Phase, Worker};
use crate::{checkpointer, outbox};

/// What every worker is made with.
pub struct Nursery {
    /// The processor's.
    pub settings: Arc<Settings>,
    /// Who sends to the stores, and who reads the rows for them.
    pub projectors: Vec<(Projector, aggregate::Reader)>,
    /// Where checkpoints are written.
    pub checkpoints: Sender<checkpointer::Job>,
    /// Where dead letters are delivered.
    pub letters: Sender<outbox::Job>,
    /// Where it says what it does.
    pub status: Status,
}

/// A worker, and how it is spoken to.
pub struct Born {
    /// The worker.
    pub worker: Worker,
    /// Takes its records.
    pub batches: Sender<Batch>,
    /// Takes answers and orders.
    pub control: Sender<Control>,
}

/// Who sends to these stores, on this runtime.
pub fn projectors(
    hot: Option<Arc<dyn Sink>>,
    history: Option<Arc<dyn Sink>>,
    runtime: &runtime::Handle,
) -> Vec<(Projector, aggregate::Reader)> {
    let sinks = [
        (hot, aggregate::Reader::Hot),
        (history, aggregate::Reader::History),
    ];
    sinks
        .into_iter()
        .filter_map(|(sink, reader)| Some((Projector::new(sink?, runtime.clone()), reader)))
        .collect()
}

/// Who reads the states' rows.
pub fn readers(projectors: &[(Projector, aggregate::Reader)]) -> Vec<aggregate::Reader> {
    let mut readers = vec![aggregate::Reader::Checkpoint];
    readers.extend(projectors.iter().map(|(_, reader)| *reader));
    readers
}

impl Nursery {
    /// A worker that begins where the opened checkpoint ends, with a queue of batches of this length.
    pub fn worker(&self, opened: Opened, queue: usize, now: Moment) -> Born {
        let (batches, batches_in) = bounded(queue);
        let (control, control_in) = unbounded();
        let Opened { file, restored, .. } = opened;
        let checkpointed = restored.state.next_offset();
        let worker = Worker {
            counting: Counting::from(&restored.state),
            settings: self.settings.clone(),
            state: restored.state,
            last: restored.last,
            file: Arc::new(Mutex::new(file)),
            batches: batches_in,
            control: control_in,
            me: control.clone(),
            checkpoints: self.checkpoints.clone(),
            letters: self.letters.clone(),
            projections: self.projections(now),
            status: self.status.clone(),
            waiting: restored.outbox,
            delivering: 0,
            checkpointing: false,
            alive: Arc::default(),
            checkpointed,
            checkpoint_at: now.at,
            misrouted: VecDeque::new(),
            halted: None,
            phase: Phase::Folding,
            busy: false,
        };
        Born {
            worker,
            batches,
            control,
        }
    }

    /// The same, on a thread of its own.
    pub(crate) fn spawn(
        &self,
        partition: u32,
        opened: Opened,
        queue: usize,
    ) -> Result<Handle, String> {
        let Born {
            worker,
            batches,
            control,
        } = self.worker(opened, queue, Moment::now());
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

    fn projections(&self, now: Moment) -> Vec<Projection> {
        self.projectors
            .iter()
            .map(|(projector, reader)| {
                let every = match reader {
                    aggregate::Reader::History => self.settings.history_every,
                    _ => self.settings.hot_every,
                };
                Projection::new(projector.clone(), *reader, every, now.at)
            })
            .collect()
    }
}
