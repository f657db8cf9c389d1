//! Delivers dead letters to their topic, keyed by their coordinates, until each is acknowledged.
//!
//! A crash between delivery and checkpoint delivers a letter again: readers take one of each key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use log::{NewRecord, Producer};
use pipeline::record::Headers;
use pipeline::rejection::DeadLetter;
use schemas::headers;
use telemetry::trace::Trace;

use crate::metrics;
use crate::worker::Control;

/// Letters sent in one call.
pub const BATCH: usize = 1000;
/// Letters a partition holds undelivered before it stops folding.
pub const MOST_WAITING: usize = 20_000;
const RETRY: Duration = Duration::from_millis(500);

/// Letters to deliver.
pub struct Job {
    /// The letters.
    pub letters: Vec<DeadLetter>,
    /// Who waits for it.
    pub done: Sender<Control>,
}

/// Starts the thread; it ends when every sender of `jobs` is gone, or at `stop` while it retries.
pub fn start(
    jobs: Receiver<Job>,
    producer: Arc<dyn Producer>,
    stop: Arc<AtomicBool>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("dead-letters".to_owned())
        .spawn(move || {
            for job in jobs {
                deliver(&job, producer.as_ref(), &stop);
            }
        })
}

fn deliver(job: &Job, producer: &dyn Producer, stop: &AtomicBool) {
    job.letters.iter().for_each(say);
    while !stop.load(Ordering::Relaxed) && !attempt(job, producer) {
        std::thread::sleep(RETRY);
    }
}

/// Tries to deliver; whether all letters are acknowledged.
pub fn attempt(job: &Job, producer: &dyn Producer) -> bool {
    match producer.append(job.letters.iter().map(record).collect()) {
        Ok(_) => {
            // The worker may have gone meanwhile.
            let _ = job.done.send(Control::Delivered(job.letters.len()));
            true
        }
        Err(error) => {
            tracing::error!(%error, "dead letters can't be delivered; trying again");
            ::metrics::counter!(metrics::RETRIES, "what" => "dead_letters").increment(1);
            false
        }
    }
}

/// At debug: whoever sends bad records could fill the log otherwise.
fn say(letter: &DeadLetter) {
    let trace = Headers(&letter.headers).get(headers::TRACE);
    let trace = trace.and_then(|value| Trace::parse(std::str::from_utf8(value).ok()?));
    tracing::debug!(
        partition = letter.partition,
        offset = letter.offset,
        reason = letter.rejection.reason.as_str(),
        trace_id = trace.as_ref().map(Trace::id),
        "set aside: {}",
        letter.rejection.detail
    );
}

/// The record of a letter: the original bytes, everything else in headers.
fn record(letter: &DeadLetter) -> NewRecord {
    let mut packed = letter.headers.clone();
    let texts = [
        (headers::REASON, letter.rejection.reason.as_str().to_owned()),
        (headers::DETAIL, letter.rejection.detail.clone()),
        (headers::PARTITION, letter.partition.to_string()),
        (headers::OFFSET, letter.offset.to_string()),
        (headers::APPENDED_AT, letter.appended_at.to_string()),
    ];
    for (name, text) in &texts {
        Headers::push(&mut packed, name, text.as_bytes());
    }
    Headers::push(&mut packed, headers::KEY, &letter.key);
    NewRecord {
        partition: None,
        key: format!("{}/{}", letter.partition, letter.offset).into_bytes(),
        value: letter.value.clone(),
        headers: packed,
    }
}
