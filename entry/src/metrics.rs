//! The gateway's metrics: names, labels, and how they are set. No label grows with who sends or what is sent.

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

/// Events taken or refused, by how they ended.
const EVENTS: &str = "footfall_entry_events_total";
/// Events refused, by reason.
const REJECTIONS: &str = "footfall_entry_rejections_total";
/// Requests turned away because there was no room, by what was full.
const SHED: &str = "footfall_entry_shed_total";
/// Records handed to the log, by topic and whether it acknowledged them.
const RECORDS: &str = "footfall_entry_records_total";
/// Time from handing records to the log until it answered, by topic.
const APPEND: &str = "footfall_entry_append_seconds";
/// Requests whose records wait for an appending thread, by topic.
const QUEUE: &str = "footfall_entry_queue_requests";

/// How an event ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The log acknowledged it.
    Accepted,
    /// It can't be used.
    Rejected,
    /// The log did not acknowledge it.
    Unacknowledged,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Unacknowledged => "unacknowledged",
        }
    }
}

/// What was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The room for bodies.
    Bodies,
    /// The queue of an appender.
    Queue,
    /// The places of requests for seats that wait for the log.
    Entries,
}

impl Full {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bodies => "bodies",
            Self::Queue => "queue",
            Self::Entries => "entries",
        }
    }
}

/// Gives each metric its HELP line.
pub fn describe() {
    describe_counter!(EVENTS, "Events sent here");
    describe_counter!(REJECTIONS, "Events refused");
    describe_counter!(
        SHED,
        "Requests turned away because there was no room for them"
    );
    describe_counter!(RECORDS, "Records handed to the log");
    describe_histogram!(
        APPEND,
        Unit::Seconds,
        "Time from handing records to the log until it answered"
    );
    describe_gauge!(QUEUE, "Requests whose records wait for an appending thread");
}

/// Begins the series of a gateway, so that the first of each is seen as an increase.
pub(crate) fn begin() {
    for outcome in [
        Outcome::Accepted,
        Outcome::Rejected,
        Outcome::Unacknowledged,
    ] {
        count_events(outcome, 0);
    }
    for full in [Full::Bodies, Full::Queue, Full::Entries] {
        counter!(SHED, "what" => full.as_str()).increment(0);
    }
}

/// Begins the series of a topic.
pub(crate) fn begin_topic(topic: &'static str) {
    for outcome in ["acknowledged", "unacknowledged"] {
        counter!(RECORDS, "topic" => topic, "outcome" => outcome).increment(0);
    }
    set_queue(topic, 0);
}

pub(crate) fn count_events(outcome: Outcome, events: usize) {
    counter!(EVENTS, "outcome" => outcome.as_str()).increment(events as u64);
}

pub(crate) fn count_rejection(reason: &'static str) {
    counter!(REJECTIONS, "reason" => reason).increment(1);
}

pub(crate) fn count_shed(full: Full) {
    counter!(SHED, "what" => full.as_str()).increment(1);
}

pub(crate) fn count_append(topic: &'static str, records: usize, ok: bool, took: Duration) {
    let outcome = if ok { "acknowledged" } else { "unacknowledged" };
    counter!(RECORDS, "topic" => topic, "outcome" => outcome).increment(records as u64);
    histogram!(APPEND, "topic" => topic).record(took.as_secs_f64());
}

pub(crate) fn set_queue(topic: &'static str, requests: usize) {
    gauge!(QUEUE, "topic" => topic).set(requests as f64);
}
