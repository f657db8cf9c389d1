//! What librdkafka says goes into our own log of events, and its errors become ours.

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::Error;

/// The callbacks of a client that needs no others.
pub(super) struct Reporting;

impl ClientContext for Reporting {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self::error(&error, reason);
    }
}

/// A line librdkafka logs by itself.
pub(super) fn line(level: RDKafkaLogLevel, facility: &str, text: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::error!(facility, "kafka client: {text}"),
        RDKafkaLogLevel::Warning => tracing::warn!(facility, "kafka client: {text}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(facility, "kafka client: {text}");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(facility, "kafka client: {text}"),
    }
}

/// An error librdkafka reports: mostly a broker that is gone, which it connects to again by itself.
pub(super) fn error(error: &KafkaError, reason: &str) {
    tracing::warn!(%error, "kafka: {reason}");
}

/// A question that was not answered.
pub(super) fn transient(what: &str, error: &KafkaError) -> Error {
    Error::Transient(format!("{what}: {error}"))
}

/// Settings that librdkafka refuses.
pub(super) fn refused(error: &KafkaError) -> Error {
    Error::Fatal(format!(
        "the Kafka client refuses its settings: {error}; check the brokers and the extra settings"
    ))
}

/// A record that was not acknowledged. Only what can't pass by itself is fatal.
pub(super) fn not_acknowledged(topic: &str, error: &KafkaError) -> Error {
    let text = format!("{topic}: {error}");
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidMessage
            | RDKafkaErrorCode::InvalidRecord
            | RDKafkaErrorCode::InvalidTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::PolicyViolation,
        ) => Error::Fatal(format!("a record can't be appended to {text}")),
        _ => Error::Transient(text),
    }
}
