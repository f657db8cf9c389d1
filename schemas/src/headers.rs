//! Names of record headers. Gateways refuse those that begin with `footfall-` from clients.

/// W3C's trace of who sent the record; not one of ours, and kept with a record that is set aside. ASCII.
pub const TRACE: &str = "traceparent";

/// Who wrote the record in an order of its own: an import, an admission log. UTF-8.
pub const SOURCE: &str = "footfall-source";
/// The record's place in its source, decimal; greater than those before it.
pub const SEQUENCE: &str = "footfall-sequence";
/// On a dead letter that is replayed: where it first stood, `partition/offset`.
pub const REPLAY_OF: &str = "footfall-replay-of";

/// On a dead letter: the reason, one of the fixed labels.
pub const REASON: &str = "footfall-reason";
/// On a dead letter: the reason as a sentence with its data.
pub const DETAIL: &str = "footfall-detail";
/// On a dead letter: the record's key, byte for byte.
pub const KEY: &str = "footfall-key";
/// On a dead letter: the partition the record stood in, decimal.
pub const PARTITION: &str = "footfall-partition";
/// On a dead letter: the record's offset, decimal.
pub const OFFSET: &str = "footfall-offset";
/// On a dead letter: the record's append time, milliseconds since the epoch, decimal.
pub const APPENDED_AT: &str = "footfall-appended-at";

/// On a note in the dead-letter topic, keyed as the letter: how many tries the record had had when it was replayed,
/// decimal.
pub const REPLAYED: &str = "footfall-replayed";
