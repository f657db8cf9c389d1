//! Asking a store, once, and saying what the answer is as of.
//!
//! One answer comes from one store. It never goes back unmarked for a client that sends the
//! token of its last one.

use std::sync::Arc;
use std::time::Duration;

use pipeline::definition::DAY_MS;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use views::{Answer, AsOf, AsOfKind, Question, Views};

use crate::State;
use crate::parameters::Parameters;
use crate::problem::{Kind, Problem};

/// How long a store may take for one answer; past it, a person has left.
const LONGEST_ASK: Duration = Duration::from_secs(10);
/// How long `min_offset` waits: projections lag by 2 s at most when they keep up.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The first pause while waiting; it doubles up to the longest, so that waiting costs a store
/// little.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Which store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Store {
    /// The store of the hot window: exact.
    Hot,
    /// The store of all history.
    History,
}

/// How a question is to be read.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Reading {
    /// Ask this store. Left out: the hot store for spans inside the hot window, else history.
    #[param(required = false, inline)]
    store: Option<Store>,
    /// The `as_of_token` of the client's last answer: should this answer be older in any
    /// partition, it says `as_of_went_back`.
    #[param(required = false, value_type = String, example = "1042.977")]
    since: Option<Vec<u64>>,
    /// Wait, up to 5 s, until the record at this partition and offset is in: `partition:offset`.
    #[param(required = false, value_type = String, pattern = "^[0-9]+:[0-9]+$", example = "3:1041")]
    min_offset: Option<MinOffset>,
}

#[derive(Debug, Clone, Copy)]
struct MinOffset {
    partition: u32,
    offset: u64,
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
    /// is counted. It is measured from the oldest partition's last counted record, so it also
    /// grows while nothing happens. null before the first record.
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

impl Reading {
    pub(crate) const NAMES: &'static [&'static str] = &["store", "since", "min_offset"];

    /// Reads the three parameters.
    ///
    /// # Errors
    /// When a value has another form.
    pub(crate) fn parse(parameters: &Parameters) -> Result<Self, Problem> {
        let stores = [("hot", Store::Hot), ("history", Store::History)];
        Ok(Self {
            store: parameters.one_of("store", &stores)?,
            since: parameters.get("since").map(parse_token).transpose()?,
            min_offset: parameters
                .get("min_offset")
                .map(parse_min_offset)
                .transpose()?,
        })
    }

    /// Refuses the history store for numbers that only the hot store has.
    pub(crate) fn hot_only(mut self, what: &str) -> Result<Self, Problem> {
        if self.store == Some(Store::History) {
            let detail = format!("{what} are in the hot store only; leave out store");
            return Err(Problem::of(Kind::NotKept, "store", detail));
        }
        self.store = Some(Store::Hot);
        Ok(self)
    }

    /// Asks the store that holds `first_day` and all after it (`None`: a life, which every store
    /// holds).
    ///
    /// # Errors
    /// When no store holds it, the store doesn't answer, or the awaited record isn't in by then.
    pub(crate) async fn ask(
        &self,
        state: &State,
        question: &Question,
        first_day: Option<u16>,
    ) -> Result<(Answer, Stamped), Problem> {
        let (store, views) = self.choose(state, first_day)?;
        let answer = self.wait(views, question, LONGEST_WAIT).await?;
        if store == Store::Hot {
            let log_time = answer.as_of.partitions.iter().map(|s| s.log_time).max();
            within_hot_window(state, first_day, log_time.unwrap_or(0))?;
        }
        let stamped = self.stamp(state, store, &answer.as_of);
        Ok((answer, stamped))
    }

