//! Once a second, on a thread of its own: how far the log is ahead, and what the process holds.
//!
//! It asks the log, which may take long when a broker is away; nothing waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use metrics::gauge;

use crate::metrics as names;
use crate::positions::Checkpoints;
use crate::status::{Partition, Status};

const EVERY: Duration = Duration::from_secs(1);

/// Starts the thread; it ends within a second after `stop`.
pub(crate) fn start(
    checkpoints: Arc<Checkpoints>,
    status: Status,
    memory_limit: u64,
    stop: Arc<AtomicBool>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("lag".to_owned())
        .spawn(move || {
            gauge!(names::MEMORY_LIMIT).set(memory_limit as f64);
            while !stop.load(Ordering::Relaxed) {
                gauge!(names::MEMORY).set(status.memory() as f64);
                for (partition, of) in status.partitions() {
                    report(partition, &of);
                    if let Ok(bounds) = checkpoints.bounds(partition) {
                        report_lag(partition, &of, bounds.end);
                    }
                }
                std::thread::park_timeout(EVERY);
            }
        })
}

fn report(partition: u32, of: &Partition) {
    names::tally(partition, &of.tally);
    let label = partition.to_string();
    let halted = f64::from(u8::from(of.halted.is_some()));
    gauge!(names::HALTED, "partition" => label.clone()).set(halted);
    gauge!(names::LETTERS_WAITING, "partition" => label.clone()).set(of.letters_waiting as f64);
    for (what, held) in &of.held {
        gauge!(names::HELD, "partition" => label.clone(), "what" => *what).set(*held as f64);
    }
    for (view, rows) in &of.rows_waiting {
        gauge!(names::ROWS_WAITING, "partition" => label.clone(), "view" => *view)
            .set(*rows as f64);
    }
    for (limit, met) in &of.limits_met {
        metrics::counter!(names::LIMITS_MET, "partition" => label.clone(), "limit" => *limit)
            .absolute(*met);
    }
}

fn report_lag(partition: u32, of: &Partition, end: u64) {
    let lag = end.saturating_sub(of.next_offset);
    let seconds = if lag == 0 || of.log_time == 0 {
        0.0
    } else {
        (names::now_ms() - of.log_time).max(0) as f64 / 1000.0
    };
    let label = partition.to_string();
    gauge!(names::LAG_RECORDS, "partition" => label.clone()).set(lag as f64);
    gauge!(names::LAG_SECONDS, "partition" => label).set(seconds);
}
