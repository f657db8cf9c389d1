//! Writes checkpoints on a thread of its own, each until it is written or nobody waits for it.
//!
//! A disk that refuses holds up no fold, no projection and no other partition's checkpoint. What a worker changes
//! meanwhile stays marked in its state: one change set a partition is all that is kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use metrics::{counter, gauge, histogram};
use pipeline::freeze::ChangeSet;
use pipeline::rejection::DeadLetter;

use crate::checkpoint::{Checkpoint, LastRecord};
use crate::metrics as names;
use crate::worker::Control;

/// Time between two tries to write, when the disk refuses.
const RETRY: Duration = Duration::from_millis(500);

/// A checkpoint to write. Its worker sends the next when this one is written, so that none overtakes another.
pub struct Job {
    /// The partition.
    pub partition: u32,
    /// The file.
    pub file: Arc<Mutex<Checkpoint>>,
    /// What changed since the last one.
    pub change: ChangeSet,
    /// The last record folded.
    pub last: Option<LastRecord>,
    /// Letters not delivered.
    pub outbox: Vec<DeadLetter>,
    /// Who waits for it.
    pub done: Sender<Control>,
    /// Held by who waits: when they are gone, nothing is tried again, and the file is let go.
    pub alive: Weak<()>,
}

/// A checkpoint that the disk refused.
struct Refused {
    job: Job,
    again: Instant,
}

/// Starts the thread; it ends when every sender of `jobs` is gone, and with them who waits.
pub fn start(jobs: Receiver<Job>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("checkpoints".to_owned())
        .spawn(move || {
            let mut refused = VecDeque::new();
            while let Some((job, tried)) = next(&jobs, &mut refused) {
                if let Some(job) = attempt(job, tried) {
                    let again = Instant::now() + RETRY;
                    refused.push_back(Refused { job, again });
                }
            }
        })
}

/// A new job, or one that was refused long enough ago; whether it was tried before.
fn next(jobs: &Receiver<Job>, refused: &mut VecDeque<Refused>) -> Option<(Job, bool)> {
    let Some(first) = refused.front() else {
        return Some((jobs.recv().ok()?, false));
    };
    match jobs.recv_deadline(first.again) {
        Ok(job) => Some((job, false)),
        Err(RecvTimeoutError::Timeout) => refused.pop_front().map(|of| (of.job, true)),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

/// Tries to write; gives the job back when it must be tried again. `tried` says that it was refused before: only a change
/// is worth a line.
pub fn attempt(job: Job, tried: bool) -> Option<Job> {
    let (start, partition) = (Instant::now(), job.partition);
    let offset = job.change.head.next_offset;
    let failing = gauge!(names::CHECKPOINT_FAILING, "partition" => partition.to_string());
    let written = {
        let mut file = job.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write(&job.change, job.last, &job.outbox)
    };
    match written {
        Ok(()) => {
            histogram!(names::CHECKPOINT).record(start.elapsed().as_secs_f64());
            failing.set(0.0);
            if tried {
                tracing::info!(partition, offset, "checkpoints can be written again");
            }
            // The worker may have gone meanwhile.
            let _ = job.done.send(Control::Checkpointed(offset));
            None
        }
        Err(error) => {
            counter!(names::RETRIES, "what" => "checkpoint").increment(1);
            failing.set(1.0);
            if !tried {
                tracing::error!(
                    %error, partition, offset,
                    "a checkpoint can't be written; folding goes on, and the checkpoint is tried until it is written"
                );
            }
            let is_awaited = job.alive.strong_count() > 0;
            if !is_awaited {
                // Another process has the partition now, or none: it fails here no longer.
                failing.set(0.0);
            }
            is_awaited.then_some(job)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pipeline::aggregate::Reader;
    use pipeline::definition::Definition;
    use pipeline::state::State;

    use super::*;

    /// Of partition 0, in a folder where nothing can be written.
    fn refused(folder: &std::path::Path, alive: &Arc<()>) -> Job {
        let definition = Arc::new(Definition {
            hash_key: "00".repeat(16),
            ..Definition::default()
        });
        let file = Checkpoint::open(folder, &definition, 0).unwrap();
        let path = Checkpoint::path(folder, &definition, 0);
        let saboteur = rusqlite::Connection::open(path).unwrap();
        saboteur
            .execute_batch("CREATE TRIGGER refuse BEFORE INSERT ON head BEGIN SELECT RAISE(ABORT, 'refused'); END")
            .unwrap();
        let mut state = State::with_readers(definition, 0, &[Reader::Checkpoint]).unwrap();
        Job {
            partition: 0,
            file: Arc::new(Mutex::new(file)),
            change: state.take_change_set(),
            last: None,
            outbox: Vec::new(),
            done: crossbeam_channel::unbounded().0,
            alive: Arc::downgrade(alive),
        }
    }

    #[test]
    fn a_partition_that_leaves_while_its_checkpoint_is_refused_fails_here_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = telemetry::metrics::recorder().unwrap();
        let _here = ::metrics::set_default_local_recorder(&recorder);
        let says = |value| format!("{}{{partition=\"0\"}} {value}", names::CHECKPOINT_FAILING);
        let text = || recorder.handle().render();
        let alive = Arc::new(());
        let job = attempt(refused(folder.path(), &alive), false).unwrap();
        assert!(text().contains(&says(1)), "{}", text());
        drop(alive);
        assert!(attempt(job, true).is_none(), "nobody waits for it");
        assert!(text().contains(&says(0)), "{}", text());
    }
}
