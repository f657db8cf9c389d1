//! A fetched message copied into a batch.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pipeline::record::Headers;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers as _};

use crate::BatchBuilder;

/// Copies key, value, append time and headers. No allocation beyond the batch's own buffer.
pub(super) fn copy(message: &BorrowedMessage<'_>, batch: &mut BatchBuilder) {
    batch.push(
        message.offset() as u64,
        message.timestamp().to_millis().unwrap_or(0),
        message.key().unwrap_or_default(),
        message.payload().unwrap_or_default(),
        |packed| pack_headers(message, packed),
    );
}

fn pack_headers(message: &BorrowedMessage<'_>, packed: &mut Vec<u8>) {
    let Some(headers) = message.headers() else {
        return;
    };
    for index in 0..headers.count() {
        // rdkafka panics when a name is not UTF-8, and any client can send one: a single record must not
        // stop every process that reads it.
        match catch_unwind(AssertUnwindSafe(|| headers.try_get(index))) {
            Ok(Some(header)) => {
                Headers::push(packed, header.key, header.value.unwrap_or_default());
            }
            Ok(None) | Err(_) => tracing::warn!(
                partition = message.partition(),
                offset = message.offset(),
                "a header was left out: its name is not UTF-8"
            ),
        }
    }
}
