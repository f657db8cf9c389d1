//! A campaign's events along time, by minute, local hour or local day.

use axum::Json;
use axum::extract::{self, RawQuery};
use jiff::Timestamp;
use pipeline::calendar::Calendar;
use pipeline::definition::MINUTES_KEPT_MS;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use views::{Question, Step};
use web::{Body, Problem};

use crate::State;
use crate::as_of::Stamped;
use crate::days::day;
use crate::filter::Filter;
use crate::numbers::Totals;
use crate::parameters::{Id, Parameters};
use crate::problem;
use crate::reading::Reading;

/// The most buckets of one answer: 48 hours of minutes, with room; about 400 kB.
const MOST_BUCKETS: i64 = 3_000;
/// Instants from 2149 on have no row; UTC seconds.
const LAST_SECOND: i64 = 5_648_745_600;

/// The width of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Width {
    /// A minute, for the last 48 hours, without filters.
    Minute,
    /// An hour of the reporting time zone.
    Hour,
    /// A day of the reporting time zone.
    Day,
}

/// The time asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct Times {
    /// The width of a bucket.
    #[param(required = false, inline, default = json!("hour"))]
    step: Width,
    /// The start: an instant with its offset (RFC 3339) or a local day. It is moved back to the
    /// bucket's start. Together with `to`; without both, the last 60 minutes, 48 hours or 30 days.
    #[param(required = false, value_type = String, example = "2026-11-22T09:00:00+09:00")]
    from: i64,
    /// The end: an instant, which is not counted and moved forward to the bucket's end, or a local
    /// day, which is counted.
    #[param(required = false, value_type = String, example = "2026-11-22")]
    to: i64,
}

/// A campaign along time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeriesAnswer {
    #[serde(flatten)]
    stamped: Stamped,
    /// The campaign's id.
    campaign: String,
    /// The width of a bucket.
    step: Width,
    /// The first bucket's start, in the reporting time zone.
    #[schema(format = DateTime)]
    from: String,
    /// The last bucket's end, which is not counted any more.
    #[schema(format = DateTime)]
    to: String,
    /// Which events are counted.
    filter: Filter,
    /// Whether there are any events of the campaign in this time. An unknown campaign has none.
    has_events: bool,
    /// Every bucket, in order; those without events hold zeros.
    points: Vec<Point>,
}

/// A bucket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Point {
    /// Its start, in the reporting time zone.
    #[schema(format = DateTime)]
    start: String,
    #[serde(flatten)]
    totals: Totals,
}

