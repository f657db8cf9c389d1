//! One partition's loop: fold a batch, then whatever is due of letters, projections, checkpoint.
//!
//! It alone touches the state. What it sends away is frozen at an offset; answers come back as
//! [`Control`]. Nothing here waits for a store, a disk or the log.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use log::Batch;
use pipeline::record::Record;
use pipeline::rejection::{DeadLetter, Reason};
use pipeline::state::{Outcome, State};
use views::Stored;

use crate::checkpoint::{Checkpoint, LastRecord};
use crate::counting::Counting;
use crate::milestones::{self, Milestone};
use crate::outbox::MOST_WAITING;
use crate::projection::Projection;
use crate::settings::Settings;
use crate::status::Status;
use crate::{checkpointer, metrics, outbox};

/// The loop looks at its clock at least this often.
const TICK: Duration = Duration::from_millis(50);
/// Time a stopping worker waits for its last checkpoints: a disk that refuses must not keep a process from ending.
const LAST_CHECKPOINT: Duration = Duration::from_secs(12);
/// A worker whose records come without a pause and are older than this is catching up, milliseconds.
const BEHIND_MS: i64 = 2_000;
/// So many misrouted records …
const MISROUTED_MOST: usize = 100;
/// … among so many are a producer set up wrongly, not a few bad records.
const MISROUTED_AMONG: u64 = 10_000;

/// What comes to a worker besides records.
pub enum Control {
    /// A store answered a projection.
    Stored {
        /// Which projection.
        number: usize,
        /// How far the store holds the partition; an error is final.
        result: Result<Stored, String>,
    },
    /// The checkpoint of this offset is written.
    Checkpointed(u64),
    /// So many of the oldest letters were delivered.
    Delivered(usize),
    /// Look at the state between two batches.
    Inspect(Box<dyn FnOnce(&State) + Send>),
    /// Take a last checkpoint and end; with true, bring the stores up to it first.
    Stop(bool),
}

/// What a worker is made of.
pub(crate) struct Worker {
    pub settings: Arc<Settings>,
    pub state: State,
    pub last: Option<LastRecord>,
    pub file: Arc<Mutex<Checkpoint>>,
    pub batches: Receiver<Batch>,
    pub control: Receiver<Control>,
    pub me: Sender<Control>,
    pub checkpoints: Sender<checkpointer::Job>,
    pub letters: Sender<outbox::Job>,
    pub projections: Vec<Projection>,
    pub counting: Counting,
    pub status: Status,
    /// Letters not delivered, oldest first; the first `delivering` are on their way.
    pub waiting: Vec<DeadLetter>,
    pub delivering: usize,
    pub checkpointing: bool,
    /// Held while a checkpoint is waited for.
    pub alive: Arc<()>,
    pub checkpointed: u64,
    pub checkpoint_at: Instant,
    /// Of the last misrouted records, how many were consumed before each.
    pub misrouted: std::collections::VecDeque<u64>,
    pub halted: Option<String>,
    pub stopping: bool,
    /// Whether batches come without a pause.
    pub busy: bool,
}

impl Worker {
    /// Runs until it is told to stop.
    pub fn run(mut self) {
        while !self.stopping {
            self.wait_and_take();
            self.deliver_letters();
            self.project();
            self.checkpoint();
            self.report();
        }
        self.last_checkpoint();
    }

