//! Reads any range of a partition, without a group: one assignment a range.

use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{ANSWER_TIMEOUT, Config, bounds, message, report};
use crate::{Batch, BatchBuilder, Bounds, Error};

/// How long a read waits for a next record that must be there.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(100);

/// As a consumer's: see there.
const DEFAULTS: [(&str, &str); 4] = [
    // Assigning needs the name of a group; nothing is joined and nothing committed.
    ("group.id", "footfall-reader"),
    ("queued.min.messages", "50000"),
    ("queued.max.messages.kbytes", "32768"),
    ("fetch.queue.backoff.ms", "5"),
];

const FIXED: [(&str, &str); 6] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("isolation.level", "read_committed"),
    ("check.crcs", "true"),
    // Tells the end from silence: a range may end in offsets that no record has.
    ("enable.partition.eof", "true"),
];

/// Reads one topic without a group.
pub struct Reader {
    topic: String,
    client: BaseConsumer<Context>,
}

struct Context;

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        report::line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if !matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::PartitionEOF)
        ) {
            report::error(&error, reason);
        }
    }
}

impl ConsumerContext for Context {}

/// A range being read.
struct Range {
    partition: u32,
    next_offset: u64,
    to: u64,
    batch: BatchBuilder,
}

/// What a poll meant for the range.
enum Step {
    /// Go on.
    On,
    /// The batch is full, or holds the last record.
    Visit,
    /// The client stands at the end of the partition.
    AtEnd,
    /// The offset is not there.
    OutOfRange,
    /// Nothing came.
    Silence,
}

impl Reader {
    /// A reader of `topic`.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the settings are refused. An unreachable cluster shows in the first question.
    pub fn new(config: &Config, topic: &str) -> Result<Self, Error> {
        let client = config
            .client(&DEFAULTS, &FIXED)
            .create_with_context(Context)
            .map_err(|error| report::refused(&error))?;
        Ok(Self {
            topic: topic.to_owned(),
            client,
        })
    }

    fn assign(&self, partition: u32, from: u64) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition as i32, Offset::Offset(from as i64))
            .and_then(|()| self.client.assign(&list))
            .map_err(|error| report::unanswered(&self.topic, "READ", &error))
    }

    fn read_range(
        &self,
        range: &mut Range,
        visit: &mut dyn FnMut(&Batch) -> bool,
    ) -> Result<(), Error> {
        let mut heard = Instant::now();
        let mut stood_at_end = None;
        while range.next_offset < range.to {
            match range.poll(&self.client, &self.topic)? {
                Step::On => heard = Instant::now(),
                Step::Visit => {
                    heard = Instant::now();
                    if !range.visit(visit) {
                        return Ok(());
                    }
                }
                // The offsets up to `to` have no records, unless a new leader doesn't know its end yet: the
                // end is asked for, and only standing there again counts.
                Step::AtEnd if stood_at_end == Some(range.next_offset) => break,
                Step::AtEnd => {
                    stood_at_end = Some(range.next_offset);
                    self.check(range.partition, range.to)?;
                    self.assign(range.partition, range.next_offset)?;
                }
                Step::OutOfRange => {
                    self.check(range.partition, range.next_offset)?;
                    // There by now: librdkafka has given up on the partition and must be told to go on.
                    self.assign(range.partition, range.next_offset)?;
                }
                Step::Silence if heard.elapsed() > SILENCE_LIMIT => {
                    return Err(Error::Transient(format!(
                        "{}/{}: no record came from offset {} on for {} s",
                        self.topic,
                        range.partition,
                        range.next_offset,
                        SILENCE_LIMIT.as_secs()
                    )));
                }
                Step::Silence => {}
            }
        }
        range.visit(visit);
        Ok(())
    }

    fn check(&self, partition: u32, offset: u64) -> Result<(), Error> {
        bounds(self.client.client(), &self.topic, partition)?.check(partition, offset)
    }
}

impl Range {
    fn poll(&mut self, client: &BaseConsumer<Context>, topic: &str) -> Result<Step, Error> {
        match client.poll(POLL) {
            None => Ok(Step::Silence),
            Some(Ok(message)) => Ok(self.take(&message)),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                Ok(if partition == self.partition as i32 {
                    Step::AtEnd
                } else {
                    Step::On
                })
            }
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))) => {
                Ok(Step::OutOfRange)
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                Err(Error::Fatal(format!("the reader can't go on: {error}")))
            }
            Some(Err(error)) => {
                let code = error.rdkafka_error_code();
                match code.and_then(|code| report::lacks(topic, "READ", code)) {
                    Some(error) => Err(error),
                    // A broker that is gone; reported by the context, and librdkafka connects again.
                    None => Ok(Step::Silence),
                }
            }
        }
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) -> Step {
        let offset = message.offset() as u64;
        // Of a range before this one, or come twice.
        if message.partition() as u32 != self.partition || offset < self.next_offset {
            return Step::On;
        }
        self.next_offset = offset + 1;
        if offset < self.to {
            message::copy(message, &mut self.batch);
        }
        if self.batch.is_full() {
            Step::Visit
        } else {
            Step::On
        }
    }

    /// Hands the batch over, unless it is empty; whether to go on.
    fn visit(&mut self, visit: &mut dyn FnMut(&Batch) -> bool) -> bool {
        if self.batch.is_empty() {
            return true;
        }
        visit(&self.batch.take())
    }
}

impl crate::Reader for Reader {
    fn partitions(&mut self) -> Result<u32, Error> {
        let metadata = self
            .client
            .fetch_metadata(Some(&self.topic), ANSWER_TIMEOUT)
            .map_err(|error| report::unanswered(&self.topic, "DESCRIBE", &error))?;
        let found = metadata
            .topics()
            .iter()
            .find(|topic| topic.name() == self.topic);
        if let Some(code) = found.and_then(|topic| topic.error())
            && let Some(error) = report::lacks(&self.topic, "DESCRIBE", code.into())
        {
            return Err(error);
        }
        let found = found
            .filter(|topic| topic.error().is_none())
            .map_or(0, |topic| topic.partitions().len());
        if found == 0 {
            return Err(Error::Transient(format!(
                "there is no topic {} in this cluster; check the brokers and the topic prefix",
                self.topic
            )));
        }
        Ok(found as u32)
    }

    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        bounds(self.client.client(), &self.topic, partition)
    }

    fn read(
        &mut self,
        partition: u32,
        from: u64,
        to: u64,
        visit: &mut dyn FnMut(&Batch) -> bool,
    ) -> Result<(), Error> {
        let held = self.bounds(partition)?;
        held.check(partition, from)?;
        held.check(partition, to)?;
        if from >= to {
            return Ok(());
        }
        self.assign(partition, from)?;
        let mut range = Range {
            partition,
            next_offset: from,
            to,
            batch: BatchBuilder::new(partition),
        };
        let read = self.read_range(&mut range, visit);
        if let Err(error) = self.client.unassign() {
            tracing::warn!(topic = self.topic, %error, "could not end the reading of a range");
        }
        read
    }
}
