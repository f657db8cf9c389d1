//! What to do when librdkafka stopped fetching a partition because an offset is not there.
//!
//! A log that was trimmed, truncated or made anew halts the partition; an offset that was missing for a
//! moment only, as behind a new leader, is fetched again. It is never replaced by another offset.

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::rebalance::Context;
use super::{ANSWER_TIMEOUT, bounds, report};
use crate::Error;

/// Looks at each of `active`, partitions with their next offset: those that are to halt, with the error.
/// `reason` is what librdkafka said; it doesn't say which partition it means.
pub(super) fn judge(
    client: &BaseConsumer<Context>,
    topic: &str,
    active: impl Iterator<Item = (u32, u64)>,
    reason: &str,
) -> Result<Vec<(u32, Error)>, Error> {
    let mut halted = Vec::new();
    for (partition, offset) in active {
        if is_fetched(client, topic, partition, offset) {
            continue;
        }
        match bounds(client.client(), topic, partition)?.check(partition, offset) {
            Err(error) => halted.push((partition, error)),
            // There is a record at the offset, but not the one that follows what was read.
            Ok(()) if reason.contains("truncation") => {
                halted.push((partition, truncated(topic, partition, reason)));
            }
            Ok(()) => start_again(client, topic, partition, offset)
                .map_err(|error| report::unanswered(topic, "READ", &error))?,
        }
    }
    Ok(halted)
}

/// Only a partition that librdkafka has stopped refuses to be placed where it stands.
fn is_fetched(client: &BaseConsumer<Context>, topic: &str, partition: u32, offset: u64) -> bool {
    let at = Offset::Offset(offset as i64);
    client
        .seek(topic, partition as i32, at, ANSWER_TIMEOUT)
        .is_ok()
}

fn start_again(
    client: &BaseConsumer<Context>,
    topic: &str,
    partition: u32,
    offset: u64,
) -> Result<(), KafkaError> {
    tracing::warn!(
        topic,
        partition,
        offset,
        "an offset was not there for a moment; fetching it again"
    );
    place(client, topic, partition, offset)
}

/// Only a new assignment makes librdkafka fetch a partition it has stopped.
pub(super) fn place(
    client: &BaseConsumer<Context>,
    topic: &str,
    partition: u32,
    offset: u64,
) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition as i32, Offset::Offset(offset as i64))?;
    client.incremental_unassign(&list)?;
    client.incremental_assign(&list)
}

fn truncated(topic: &str, partition: u32, reason: &str) -> Error {
    Error::Fatal(format!(
        "{topic}/{partition} lost records it had acknowledged, and others stand in their place ({reason}); \
         rebuild from what is left"
    ))
}
