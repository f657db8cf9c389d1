//! What an answer is as of: the stamp every answer carries, and the token that compares two.
//!
//! An answer never goes back unmarked for a client that sends the token of its newest one.

use serde::Serialize;
use utoipa::ToSchema;
use views::{AsOf, AsOfKind};
use web::Problem;

use crate::State;

/// Which store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Store {
    /// The store of the hot window: exact.
    Hot,
    /// The store of all history.
    History,
}

/// What an answer is as of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stamped {
    /// How far each partition of the log is counted.
    as_of: Vec<PartitionStamp>,
    /// `exact`: the numbers are those of the log up to `as_of`; `at_least`: they hold that and
    /// perhaps more.
    as_of_kind: Kinds,
    /// Send it as `since` with the next question.
    as_of_token: String,
    /// Whether this answer is older in some partition than the one of `since`: a replica took
    /// over without the last writes, or another store answered. It catches up by itself.
    as_of_went_back: bool,
    /// How old the numbers are at most, milliseconds: every event that the log took longer ago
    /// is counted. It is measured from the last counted record of each partition that has one,
    /// and the oldest decides, so it also grows while nothing happens. null before the first
    /// record.
    #[schema(required = true)]
    fresh_ms: Option<i64>,
    /// Milliseconds since the log took the last record that is counted. null before the first.
    #[schema(required = true)]
    newest_ms: Option<i64>,
    /// The store that answered.
    store: Store,
    /// The definition of the views that answered: time zone, rules and limits, as 16 hexadecimal
    /// digits.
    definition: String,
    /// The reporting time zone, in which days are meant.
    #[schema(example = "Asia/Seoul")]
    time_zone: String,
}

/// How far a partition is counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartitionStamp {
    /// The partition of the events' log.
    partition: u32,
    /// The first offset that is not counted.
    offset: u64,
    /// When the log took the last counted record, milliseconds since 1970; null before the first.
    #[schema(required = true)]
    log_time_ms: Option<i64>,
}

/// Whether `as_of` is exact.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kinds {
    /// The numbers are those of the log up to `as_of`.
    Exact,
    /// The numbers hold the log up to `as_of`, and perhaps more.
    AtLeast,
}

impl Stamped {
    /// The stamp of an answer, for a client whose newest one was `since`.
    pub(crate) fn of(state: &State, store: Store, as_of: &AsOf, since: Option<&[u64]>) -> Self {
        let now = (state.now)();
        let log_times = || {
            as_of
                .partitions
                .iter()
                .map(|stamp| stamp.log_time)
                .filter(|log_time| *log_time > 0)
        };
        let age = |log_time: i64| (now - log_time).max(0);
        Self {
            as_of: as_of
                .partitions
                .iter()
                .map(|stamp| PartitionStamp {
                    partition: stamp.partition,
                    offset: stamp.offset,
                    log_time_ms: (stamp.log_time > 0).then_some(stamp.log_time),
                })
                .collect(),
            as_of_kind: match as_of.kind {
                AsOfKind::Exact => Kinds::Exact,
                AsOfKind::AtLeast => Kinds::AtLeast,
            },
            as_of_token: token(as_of),
            as_of_went_back: since.is_some_and(|since| older(as_of, since)),
            fresh_ms: log_times().min().map(age),
            newest_ms: log_times().max().map(age),
            store,
            definition: state.definition_id.to_string(),
            time_zone: state.definition.time_zone.clone(),
        }
    }
}

/// The offsets in the order of partitions. Clients take it as opaque.
fn token(as_of: &AsOf) -> String {
    let offsets: Vec<String> = as_of
        .partitions
        .iter()
        .map(|stamp| stamp.offset.to_string())
        .collect();
    offsets.join(".")
}

pub(crate) fn parse_token(text: &str) -> Result<Vec<u64>, Problem> {
    let offsets: Result<Vec<u64>, _> = text.split('.').map(str::parse).collect();
    offsets.map_err(|_| {
        let detail = format!("since is {text:?}; send an as_of_token as it was given");
        Problem::bad("since", detail)
    })
}

/// Whether `as_of` is before `since` in any partition. Offsets are the log's, so that tokens of
/// every store and definition compare.
fn older(as_of: &AsOf, since: &[u64]) -> bool {
    let offsets = as_of.partitions.iter().map(|stamp| stamp.offset);
    as_of.partitions.len() < since.len()
        || offsets.zip(since).any(|(offset, since)| offset < *since)
}
