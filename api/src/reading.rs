//! Choosing a store and asking it: once, or until an awaited record is in.
//!
//! One answer comes from one store, and never from one that may have dropped its days.

use std::sync::Arc;
use std::time::Duration;

use pipeline::definition::DAY_MS;
use utoipa::IntoParams;
use views::{Answer, AsOf, Question, Views};
use web::Problem;

use crate::State;
use crate::as_of::{Stamped, Store, parse_token};
use crate::parameters::Parameters;
use crate::problem;

/// How long a store may take for one answer; past it, a person has left.
const LONGEST_ASK: Duration = Duration::from_secs(10);
/// How long `min_offset` waits: projections lag by 2 s at most when they keep up.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The first pause while waiting; it doubles up to the longest, so that waiting costs a store
/// little.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

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
            return Err(Problem::of(problem::NOT_KEPT, "store", detail));
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
        let stamped = Stamped::of(state, store, &answer.as_of, self.since.as_deref());
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
                problem::NO_HISTORY,
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
}

async fn ask(views: &Arc<dyn Views>, question: &Question) -> Result<Answer, Problem> {
    let answer = tokio::time::timeout(LONGEST_ASK, views.ask(question)).await;
    answer.map_or_else(
        |_| {
            let detail = format!(
                "the store did not answer within {} s; ask again",
                LONGEST_ASK.as_secs()
            );
            Err(Problem::new(problem::STORE_UNAVAILABLE, detail))
        },
        |answer| answer.map_err(problem::not_answered),
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
    Err(Problem::of(problem::BEYOND_HOT_WINDOW, "from", detail))
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
        Problem::of(problem::NOT_YET, "min_offset", detail)
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
