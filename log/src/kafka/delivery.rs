//! Gathers the delivery reports of one call to append: an atomic a record, no lock.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::report;
use crate::{Appended, Error};

/// One call to append, shared by its records.
pub(super) struct Call {
    places: Box<[Place]>,
    /// Records whose report is still to come.
    left: AtomicUsize,
    outcome: Mutex<Outcome>,
    finished: Condvar,
}

#[derive(Default)]
struct Place {
    partition: AtomicU32,
    offset: AtomicU64,
}

#[derive(Default)]
struct Outcome {
    /// The first.
    failure: Option<Error>,
    finished: bool,
}

/// What travels with a record through librdkafka.
pub(super) struct Ticket {
    call: Arc<Call>,
    index: usize,
}

impl Call {
    pub(super) fn new(records: usize) -> Arc<Self> {
        Arc::new(Self {
            places: (0..records).map(|_| Place::default()).collect(),
            left: AtomicUsize::new(records),
            outcome: Mutex::default(),
            finished: Condvar::new(),
        })
    }

    pub(super) fn ticket(self: &Arc<Self>, index: usize) -> Box<Ticket> {
        Box::new(Ticket {
            call: Arc::clone(self),
            index,
        })
    }

    /// `records` of the call were not even handed over.
    pub(super) fn give_up(&self, records: usize, error: Error) {
        self.fail(error);
        self.settle(records);
    }

    /// Waits for every report.
    pub(super) fn wait(&self) -> Result<Vec<Appended>, Error> {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        while !outcome.finished {
            outcome = self
                .finished
                .wait(outcome)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match outcome.failure.take() {
            Some(error) => Err(error),
            None => Ok(self.places.iter().map(Place::appended).collect()),
        }
    }

    /// Waits for every report; whether all came within `patience`.
    pub(super) fn is_finished_within(&self, patience: Duration) -> bool {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .finished
            .wait_timeout_while(outcome, patience, |outcome| !outcome.finished);
        let (outcome, _) = waited.unwrap_or_else(PoisonError::into_inner);
        outcome.finished
    }

    fn fail(&self, error: Error) {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.failure.get_or_insert(error);
    }

    fn settle(&self, records: usize) {
        if self.left.fetch_sub(records, Ordering::AcqRel) == records {
            let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
            outcome.finished = true;
            self.finished.notify_all();
        }
    }
}

impl Place {
    fn appended(&self) -> Appended {
        Appended {
            partition: self.partition.load(Ordering::Relaxed),
            offset: self.offset.load(Ordering::Relaxed),
        }
    }
}

/// The producer's callbacks.
pub(super) struct Context {
    pub(super) topic: String,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        report::line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        report::error(&error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let Ticket { call, index } = *ticket;
        match result {
            // A record found to be there already after it was sent again: written once, but where?
            Ok(message) if message.offset() < 0 => call.fail(Error::Transient(format!(
                "{}: a record was acknowledged without its offset; append it again",
                self.topic
            ))),
            Ok(message) => {
                let place = &call.places[index];
                // `settle` publishes both.
                place
                    .partition
                    .store(message.partition() as u32, Ordering::Relaxed);
                place
                    .offset
                    .store(message.offset() as u64, Ordering::Relaxed);
            }
            Err((error, _)) => call.fail(report::not_acknowledged(&self.topic, error)),
        }
        call.settle(1);
    }
}
