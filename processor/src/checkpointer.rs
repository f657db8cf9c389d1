//! Writes checkpoints on a thread of its own, one after the other, until each is written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use pipeline::freeze::ChangeSet;
use pipeline::rejection::DeadLetter;

use crate::checkpoint::{Checkpoint, LastRecord};
use crate::metrics;
use crate::worker::Control;

/// Time between two tries to write, when the disk refuses.
const RETRY: Duration = Duration::from_millis(500);

/// A checkpoint to write.
pub struct Job {
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
}

/// Starts the thread; it ends when every sender of `jobs` is gone, or at `stop` while it retries.
pub fn start(jobs: Receiver<Job>, stop: Arc<AtomicBool>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("checkpoints".to_owned())
        .spawn(move || {
            for job in jobs {
                write(job, &stop);
            }
        })
}

fn write(job: Job, stop: &AtomicBool) {
    let offset = job.change.head.next_offset;
    loop {
        let start = Instant::now();
        let mut file = job.file.lock().unwrap_or_else(PoisonError::into_inner);
        match file.write(&job.change, job.last, &job.outbox) {
            Ok(()) => {
                ::metrics::histogram!(metrics::CHECKPOINT).record(start.elapsed().as_secs_f64());
                // The worker may have gone meanwhile.
                let _ = job.done.send(Control::Checkpointed(offset));
                return;
            }
            Err(error) => {
                tracing::error!(%error, offset, "a checkpoint can't be written; trying again");
                ::metrics::counter!(metrics::RETRIES, "what" => "checkpoint").increment(1);
            }
        }
        drop(file);
        if stop.load(Ordering::Relaxed) {
            return;
        }
        std::thread::sleep(RETRY);
    }
}
