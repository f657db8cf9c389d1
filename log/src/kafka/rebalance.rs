//! What happens when the group moves partitions. Runs on the thread that polls, within a poll.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;

use super::report;
use crate::{NoStart, Positions};

/// What the consumer's callbacks need, and what they leave for the poll that called them.
pub(super) struct Context {
    topic: String,
    positions: Arc<dyn Positions>,
    /// Set with every change, so that a poll looks at an atomic and not at a lock.
    changed: AtomicBool,
    changes: Mutex<Vec<Change>>,
    /// Why the cluster does not hold what a partition wanted, until the poll looks into it.
    out_of_range: Mutex<Option<String>>,
}

/// A change of the assignment, in order.
pub(super) enum Change {
    /// These are ours now, each with its start or the reason why it has none.
    Assigned(Vec<(u32, Result<u64, NoStart>)>),
    /// These are not ours any more.
    Revoked(Vec<u32>),
}

impl Context {
    pub(super) fn new(topic: &str, positions: Arc<dyn Positions>) -> Self {
        Self {
            topic: topic.to_owned(),
            positions,
            changed: AtomicBool::new(false),
            changes: Mutex::default(),
            out_of_range: Mutex::default(),
        }
    }

    /// Where a partition starts by now.
    pub(super) fn start(&self, partition: u32) -> Result<u64, NoStart> {
        self.positions.start(partition)
    }

    /// The changes since the last call.
    pub(super) fn take_changes(&self) -> Vec<Change> {
        if !self.changed.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *changes)
    }

    /// Why an offset was not there, if that happened since the last call.
    pub(super) fn take_out_of_range(&self) -> Option<String> {
        let mut reason = self
            .out_of_range
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        reason.take()
    }

    fn push(&self, change: Change) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.push(change);
        self.changed.store(true, Ordering::Release);
    }

    /// Gives a follower its partitions, of which no group knows.
    pub(super) fn assign_all(&self, consumer: &BaseConsumer<Self>, partitions: u32) {
        let mut list = TopicPartitionList::with_capacity(partitions as usize);
        for partition in 0..partitions {
            list.add_partition(&self.topic, partition as i32);
        }
        self.assign(consumer, &list);
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        let mut starts: Vec<(u32, Result<u64, NoStart>)> = self
            .numbers(partitions)
            .into_iter()
            .map(|partition| (partition, self.positions.start(partition)))
            .collect();
        // A pause outlives an assignment within librdkafka; with us it ends with it.
        self.attempt("resume", consumer.resume(partitions));
        let assigned = self
            .with_offsets(&starts)
            .and_then(|list| consumer.incremental_assign(&list));
        match assigned {
            // Assigned all the same, so that it is revoked like the others.
            Ok(()) => self.pause_those_without_start(consumer, &starts),
            Err(error) => {
                for (_, start) in &mut starts {
                    let why = format!("Kafka refused the assignment: {error}");
                    *start = Err(NoStart::Fatal(why));
                }
            }
        }
        self.push(Change::Assigned(starts));
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        if consumer.assignment_lost() {
            tracing::warn!(
                topic = self.topic,
                "the group gave our partitions away: this process was silent for too long"
            );
        }
        self.attempt("revoke", consumer.incremental_unassign(partitions));
        self.push(Change::Revoked(self.numbers(partitions)));
    }

    fn pause_those_without_start(
        &self,
        consumer: &BaseConsumer<Self>,
        starts: &[(u32, Result<u64, NoStart>)],
    ) {
        let mut list = TopicPartitionList::new();
        for (partition, _) in starts.iter().filter(|(_, start)| start.is_err()) {
            list.add_partition(&self.topic, *partition as i32);
        }
        if list.count() > 0 {
            self.attempt("pause", consumer.pause(&list));
        }
    }

    /// The list to assign. Nothing is ever fetched of a partition without a start; 0 stands in for it.
    fn with_offsets(
        &self,
        starts: &[(u32, Result<u64, NoStart>)],
    ) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::with_capacity(starts.len());
        for (partition, start) in starts {
            let offset = Offset::Offset(*start.as_ref().unwrap_or(&0) as i64);
            list.add_partition_offset(&self.topic, *partition as i32, offset)?;
        }
        Ok(list)
    }

    fn numbers(&self, partitions: &TopicPartitionList) -> Vec<u32> {
        partitions
            .elements_for_topic(&self.topic)
            .iter()
            .map(|element| element.partition() as u32)
            .collect()
    }

    fn attempt(&self, what: &str, result: Result<(), KafkaError>) {
        if let Err(error) = result {
            tracing::error!(topic = self.topic, %error, "could not {what} partitions");
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        report::line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        report::error(&error, reason);
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
            *self
                .out_of_range
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.assign(consumer, partitions);
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                self.revoke(consumer, partitions);
            }
            other => tracing::error!(topic = self.topic, ?other, "the group's rebalance failed"),
        }
    }
}
