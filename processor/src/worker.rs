//! One partition's loop: fold a batch, then whatever is due of letters, projections, checkpoint.
//!
//! It alone touches the state. What it sends away is frozen at an offset; answers come back as
//! [`Control`]. Nothing here waits for a store, a disk or the log: a thread waits between two turns, and whatever
//! has come is one turn, at a moment that is handed in.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use log::Batch;
use mutants::Mutant;
use pipeline::record::Record;
use pipeline::rejection::{DeadLetter, Reason};
use pipeline::state::{Outcome, State};
use views::Stored;

use crate::checkpoint::{Checkpoint, LastRecord};
use crate::counting::Counting;
use crate::milestones::{self, Milestone};
use crate::moment::Moment;
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

/// What a turn begins with.
pub enum Came {
    /// Records of its partition.
    Batch(Batch),
    /// An answer or an order.
    Control(Control),
    /// Nothing, for a tick.
    Nothing,
    /// Nothing, and nothing will: the intake has gone.
    NoMore,
}

/// How far a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Folding,
    /// The stores are brought up to the last record, unless it takes longer than each is waited for. The partition stands
    /// still meanwhile, and its next owner brings the stores up as well.
    LastProjections {
        since: Instant,
    },
    /// The checkpoint under way is waited for, and the last one, if it could be sent; not for ever. A change set is of use
    /// only after the one before it: while that one can't be written, none is taken.
    LastCheckpoint {
        until: Instant,
        is_sent: bool,
    },
    Ended,
}

/// One partition's worker.
pub struct Worker {
    pub(crate) settings: Arc<Settings>,
    pub(crate) state: State,
    pub(crate) last: Option<LastRecord>,
    pub(crate) file: Arc<Mutex<Checkpoint>>,
    pub(crate) batches: Receiver<Batch>,
    pub(crate) control: Receiver<Control>,
    pub(crate) me: Sender<Control>,
    pub(crate) checkpoints: Sender<checkpointer::Job>,
    pub(crate) letters: Sender<outbox::Job>,
    pub(crate) projections: Vec<Projection>,
    pub(crate) counting: Counting,
    pub(crate) status: Status,
    /// Letters not delivered, oldest first; the first `delivering` are on their way.
    pub(crate) waiting: Vec<DeadLetter>,
    pub(crate) delivering: usize,
    pub(crate) checkpointing: bool,
    /// Held while a checkpoint is waited for.
    pub(crate) alive: Arc<()>,
    pub(crate) checkpointed: u64,
    pub(crate) checkpoint_at: Instant,
    /// Of the last misrouted records, how many were consumed before each.
    pub(crate) misrouted: std::collections::VecDeque<u64>,
    pub(crate) halted: Option<String>,
    pub(crate) phase: Phase,
    /// Whether batches come without a pause.
    pub(crate) busy: bool,
}