/// A campaign's events along time, in one question.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/timeseries", tag = "numbers",
    params(("id" = String, Path, description = "The campaign's id"), Times, Filter, Reading),
    security(("token" = ["read"])),
    responses(
        (status = 200, description = "The series", body = SeriesAnswer),
        (status = 400, description = "A parameter is wrong, or these numbers are not kept", body = Body, content_type = "application/problem+json"),
        (status = 401, description = "Tokens are asked for, and none came or it is refused", body = Body, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks the scope read", body = Body, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong tokens came from this address", body = Body, content_type = "application/problem+json"),
        (status = 503, description = "The store doesn't answer for now; Retry-After says when to ask again", body = Body, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn timeseries(
    extract::State(state): extract::State<State>,
    Id(campaign): Id,
    RawQuery(query): RawQuery,
) -> Result<Json<SeriesAnswer>, Problem> {
    let known = [Times::NAMES, Filter::NAMES, Reading::NAMES];
    let parameters = Parameters::parse(query.as_deref(), &known)?;
    let times = Times::parse(&parameters, &state)?;
    let filter = Filter::parse(&parameters)?;
    let mut reading = Reading::parse(&parameters)?;
    let mut first_day = Some(state.calendar.moment(times.from * 1000).day);
    if times.step == Width::Minute {
        minutes_are_kept(&times, &filter, (state.now)())?;
        reading = reading.hot_only("minutes")?;
        first_day = None;
    }
    let question = Question::Series {
        campaign: campaign.clone(),
        from: times.from,
        to: times.to,
        step: times.step.step(),
    };
    let (answer, stamped) = reading.ask(&state, &question, first_day).await?;
    let totals = |start: i64| {
        answer
            .series
            .get(&start)
            .map_or_else(Totals::default, |counts| {
                let mut totals = Totals::of(counts, |cell| filter.keeps(cell));
                if times.step == Width::Minute {
                    totals = Totals::default();
                    counts
                        .kinds
                        .iter()
                        .for_each(|(kind, n)| totals.add(*kind, *n));
                }
                totals
            })
    };
    let calendar = &state.calendar;
    let starts = buckets(calendar, times.step, times.from, times.to);
    Ok(Json(SeriesAnswer {
        stamped,
        campaign,
        step: times.step,
        from: local(&state, times.from),
        to: local(&state, times.to),
        filter,
        has_events: !answer.series.is_empty(),
        points: starts
            .map(|start| Point {
                start: local(&state, start),
                totals: totals(start),
            })
            .collect(),
    }))
}

impl Width {
    const fn step(self) -> Step {
        match self {
            Self::Minute => Step::Minute,
            Self::Hour => Step::Hour,
            Self::Day => Step::Day,
        }
    }

    /// Seconds a bucket has at least.
    const fn least(self) -> i64 {
        match self {
            Self::Minute => 60,
            // Clocks go back by half an hour at places.
            Self::Hour => 1_800,
            Self::Day => 23 * 3_600,
        }
    }

    /// Seconds before now that are shown when no time is asked for: an hour, two days, 30 days,
    /// with the bucket that is under way as the last.
    const fn shown(self) -> i64 {
        match self {
            Self::Minute => 59 * 60,
            Self::Hour => 47 * 3_600,
            Self::Day => 29 * 86_400,
        }
    }

    /// The start of the bucket that holds an instant.
    fn start(self, calendar: &Calendar, second: i64) -> i64 {
        let moment = calendar.moment(second * 1000);
        match self {
            Self::Minute => second - second.rem_euclid(60),
            Self::Hour => moment.hour,
            Self::Day => calendar.day_start(moment.day),
        }
    }

    /// The start of the bucket after the one that starts at `start`.
    fn next(self, calendar: &Calendar, start: i64) -> i64 {
        match self {
            Self::Minute => start + 60,
            Self::Hour => self.start(calendar, start + 3_600),
            Self::Day => calendar.day_start(calendar.moment(start * 1000).day.saturating_add(1)),
        }
    }
}

impl Times {
    const NAMES: &'static [&'static str] = &["step", "from", "to"];

    fn parse(parameters: &Parameters, state: &State) -> Result<Self, Problem> {
        let steps = [
            ("minute", Width::Minute),
            ("hour", Width::Hour),
            ("day", Width::Day),
        ];
        let step = parameters.one_of("step", &steps)?.unwrap_or(Width::Hour);
        let calendar = &state.calendar;
        let now = (state.now)().div_euclid(1000);
        let (from, to) = match (parameters.get("from"), parameters.get("to")) {
            (None, None) => (now - step.shown(), now + 1),
            (Some(from), Some(to)) => (
                instant(calendar, "from", from, 0)?,
                instant(calendar, "to", to, 1)?,
            ),
            (Some(_), None) => {
                return Err(Problem::bad("to", "from needs to; give both or neither"));
            }
            (None, Some(_)) => {
                return Err(Problem::bad("from", "to needs from; give both or neither"));
            }
        };
        if from >= to {
            return Err(Problem::bad("to", "to is not after from; exchange them"));
        }
        let from = step.start(calendar, from);
        let to = step.next(calendar, step.start(calendar, to - 1));
        if (to - from) / step.least() > MOST_BUCKETS * 2
            || buckets(calendar, step, from, to).count() as i64 > MOST_BUCKETS
        {
            let detail = format!(
                "this time has more than {MOST_BUCKETS} buckets; ask for less, or a wider step"
            );
            return Err(Problem::bad("from", detail));
        }
        Ok(Self { step, from, to })
    }
}

fn buckets(calendar: &Calendar, step: Width, from: i64, to: i64) -> impl Iterator<Item = i64> {
    std::iter::successors(Some(from), move |start| Some(step.next(calendar, *start)))
        .take_while(move |start| *start < to)
}

/// An instant or the start of a local day, `days_on` days later; UTC seconds.
fn instant(
    calendar: &Calendar,
    name: &'static str,
    text: &str,
    days_on: u16,
) -> Result<i64, Problem> {
    if let Ok(day) = day(name, text) {
        return Ok(calendar.day_start(day.saturating_add(days_on)));
    }
    let second = text.parse::<Timestamp>().ok().map(Timestamp::as_second);
    second
        .filter(|second| (0..LAST_SECOND).contains(second))
        .ok_or_else(|| {
            let detail = format!(
                "{name} is {text:?}; write an instant as 2026-11-22T09:00:00+09:00 or a day as 2026-11-22, from 1970 to 2148"
            );
            Problem::bad(name, detail)
        })
}

fn minutes_are_kept(times: &Times, filter: &Filter, now_ms: i64) -> Result<(), Problem> {
    if let Some(name) = filter.first_name() {
        let detail = format!(
            "minutes are counted by kind only, without bots; leave out {name}, or ask for step=hour"
        );
        return Err(Problem::of(problem::NOT_KEPT, name, detail));
    }
    if times.from * 1000 < now_ms - MINUTES_KEPT_MS {
        let detail = "minutes are kept for 48 hours; ask for a later from, or for step=hour";
        return Err(Problem::of(problem::NOT_KEPT, "from", detail));
    }
    Ok(())
}

/// An instant as RFC 3339, with the offset of the reporting time zone.
fn local(state: &State, second: i64) -> String {
    let instant = Timestamp::from_second(second).unwrap_or_default();
    let offset = state.zone.to_offset(instant);
    instant.display_with_offset(offset).to_string()
}
