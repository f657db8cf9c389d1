//! The canary's metrics.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Events acknowledged by the log.
pub const SENT: &str = "footfall_canary_sent_total";
/// Events that the log did not acknowledge.
pub const REFUSED: &str = "footfall_canary_refused_total";
/// Time from the acknowledgement to being counted in the API's answer, by view.
pub const FRESHNESS: &str = "footfall_canary_freshness_seconds";
/// Events that a view claims to count and doesn't, by view.
pub const LOST: &str = "footfall_canary_lost_total";
/// Events sent and not seen yet, by view.
pub const OUTSTANDING: &str = "footfall_canary_outstanding";
/// Age of the oldest of them, by view.
pub const OLDEST: &str = "footfall_canary_oldest_seconds";
/// When an event was last seen, seconds since the epoch, by view.
pub const LAST_SEEN: &str = "footfall_canary_last_seen_timestamp_seconds";

/// All of them.
pub const ALL: [&str; 7] = [
    SENT,
    REFUSED,
    FRESHNESS,
    LOST,
    OUTSTANDING,
    OLDEST,
    LAST_SEEN,
];

/// Gives each metric its HELP line.
pub fn describe() {
    describe_counter!(SENT, "Canary events acknowledged by the log");
    describe_counter!(REFUSED, "Canary events that the log did not acknowledge");
    describe_histogram!(
        FRESHNESS,
        Unit::Seconds,
        "Time from the log's acknowledgement to being counted in an answer of the API"
    );
    describe_counter!(
        LOST,
        "Canary events that an answer claims to count and doesn't"
    );
    describe_gauge!(OUTSTANDING, "Canary events sent and not seen yet");
    describe_gauge!(
        OLDEST,
        Unit::Seconds,
        "Age of the oldest canary event that was not seen yet"
    );
    describe_gauge!(
        LAST_SEEN,
        Unit::Seconds,
        "When a canary event was last seen, since the epoch"
    );
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_metric_of_the_canary_has_a_row_in_the_documents() {
        let text = include_str!("../../../docs/metrics.md");
        for name in super::ALL {
            assert!(text.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