impl Worker {
    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        while !self.has_ended() {
            let came = self.wait();
            self.turn(came, Moment::now());
        }
    }

    /// Whether it was told to stop and has done what it does last.
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether a batch may come: else it stands still, or has letters enough to deliver.
    pub fn takes_batches(&self) -> bool {
        self.phase == Phase::Folding && self.halted.is_none() && self.waiting.len() < MOST_WAITING
    }

    /// An answer or an order that has come, without waiting.
    pub fn next_control(&self) -> Option<Control> {
        self.control.try_recv().ok()
    }

    /// Waits for a batch or a control, at most a tick.
    fn wait(&self) -> Came {
        let nothing = crossbeam_channel::never();
        let batches = if self.takes_batches() {
            &self.batches
        } else {
            &nothing
        };
        crossbeam_channel::select! {
            recv(self.control) -> control => control.map_or(Came::NoMore, Came::Control),
            recv(batches) -> batch => batch.map_or(Came::NoMore, Came::Batch),
            default(TICK) => Came::Nothing,
        }
    }

    /// One turn: takes what came, then does whatever is due.
    pub fn turn(&mut self, came: Came, now: Moment) {
        self.take(came, now);
        if self.phase == Phase::Folding {
            self.deliver_letters();
            self.project(now);
            self.checkpoint(now);
            self.report();
        }
        if let Phase::LastProjections { since } = self.phase {
            self.last_projections(since, now);
        }
        if let Phase::LastCheckpoint { until, is_sent } = self.phase {
            self.last_checkpoint(until, is_sent, now);
        }
    }

    fn take(&mut self, came: Came, now: Moment) {
        match came {
            Came::Batch(batch) => {
                self.busy = true;
                self.fold(&batch, now);
            }
            Came::Control(control) => self.obey(control, now),
            Came::Nothing => self.busy = false,
            Came::NoMore => self.end(now),
        }
    }

    fn obey(&mut self, control: Control, now: Moment) {
        match control {
            Control::Stored { number, result } => self.stored(number, result, now),
            Control::Checkpointed(offset) => {
                self.checkpointing = false;
                self.checkpointed = offset;
            }
            Control::Delivered(letters) => {
                self.waiting.drain(..letters);
                self.delivering = 0;
            }
            Control::Inspect(look) => look(&self.state),
            Control::Stop(true) if self.phase == Phase::Folding => {
                self.busy = false;
                self.phase = Phase::LastProjections { since: now.at };
            }
            Control::Stop(_) => self.end(now),
        }
    }

    /// Only the last checkpoint is left to do.
    fn end(&mut self, now: Moment) {
        if self.phase == Phase::Folding {
            self.phase = Phase::LastCheckpoint {
                until: now.at + LAST_CHECKPOINT,
                is_sent: false,
            };
        }
    }

    fn fold(&mut self, batch: &Batch, now: Moment) {
        let start = Instant::now();
        let mut last = None;
        for record in batch.records() {
            if record.offset < self.state.next_offset() {
                tracing::debug!(offset = record.offset, "delivered again; dropped");
                continue;
            }
            let place = milestones::before(self.state.log_time(), record.appended_at, now.epoch_ms);
            if let Some(place) = place
                && !self.checkpointing
            {
                self.folded(last.take());
                self.reach_milestone(place, now);
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

    fn project(&mut self, now: Moment) {
        let behind = self.busy && now.epoch_ms - self.state.log_time() > BEHIND_MS;
        for number in 0..self.projections.len() {
            self.projections[number].step(number, &mut self.state, behind, &self.me, now.at);
        }
    }

    fn stored(&mut self, number: usize, result: Result<Stored, String>, now: Moment) {
        let log_time = self.state.log_time();
        if let Err(why) = self.projections[number].answered(result, log_time, now.at) {
            self.halt(why);
        }
    }

    fn checkpoint(&mut self, now: Moment) {
        let new = self.state.next_offset() - self.checkpointed;
        let due = now.at.duration_since(self.checkpoint_at) >= self.settings.checkpoint_every
            || new >= self.settings.checkpoint_records;
        if self.checkpointing || new == 0 || !due {
            return;
        }
        self.begin_checkpoint(now);
    }

    /// Has a checkpoint written of the state as it is; says its offset and digest.
    fn begin_checkpoint(&mut self, now: Moment) -> Milestone {
        self.checkpointing = true;
        self.checkpoint_at = now.at;
        let job = self.checkpoint_job();
        let (offset, digest) = (job.change.head.next_offset, job.change.head.digest);
        let _ = self.checkpoints.send(job);
        Milestone { offset, digest }
    }

    /// While a checkpoint is being written there is no other: then this milestone is passed over.
    fn reach_milestone(&mut self, place: usize, now: Moment) {
        let milestone = self.begin_checkpoint(now);
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
            outbox: match mutants::is(Mutant::LettersNotKept) {
                true => Vec::new(),
                false => self.waiting.clone(),
            },
            done: self.me.clone(),
            alive: Arc::downgrade(&self.alive),
        }
    }

    fn last_projections(&mut self, since: Instant, now: Moment) {
        for projection in &mut self.projections {
            projection.hurry(now.at);
        }
        self.project(now);
        let (next_offset, waited) = (self.state.next_offset(), now.at.duration_since(since));
        let is_done = |of: &Projection| of.is_at(next_offset) || waited >= of.last_wait();
        if self.projections.iter().all(is_done) {
            self.phase = Phase::LastCheckpoint {
                until: now.at + LAST_CHECKPOINT,
                is_sent: false,
            };
        }
    }

    fn last_checkpoint(&mut self, until: Instant, is_sent: bool, now: Moment) {
        if self.checkpointing && now.at < until {
            return;
        }
        if !self.checkpointing && !is_sent {
            let job = self.checkpoint_job();
            self.checkpointing = self.checkpoints.send(job).is_ok();
            self.phase = Phase::LastCheckpoint {
                until,
                is_sent: true,
            };
            return;
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
        self.phase = Phase::Ended;
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
