//! The processor's metrics: names, labels, and how they are set.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, histogram};

/// Records by how they ended.
pub const EVENTS: &str = "footfall_events_total";
/// Dead letters by reason, late ones included.
pub const DEAD_LETTERS: &str = "footfall_dead_letters_total";
/// Age of the newest event in a view when it was stored, by view.
pub const FRESHNESS: &str = "footfall_freshness_seconds";
/// Records in the log and not yet folded.
pub const LAG_RECORDS: &str = "footfall_lag_records";
/// Age of the last record folded while there are more; 0 when caught up.
pub const LAG_SECONDS: &str = "footfall_lag_seconds";
/// Time to fold one batch.
pub const BATCH: &str = "footfall_batch_seconds";
/// Time to write one checkpoint.
pub const CHECKPOINT: &str = "footfall_checkpoint_seconds";
/// 1 while a partition's checkpoint can't be written.
pub const CHECKPOINT_FAILING: &str = "footfall_checkpoint_failing";
/// How partitions started, by where their state came from.
pub const STARTS: &str = "footfall_partition_starts_total";
/// Time to take one snapshot: copy, check, upload.
pub const SNAPSHOT: &str = "footfall_snapshot_seconds";
/// The offset of the newest snapshot known.
pub const SNAPSHOT_OFFSET: &str = "footfall_snapshot_offset";
/// When the newest snapshot known was taken, seconds since the epoch.
pub const SNAPSHOT_TIME: &str = "footfall_snapshot_timestamp_seconds";
/// 1 while a partition's snapshots can't be taken.
pub const SNAPSHOT_FAILING: &str = "footfall_snapshot_failing";
/// Snapshots found damaged or foreign, and not used.
pub const SNAPSHOTS_REFUSED: &str = "footfall_snapshots_refused_total";
/// Time for one projection, from freezing to stored, by view.
pub const PROJECTION: &str = "footfall_projection_seconds";
/// Rows changed and not yet stored, by view.
pub const ROWS_WAITING: &str = "footfall_projection_rows_waiting";
/// Dead letters not yet delivered.
pub const LETTERS_WAITING: &str = "footfall_dead_letters_waiting";
/// Bytes of state, and their limit.
pub const MEMORY: &str = "footfall_state_bytes";
/// The limit of [`MEMORY`].
pub const MEMORY_LIMIT: &str = "footfall_state_limit_bytes";
/// 1 while partitions pause at the memory limit.
pub const MEMORY_PAUSED: &str = "footfall_memory_paused";
/// Users, rows, dedup ids, names held.
pub const HELD: &str = "footfall_state_items";
/// The lower 52 bits of the state digest at a milestone, by the milestone's place among those kept.
pub const DIGEST: &str = "footfall_state_digest";
/// The offset of [`DIGEST`].
pub const DIGEST_OFFSET: &str = "footfall_state_digest_offset";
/// 1 while the log doesn't say how far it reaches.
pub const LOG_UNREACHABLE: &str = "footfall_log_unreachable";
/// 1 while a partition stands still, waiting for a person.
pub const HALTED: &str = "footfall_partition_halted";
/// Age of the oldest record that is in the log and not in a view, at least, by view.
pub const VIEW_BEHIND: &str = "footfall_view_behind_seconds";
/// Bytes free on the disk of the state folder.
pub const STATE_FREE: &str = "footfall_state_free_bytes";
/// Events that met a limit of the definition, by limit.
pub const LIMITS_MET: &str = "footfall_limits_met_total";
/// Enter events acknowledged, by partition of the entries topic.
pub const ENTERS_EMITTED: &str = "footfall_enters_emitted_total";
/// Records of the entries topic of which not everything is told to the events topic.
pub const ENTERS_LAG: &str = "footfall_enters_lag_records";
/// 1 while a partition's admissions are told no further, waiting for a person.
pub const ENTERS_HALTED: &str = "footfall_enters_halted";
/// Calls to the log, stores, the dead-letter topic, a state file or the snapshots that failed and are made again.
pub const RETRIES: &str = "footfall_retries_total";

