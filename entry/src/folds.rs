//! The fold of each partition of `footfall.entries`, and whether it may be asked.
//!
//! Nothing is answered from a fold that has not reached where the log ended when the following began.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use log::{Appended, Batch, NoStart, Positions};
use metrics::Counter;
use pipeline::admission::Admission;
use schemas::partition::partition_of;
use tokio::sync::oneshot;

use crate::metrics::records_followed;
use crate::snapshots::Snapshots;

/// The fold of each partition.
pub struct Folds {
    all: Vec<Fold>,
    snapshots: Option<Snapshots>,
}

struct Fold {
    state: Mutex<State>,
    followed: Counter,
}

struct State {
    admission: Admission,
    /// Where the log ended when the following began; unknown before.
    end: Option<u64>,
    /// Why the partition is not followed any further.
    halted: Option<String>,
    /// Who waits until the record at an offset is folded: each is woken for its own, and not for those before.
    waiting: Waiting,
}

/// By the offset that they wait for.
type Waiting = BTreeMap<u64, Vec<oneshot::Sender<()>>>;

/// Why a partition's fold can't be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Behind {
    /// It has not reached the end yet that the log had at the start.
    #[error("partition {partition} of the entries is folded up to {folded}, not yet to its end")]
    Folding {
        /// The partition.
        partition: u32,
        /// How far.
        folded: u64,
    },
    /// It is not followed any further.
    #[error("partition {partition} of the entries can't be followed: {why}")]
    Halted {
        /// The partition.
        partition: u32,
        /// Why.
        why: String,
    },
}

impl Folds {
    /// Folds of a topic with so many partitions, from its first record on.
    pub fn new(partitions: u32) -> Arc<Self> {
        Self::of(partitions, None)
    }

    /// Folds that go on from snapshots, and are kept in them while they are followed.
    pub fn kept(partitions: u32, snapshots: Snapshots) -> Arc<Self> {
        Self::of(partitions, Some(snapshots))
    }

    fn of(partitions: u32, snapshots: Option<Snapshots>) -> Arc<Self> {
        let fold = |partition| Fold {
            state: Mutex::new(State {
                admission: Admission::new(partition, partitions),
                end: None,
                halted: None,
                waiting: BTreeMap::new(),
            }),
            followed: records_followed(partition),
        };
        let all = (0..partitions).map(fold).collect();
        Arc::new(Self { all, snapshots })
    }

    /// Whether every partition may be asked.
    ///
    /// # Errors
    /// The first that may not.
    pub fn ready(&self) -> Result<(), Behind> {
        let all = (0u32..).zip(&self.all);
        all.into_iter()
            .try_for_each(|(partition, fold)| fold.state().check(partition))
    }

    /// The partition of an activity.
    pub(crate) fn partition_of(&self, activity: &str) -> u32 {
        partition_of(activity.as_bytes(), self.partitions())
    }

    pub(crate) fn partitions(&self) -> u32 {
        self.all.len() as u32
    }

    pub(crate) fn snapshots(&self) -> Option<&Snapshots> {
        self.snapshots.as_ref()
    }

    /// What the fold of an activity's partition says.
    pub(crate) fn look<T>(
        &self,
        activity: &str,
        look: impl FnOnce(&Admission) -> T,
    ) -> Result<T, Behind> {
        let partition = self.partition_of(activity);
        let state = self.all[partition as usize].state();
        state.check(partition)?;
        Ok(look(&state.admission))
    }

    /// Waits until the record at that place is folded.
    pub(crate) async fn folded(&self, at: Appended) {
        let Some(fold) = self.all.get(at.partition as usize) else {
            return;
        };
        let told = {
            let mut state = fold.state();
            if at.offset < state.admission.next_offset() {
                return;
            }
            let (tell, told) = oneshot::channel();
            state.waiting.entry(at.offset).or_default().push(tell);
            told
        };
        // The other end lives as long as the fold.
        let _ = told.await;
    }

    /// The first offset of each partition that is not folded yet.
    pub(crate) fn next(&self) -> impl Iterator<Item = (u32, u64)> {
        let all = (0u32..).zip(&self.all);
        all.map(|(partition, fold)| (partition, fold.state().admission.next_offset()))
    }

    /// The fold of a partition, whether or not it may be asked.
    pub fn with<T>(&self, partition: u32, with: impl FnOnce(&Admission) -> T) -> Option<T> {
        let fold = self.all.get(partition as usize)?;
        Some(with(&fold.state().admission))
    }

    pub(crate) fn fold(&self, batch: &Batch) {
        let Some(fold) = self.all.get(batch.partition as usize) else {
            return;
        };
        let mut state = fold.state();
        if state.halted.is_some() {
            return;
        }
        for record in batch.records() {
            state.admission.fold(&record);
        }
        let reached = state.reached();
        drop(state);
        wake(reached);
        fold.followed.increment(batch.len() as u64);
    }

    /// A partition is followed no further. The first reason stays.
    pub(crate) fn halt(&self, partition: u32, why: &str) {
        let Some(fold) = self.all.get(partition as usize) else {
            return;
        };
        let mut state = fold.state();
        if state.halted.is_none() {
            tracing::error!(partition, why, "the entries can't be followed");
            state.halted = Some(why.to_owned());
        }
    }

    /// Partitions of which it is not known where they ended when the following began.
    pub(crate) fn endless(&self) -> Vec<u32> {
        let all = (0u32..).zip(&self.all);
        all.filter(|(_, fold)| fold.state().end.is_none())
            .map(|(partition, _)| partition)
            .collect()
    }

    pub(crate) fn ends_at(&self, partition: u32, end: u64) {
        if let Some(fold) = self.all.get(partition as usize) {
            fold.state().end = Some(end);
        }
    }
}

impl Fold {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on from a fold, unless this one is there already.
    fn begin(&self, admission: Admission) -> u64 {
        let mut state = self.state();
        if state.admission.next_offset() < admission.next_offset() {
            state.admission = admission;
        }
        let (next, reached) = (state.admission.next_offset(), state.reached());
        drop(state);
        wake(reached);
        next
    }
}

/// Whoever has gone meanwhile is not missed.
fn wake(reached: Waiting) {
    for tell in reached.into_values().flatten() {
        let _ = tell.send(());
    }
}

impl State {
    /// Those whose records are folded by now.
    fn reached(&mut self) -> Waiting {
        let later = self.waiting.split_off(&self.admission.next_offset());
        std::mem::replace(&mut self.waiting, later)
    }

    fn check(&self, partition: u32) -> Result<(), Behind> {
        let folded = self.admission.next_offset();
        if let Some(why) = &self.halted {
            let why = why.clone();
            return Err(Behind::Halted { partition, why });
        }
        match self.end {
            Some(end) if end <= folded => Ok(()),
            _ => Err(Behind::Folding { partition, folded }),
        }
    }
}

/// A consumer of the topic begins where the folds end.
impl Positions for Folds {
    fn start(&self, partition: u32) -> Result<u64, NoStart> {
        let Some(fold) = self.all.get(partition as usize) else {
            let known = self.all.len();
            return Err(NoStart::Fatal(format!(
                "the entries had {known} partitions and have more; start the gateway again"
            )));
        };
        match &self.snapshots {
            Some(snapshots) => Ok(fold.begin(snapshots.beginning(partition)?)),
            None => Ok(fold.state().admission.next_offset()),
        }
    }
}