    fn choose<'a>(
        &self,
        state: &'a State,
        first_day: Option<u16>,
    ) -> Result<(Store, &'a Arc<dyn Views>), Problem> {
        let hot = within_hot_window(state, first_day, (state.now)());
        match (self.store, &state.history) {
            (Some(Store::History), None) => Err(Problem::of(
                Kind::NoHistory,
                "store",
                "no history store is configured here; leave out store, or start the API with one",
            )),
            (Some(Store::History), Some(history)) => Ok((Store::History, history)),
            (None, Some(history)) if hot.is_err() => Ok((Store::History, history)),
            _ => hot.map(|()| (Store::Hot, &state.hot)),
        }
    }

    /// The first answer that has the awaited record in it.
    async fn wait(
        &self,
        views: &Arc<dyn Views>,
        question: &Question,
        longest: Duration,
    ) -> Result<Answer, Problem> {
        let deadline = tokio::time::Instant::now() + longest;
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = ask(views, question).await?;
            let Some(awaited) = self.min_offset else {
                return Ok(answer);
            };
            let reached = awaited.reached(&answer.as_of)?;
            if reached > awaited.offset {
                return Ok(answer);
            }
            if tokio::time::Instant::now() + pause > deadline {
                return Err(awaited.not_yet(reached, longest));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn stamp(&self, state: &State, store: Store, as_of: &AsOf) -> Stamped {
        let now = (state.now)();
        let log_times = || {
            as_of
                .partitions
                .iter()
                .map(|stamp| stamp.log_time)
                .filter(|log_time| *log_time > 0)
        };
        let age = |log_time: i64| (now - log_time).max(0);
        Stamped {
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
            as_of_went_back: self.since.as_ref().is_some_and(|since| older(as_of, since)),
            fresh_ms: log_times().min().map(age),
            newest_ms: log_times().max().map(age),
            store,
            definition: state.definition_id.to_string(),
            time_zone: state.definition.time_zone.clone(),
        }
    }
}

async fn ask(views: &Arc<dyn Views>, question: &Question) -> Result<Answer, Problem> {
    let answer = tokio::time::timeout(LONGEST_ASK, views.ask(question)).await;
    answer.map_or_else(
        |_| {
            let detail = format!(
                "the store did not answer within {} s; ask again",
                LONGEST_ASK.as_secs()
            );
            Err(Problem::new(Kind::StoreUnavailable, detail))
        },
        |answer| Ok(answer?),
    )
}

/// Whether the hot store holds `first_day` when log time is `log_time`. Log time is never far
/// ahead of the clock, so what lies inside by the clock lies inside by log time.
fn within_hot_window(state: &State, first_day: Option<u16>, log_time: i64) -> Result<(), Problem> {
    let (Some(first_day), Some(hot_days)) = (first_day, state.definition.hot_days) else {
        return Ok(());
    };
    let edge = log_time.max(0) - i64::from(hot_days) * DAY_MS;
    // The day the edge falls into is leaving: its first hours may be gone.
    let kept = state.calendar.moment(edge.max(0)).day.saturating_add(1);
    if edge < 0 || first_day >= kept {
        return Ok(());
    }
    let instead = if state.history.is_some() {
        "ask with store=history or without store"
    } else {
        "no history store is configured here"
    };
    let detail = format!(
        "the hot store holds days from {} on ({hot_days} days) and the span begins on {}; {instead}",
        pipeline::row::date_of(kept),
        pipeline::row::date_of(first_day),
    );
    Err(Problem::of(Kind::BeyondHotWindow, "from", detail))
}

impl MinOffset {
    /// How far the awaited record's partition is counted.
    fn reached(self, as_of: &AsOf) -> Result<u64, Problem> {
        let stamps = &as_of.partitions;
        let stamp = stamps.iter().find(|s| s.partition == self.partition);
        stamp.map(|stamp| stamp.offset).ok_or_else(|| {
            let detail = format!(
                "there is no partition {}; the view has {} partitions, from 0 on",
                self.partition,
                stamps.len()
            );
            Problem::bad("min_offset", detail)
        })
    }

    fn not_yet(self, reached: u64, waited: Duration) -> Problem {
        let detail = format!(
            "partition {} is counted up to offset {reached} after {} ms, and offset {} was awaited; ask again",
            self.partition,
            waited.as_millis(),
            self.offset
        );
        Problem::of(Kind::NotYet, "min_offset", detail)
    }
}

fn parse_min_offset(text: &str) -> Result<MinOffset, Problem> {
    text.split_once(':')
        .and_then(|(partition, offset)| {
            Some(MinOffset {
                partition: partition.parse().ok()?,
                offset: offset.parse().ok()?,
            })
        })
        .ok_or_else(|| {
            let detail = format!("min_offset is {text:?}; write partition:offset, as 3:1041");
            Problem::bad("min_offset", detail)
        })
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

fn parse_token(text: &str) -> Result<Vec<u64>, Problem> {
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
