//! The gateway's metrics: names, labels, and how they are set. No label grows with who sends or what is sent.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

/// Events taken or refused, by how they ended.
const EVENTS: &str = "footfall_entry_events_total";
/// Events refused, by reason.
const REJECTIONS: &str = "footfall_entry_rejections_total";
/// Requests turned away because there was no room, by what was full.
const SHED: &str = "footfall_entry_shed_total";
/// Records handed to the log, by topic and whether it acknowledged them.
const RECORDS: &str = "footfall_entry_records_total";
/// Time from handing a request's records to the log until it answered, by topic.
const APPEND: &str = "footfall_entry_append_seconds";
/// Requests whose records the log has not answered, by topic.
const WAITING: &str = "footfall_entry_waiting_requests";

/// Whether every partition of the entries may be asked.
const READY: &str = "footfall_entry_ready";
/// Records of the entries that were folded since the start, by partition.
const FOLLOWED: &str = "footfall_entry_records_followed_total";
/// The first offset not folded, by partition.
const NEXT: &str = "footfall_entry_next_offset";
/// Records in the log and not folded, by partition.
const LAG: &str = "footfall_entry_lag_records";
/// Time to answer a request for a seat, by outcome and by who knew it.
const ANSWER: &str = "footfall_entry_answer_seconds";
/// Time from the log's acknowledgement until the record is folded.
const READ_BACK: &str = "footfall_entry_read_back_seconds";
/// Requests that wait for the log to decide.
const UNDER_WAY: &str = "footfall_entry_under_way_requests";
/// When the newest snapshot was written, by partition.
const SNAPSHOT_AT: &str = "footfall_entry_snapshot_timestamp_seconds";
/// What it takes, by partition.
const SNAPSHOT_BYTES: &str = "footfall_entry_snapshot_bytes";
/// How far it reaches, by partition.
const SNAPSHOT_OFFSET: &str = "footfall_entry_snapshot_offset";
/// Time to write one.
const SNAPSHOT: &str = "footfall_entry_snapshot_seconds";
/// Whether a partition's can't be written.
const SNAPSHOT_FAILING: &str = "footfall_entry_snapshot_failing";
/// Files that were not used.
const SNAPSHOTS_REFUSED: &str = "footfall_entry_snapshots_refused_total";

/// Who knew the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// What was folded before.
    Memory,
    /// The log was asked.
    Log,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Log => "log",
        }
    }
}

/// A request that is counted by a gauge until this is dropped.
pub(crate) struct UnderWay(Gauge);

impl UnderWay {
    /// It waits for the log to decide.
    pub(crate) fn begin() -> Self {
        Self::counted(gauge!(UNDER_WAY))
    }

    /// Its records are handed to the log.
    pub(crate) fn at_log(topic: &'static str) -> Self {
        Self::counted(gauge!(WAITING, "topic" => topic))
    }

    fn counted(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

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
    /// The places of requests that the log has not answered.
    Log,
    /// The places of requests for seats that wait for the log.
    Entries,
}

impl Full {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bodies => "bodies",
            Self::Log => "log",
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
        "Time from handing a request's records to the log until it answered"
    );
    describe_gauge!(WAITING, "Requests whose records the log has not answered");
    describe_seats();
}

fn describe_seats() {
    describe_gauge!(READY, "1 while every partition of the entries may be asked");
    describe_counter!(FOLLOWED, "Records of the entries folded since the start");
    describe_gauge!(NEXT, "The first offset of the entries not folded");
    describe_gauge!(LAG, "Records of the entries not folded yet");
    describe_histogram!(ANSWER, Unit::Seconds, "Time to answer a request for a seat");
    describe_histogram!(
        READ_BACK,
        Unit::Seconds,
        "Time from the log's acknowledgement until the record is folded"
    );
    describe_gauge!(UNDER_WAY, "Requests that wait for the log to decide");
    describe_gauge!(
        SNAPSHOT_AT,
        Unit::Seconds,
        "When the newest snapshot was written, since the epoch"
    );
    describe_gauge!(SNAPSHOT_BYTES, Unit::Bytes, "What it takes");
    describe_gauge!(SNAPSHOT_OFFSET, "The first offset that it does not know of");
    describe_histogram!(SNAPSHOT, Unit::Seconds, "Time to write one");
    describe_gauge!(SNAPSHOT_FAILING, "1 while it can't be written");
    describe_counter!(
        SNAPSHOTS_REFUSED,
        "Snapshots found damaged or of another log, and not used"
    );
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
    for full in [Full::Bodies, Full::Log, Full::Entries] {
        counter!(SHED, "what" => full.as_str()).increment(0);
    }
    gauge!(UNDER_WAY).set(0.0);
    counter!(SNAPSHOTS_REFUSED).increment(0);
}

/// Begins the series of a topic.
pub(crate) fn begin_topic(topic: &'static str) {
    for outcome in ["acknowledged", "unacknowledged"] {
        counter!(RECORDS, "topic" => topic, "outcome" => outcome).increment(0);
    }
    gauge!(WAITING, "topic" => topic).set(0.0);
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

/// The records of a partition that are folded from now on.
pub(crate) fn records_followed(partition: u32) -> Counter {
    let followed = counter!(FOLLOWED, "partition" => partition.to_string());
    followed.increment(0);
    followed
}

pub(crate) fn set_ready(is_ready: bool) {
    gauge!(READY).set(f64::from(u8::from(is_ready)));
}

pub(crate) fn set_next(partition: u32, next: u64) {
    gauge!(NEXT, "partition" => partition.to_string()).set(next as f64);
}

pub(crate) fn set_lag(partition: u32, records: u64) {
    gauge!(LAG, "partition" => partition.to_string()).set(records as f64);
}

/// A fold is kept up to `next`.
pub(crate) fn is_kept(partition: u32, next: u64, bytes: u64, took: Duration) {
    let partition = partition.to_string();
    let now = jiff::Timestamp::now().as_millisecond();
    gauge!(SNAPSHOT_AT, "partition" => partition.clone()).set(now as f64 / 1_000.0);
    gauge!(SNAPSHOT_BYTES, "partition" => partition.clone()).set(bytes as f64);
    gauge!(SNAPSHOT_OFFSET, "partition" => partition).set(next as f64);
    histogram!(SNAPSHOT).record(took.as_secs_f64());
}

pub(crate) fn set_failing(partition: u32, is_failing: bool) {
    let failing = f64::from(u8::from(is_failing));
    gauge!(SNAPSHOT_FAILING, "partition" => partition.to_string()).set(failing);
}

pub(crate) fn count_refused_snapshot() {
    counter!(SNAPSHOTS_REFUSED).increment(1);
}

/// A request for a seat is answered; `outcome` is the answer's own word.
pub(crate) fn count_answer(outcome: &'static str, source: Source, took: Duration) {
    histogram!(ANSWER, "outcome" => outcome, "source" => source.as_str())
        .record(took.as_secs_f64());
}

/// A record was folded so long after the log had acknowledged it.
pub(crate) fn is_read_back(after: Duration) {
    histogram!(READ_BACK).record(after.as_secs_f64());
}
