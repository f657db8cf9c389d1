//! Gathers the delivery reports of one call to append, an atomic a record, no lock, and wakes or tells its caller.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::report;
use crate::{Appended, Error, Told};

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
    /// Whom to tell; without it somebody waits.
    told: Option<Told>,
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

    /// A call whose caller goes on meanwhile and is told at the end.
    pub(super) fn telling(records: usize, told: Told) -> Arc<Self> {
        let call = Self::new(records);
        call.outcome().told = Some(told);
        call
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
        let mut outcome = self.outcome();
        while !outcome.finished {
            outcome = self
                .finished
                .wait(outcome)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.ended(&mut outcome)
    }

    /// Waits for every report; whether all came within `patience`.
    pub(super) fn is_finished_within(&self, patience: Duration) -> bool {
        let outcome = self.outcome();
        let waited = self
            .finished
            .wait_timeout_while(outcome, patience, |outcome| !outcome.finished);
        let (outcome, _) = waited.unwrap_or_else(PoisonError::into_inner);
        outcome.finished
    }

    fn fail(&self, error: Error) {
        self.outcome().failure.get_or_insert(error);
    }

    fn settle(&self, records: usize) {
        if self.left.fetch_sub(records, Ordering::AcqRel) != records {
            return;
        }
        let mut outcome = self.outcome();
        outcome.finished = true;
        let Some(told) = outcome.told.take() else {
            self.finished.notify_all();
            return;
        };
        let ended = self.ended(&mut outcome);
        drop(outcome);
        told(ended);
    }

    /// What the caller is told when every report has come.
    fn ended(&self, outcome: &mut Outcome) -> Result<Vec<Appended>, Error> {
        match outcome.failure.take() {
            Some(error) => Err(error),
            None => Ok(self.places.iter().map(Place::appended).collect()),
        }
    }

    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
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
