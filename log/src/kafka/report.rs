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

/// A question that was not answered, and the right it asks for.
pub(super) fn unanswered(what: &str, right: &str, error: &KafkaError) -> Error {
    let code = error.rdkafka_error_code();
    let lacks = code.and_then(|code| lacks(what, right, code));
    lacks.unwrap_or_else(|| Error::Transient(format!("{what}: {error}")))
}

/// That our user lacks a right, if the code says so.
pub(super) fn lacks(what: &str, right: &str, code: RDKafkaErrorCode) -> Option<Error> {
    let on = match code {
        RDKafkaErrorCode::TopicAuthorizationFailed => "the topic",
        RDKafkaErrorCode::GroupAuthorizationFailed => "the group (log.group)",
        RDKafkaErrorCode::ClusterAuthorizationFailed => "the cluster",
        _ => return None,
    };
    Some(Error::Fatal(format!(
        "{what}: the brokers don't let this user (log.user, or the name in log.certificate) do that; give it the right {right} on {on} ({code})"
    )))
}

/// That our user seems to lack a right, where the answer is empty instead of an error.
pub(super) fn lacks_silently(topic: &str, right: &str) -> Error {
    Error::Fatal(format!(
        "{topic}: the brokers tell nothing of its settings; if it is there, give this user (log.user, or the name in log.certificate) the right {right} on the topic"
    ))
}

/// Settings that librdkafka refuses.
pub(super) fn refused(error: &KafkaError) -> Error {
    Error::Fatal(format!(
        "the Kafka client refuses its settings: {error}; check log.brokers, log.security and what stands beside it, and log.kafka"
    ))
}

/// A record that was not acknowledged. Only what can't pass by itself is fatal.
pub(super) fn not_acknowledged(topic: &str, error: &KafkaError) -> Error {
    let text = format!("{topic}: {error}");
    let code = error.rdkafka_error_code();
    if let Some(error) = code.and_then(|code| lacks(topic, "WRITE", code)) {
        return error;
    }
    match code {
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidMessage
            | RDKafkaErrorCode::InvalidRecord
            | RDKafkaErrorCode::InvalidTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::PolicyViolation,
        ) => Error::Fatal(format!("a record can't be appended to {text}")),
        _ => Error::Transient(text),
    }
}