/// Gives each metric its HELP line.
pub fn describe() {
    describe_counter!(
        EVENTS,
        "Records folded by this process, by how they ended: applied, duplicate, late, dead_lettered"
    );
    describe_counter!(
        DEAD_LETTERS,
        "Records set aside, by reason; late ones included"
    );
    describe_histogram!(
        FRESHNESS,
        Unit::Seconds,
        "Age of the newest event of a view when it was stored"
    );
    describe_gauge!(LAG_RECORDS, "Records in the log and not yet folded");
    describe_gauge!(
        LAG_SECONDS,
        Unit::Seconds,
        "Age of the last record folded while there are more; 0 when caught up"
    );
    describe_histogram!(BATCH, Unit::Seconds, "Time to fold one batch");
    describe_histogram!(CHECKPOINT, Unit::Seconds, "Time to write one checkpoint");
    describe_gauge!(
        CHECKPOINT_FAILING,
        "1 while the checkpoint of a partition can't be written; folding goes on"
    );
    describe_counter!(
        STARTS,
        "Partitions started, by where their state came from: checkpoint, copy, snapshot, log"
    );
    describe_histogram!(
        SNAPSHOT,
        Unit::Seconds,
        "Time to take one snapshot: copy, check, upload"
    );
    describe_gauge!(SNAPSHOT_OFFSET, "The offset of the newest snapshot known");
    describe_gauge!(
        SNAPSHOT_TIME,
        Unit::Seconds,
        "When the newest snapshot known was taken, since the epoch"
    );
    describe_gauge!(
        SNAPSHOT_FAILING,
        "1 while snapshots of a partition can't be taken"
    );
    describe_counter!(
        SNAPSHOTS_REFUSED,
        "Snapshots found damaged or foreign when a partition was restored, and not used"
    );
    describe_histogram!(
        PROJECTION,
        Unit::Seconds,
        "Time for one projection, from freezing to stored"
    );
    describe_gauge!(ROWS_WAITING, "Rows changed and not yet stored");
    describe_gauge!(LETTERS_WAITING, "Dead letters not yet delivered");
    describe_gauge!(
        MEMORY,
        Unit::Bytes,
        "Memory that the partitions' states take, estimated"
    );
    describe_gauge!(
        MEMORY_LIMIT,
        Unit::Bytes,
        "The limit at which partitions pause"
    );
    describe_gauge!(
        MEMORY_PAUSED,
        "1 while partitions pause at the memory limit"
    );
    describe_gauge!(HELD, "Users, rows, dedup_ids and names that a state holds");
    describe_gauge!(
        DIGEST,
        "The lower 52 bits of the state digest where log time entered another minute"
    );
    describe_gauge!(
        DIGEST_OFFSET,
        "The offset of that digest: at equal offsets digests are equal"
    );
    describe_gauge!(
        LOG_UNREACHABLE,
        "1 while the log does not answer how far it reaches: lags are then as of its last answer"
    );
    describe_gauge!(
        HALTED,
        "1 while a partition stands still until a person has looked"
    );
    describe_gauge!(
        VIEW_BEHIND,
        Unit::Seconds,
        "Age of the oldest record that is in the log and not in the view, at least"
    );
    describe_gauge!(
        STATE_FREE,
        Unit::Bytes,
        "Room on the disk of the state folder"
    );
    describe_counter!(LIMITS_MET, "Events that met a limit of the definition");
    describe_counter!(
        RETRIES,
        "Failed calls to the log, a store, the dead-letter topic, a state file, the snapshots or with Enter events, made again"
    );
    describe_counter!(
        ENTERS_EMITTED,
        "Enter events told to the events topic and acknowledged, by partition of the entries topic; after a restart some again"
    );
    describe_gauge!(
        ENTERS_LAG,
        "Records of the entries topic that are not told to the events topic yet"
    );
    describe_gauge!(
        ENTERS_HALTED,
        "1 while a partition's admissions are told no further, waiting for a person"
    );
}

/// Milliseconds since the epoch, for freshness: never for a number in a view.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// A store holds events up to `log_time` now.
pub fn fresh(view: &'static str, log_time: i64) {
    let age = (now_ms() - log_time).max(0) as f64 / 1000.0;
    histogram!(FRESHNESS, "view" => view).record(age);
}

/// A call to a store took this long.
pub fn took(name: &'static str, view: &'static str, time: Duration) {
    histogram!(name, "view" => view).record(time.as_secs_f64());
}