    /// Waits for a batch or a control, at most a tick, and takes it.
    fn wait_and_take(&mut self) {
        let nothing = crossbeam_channel::never();
        let full = self.halted.is_some() || self.waiting.len() >= MOST_WAITING;
        let batches = if full { &nothing } else { &self.batches };
        crossbeam_channel::select! {
            recv(self.control) -> control => match control {
                Ok(control) => self.obey(control),
                Err(_) => self.stopping = true,
            },
            recv(batches) -> batch => match batch {
                Ok(batch) => {
                    self.busy = true;
                    self.fold(&batch);
                }
                Err(_) => self.stopping = true,
            },
            default(TICK) => self.busy = false,
        }
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Stored { number, result } => self.stored(number, result),
            Control::Checkpointed(offset) => {
                self.checkpointing = false;
                self.checkpointed = offset;
            }
            Control::Delivered(letters) => {
                self.waiting.drain(..letters);
                self.delivering = 0;
            }
            Control::Inspect(look) => look(&self.state),
            Control::Stop(graceful) => {
                if graceful {
                    self.last_projection();
                }
                self.stopping = true;
            }
        }
    }

    fn fold(&mut self, batch: &Batch) {
        let (start, now) = (Instant::now(), metrics::now_ms());
        let mut last = None;
        for record in batch.records() {
            if record.offset < self.state.next_offset() {
                tracing::debug!(offset = record.offset, "delivered again; dropped");
                continue;
            }
            let place = milestones::before(self.state.log_time(), record.appended_at, now);
            if let Some(place) = place
                && !self.checkpointing
            {
                self.folded(last.take());
                self.reach_milestone(place);
            }
            let outcome = self.state.apply(record);
            last = Some(record);
            if outcome == Outcome::DeadLettered(Reason::Misrouted) && self.is_misrouted_often() {
                break;
            }
        }
        self.folded(last);
        self.counting.count(&self.state);
        ::metrics::histogram!(metrics::BATCH).record(start.elapsed().as_secs_f64());
        if self.projections.is_empty() {
            metrics::fresh("fold", self.state.log_time());
        }
    }

    /// What a checkpoint has besides the state: the last record folded, and letters.
    fn folded(&mut self, last: Option<Record<'_>>) {
        if let Some(record) = last {
            self.last = Some(LastRecord::of(&record));
        }
        self.waiting.append(&mut self.state.take_letters());
    }

    /// Halts where the producer's partitioner must be wrong: going on would set its events aside.
    fn is_misrouted_often(&mut self) -> bool {
        let consumed = self.state.tally().consumed;
        self.misrouted.push_back(consumed);
        if self.misrouted.len() < MISROUTED_MOST {
            return false;
        }
        let oldest = self.misrouted.pop_front().unwrap_or(0);
        let often = consumed - oldest < MISROUTED_AMONG && !self.settings.pass_misrouted;
        if often {
            self.halt(format!(
                "{MISROUTED_MOST} of the last {MISROUTED_AMONG} records are misrouted: set the producer's key to the user_id and its partitioner to murmur2_random, or pass --pass-misrouted to set them aside"
            ));
        }
        often
    }

    fn halt(&mut self, why: String) {
        tracing::error!(partition = self.state.partition(), %why, "the partition halts");
        self.halted = Some(why);
    }

    fn deliver_letters(&mut self) {
        if self.delivering > 0 || self.waiting.is_empty() {
            return;
        }
        let letters: Vec<_> = self.waiting.iter().take(outbox::BATCH).cloned().collect();
        self.delivering = letters.len();
        let done = self.me.clone();
        // The thread lives as long as the processor, which stops workers first.
        let _ = self.letters.send(outbox::Job { letters, done });
    }

    fn project(&mut self) {
        let behind = self.busy && metrics::now_ms() - self.state.log_time() > BEHIND_MS;
        for number in 0..self.projections.len() {
            self.projections[number].step(number, &mut self.state, behind, &self.me);
        }
    }

    fn stored(&mut self, number: usize, result: Result<Stored, String>) {
        let log_time = self.state.log_time();
        if let Err(why) = self.projections[number].answered(result, log_time) {
            self.halt(why);
        }
    }

    fn checkpoint(&mut self) {
        let new = self.state.next_offset() - self.checkpointed;
        let due = self.checkpoint_at.elapsed() >= self.settings.checkpoint_every
            || new >= self.settings.checkpoint_records;
        if self.checkpointing || new == 0 || !due {
            return;
        }
        self.begin_checkpoint();
    }

    /// Has a checkpoint written of the state as it is; says its offset and digest.
    fn begin_checkpoint(&mut self) -> Milestone {
        self.checkpointing = true;
        self.checkpoint_at = Instant::now();
        let job = self.checkpoint_job();
        let (offset, digest) = (job.change.head.next_offset, job.change.head.digest);
        let _ = self.checkpoints.send(job);
        Milestone { offset, digest }
    }

    /// While a checkpoint is being written there is no other: then this milestone is passed over.
    fn reach_milestone(&mut self, place: usize) {
        let milestone = self.begin_checkpoint();
        self.status.update(self.state.partition(), |status| {
            status.milestones[place] = Some(milestone);
        });
    }

    fn checkpoint_job(&mut self) -> checkpointer::Job {
        checkpointer::Job {
            partition: self.state.partition(),
            file: self.file.clone(),
            change: self.state.take_change_set(),
            last: self.last,
            outbox: self.waiting.clone(),
            done: self.me.clone(),
            alive: Arc::downgrade(&self.alive),
        }
    }

    /// Waits for the checkpoint under way, takes one more and waits for it; not for ever. A change set is of use
    /// only after the one before it: while that one can't be written, none is taken.
    fn last_checkpoint(&mut self) {
        let deadline = Instant::now() + LAST_CHECKPOINT;
        self.wait_for_checkpoint(deadline);
        if !self.checkpointing {
            let job = self.checkpoint_job();
            self.checkpointing = self.checkpoints.send(job).is_ok();
            self.wait_for_checkpoint(deadline);
        }
        let partition = self.state.partition();
        if self.checkpointing {
            let (folded, kept) = (self.state.next_offset(), self.checkpointed);
            tracing::warn!(
                partition,
                folded,
                kept,
                "the last checkpoint could not be written in time; the records since are folded again"
            );
        }
        self.status.remove(partition);
    }

    fn wait_for_checkpoint(&mut self, deadline: Instant) {
        while self.checkpointing {
            match self.control.recv_deadline(deadline) {
                Ok(Control::Inspect(look)) => look(&self.state),
                Ok(Control::Stop(_)) => {}
                Ok(control) => self.obey(control),
                Err(_) => return,
            }
        }
    }

    /// Brings every store up to the last record, unless it takes longer than the store is waited for. The partition
    /// stands still meanwhile, and its next owner brings the store up as well.
    fn last_projection(&mut self) {
        self.busy = false;
        let start = Instant::now();
        loop {
            for projection in &mut self.projections {
                projection.hurry();
            }
            self.project();
            let (next_offset, waited) = (self.state.next_offset(), start.elapsed());
            let is_done = |of: &Projection| of.is_at(next_offset) || waited >= of.last_wait();
            if self.projections.iter().all(is_done) {
                return;
            }
            match self.control.recv_timeout(TICK) {
                Ok(Control::Stop(_)) | Err(_) => {}
                Ok(control) => self.obey(control),
            }
        }
    }

    fn report(&mut self) {
        let (state, projections) = (&self.state, &self.projections);
        let (checkpointed, letters) = (self.checkpointed, self.waiting.len());
        let halted = self.halted.clone();
        self.status.update(state.partition(), |status| {
            status.next_offset = state.next_offset();
            status.log_time = state.log_time();
            status.checkpointed = checkpointed;
            status.tally = state.tally().clone();
            status.letters_waiting = letters;
            status.memory = state.memory();
            status.users = state.users();
            status.held = state.sizes().to_vec();
            // The log may have halted the partition as well, which the worker doesn't know.
            if halted.is_some() {
                status.halted = halted;
            }
            for projection in projections {
                let name = projection.name();
                status.rows_waiting.insert(name, projection.waiting(state));
                if let Some(offset) = projection.stored_offset() {
                    status.stored.insert(name, offset);
                }
            }
        });
    }
}
