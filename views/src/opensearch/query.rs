//! A question as the body of one search request.

use std::ops::Range;

use pipeline::calendar::Calendar;
use pipeline::row::{Period, date_of};
use serde_json::{Value, json};

use super::people::{PEOPLE_FIELDS, period_fields};
use crate::{Error, Question, Span, Step};

/// Activities of a campaign, campaigns, or buckets of a series in one answer. Each holds some
/// dozens of cells; a cluster's `search.max_buckets` bounds the two multiplied.
pub(super) const MAX_SCOPES: u32 = 10_000;
/// Sub-cells of one scope: 5 kinds × 5 device classes × 7 systems × 2 are 350, with browsers and
/// brands below 500; the rest is for money in some dozens of currencies.
const MAX_CELLS: u32 = 10_000;
/// The fields of a checkpoint document that an answer needs.
const CHECKPOINT_FIELDS: [&str; 3] = ["partition", "offset", "log_time"];
const DAY_S: i64 = 86_400;

/// What is searched for, and by what it is grouped.
#[derive(Debug)]
pub(super) struct Query {
    /// The filter of documents of counts.
    counts: Value,
    /// The field whose values are the groups.
    by: &'static str,
    /// Whether all groups together are asked for too.
    whole: bool,
    /// The filter of documents of people, where they are part of the answer.
    people: Option<Value>,
}

impl Query {
    /// The search that answers `question`.
    ///
    /// # Errors
    /// [`Error::Unanswerable`] for a series by minute: minutes are not held here.
    pub(super) fn new(question: &Question, calendar: &Calendar) -> Result<Self, Error> {
        Ok(match question {
            Question::Campaigns => {
                let campaigns = json!({"term": {"scope": "campaign"}});
                Self {
                    counts: counts_filter(vec![]),
                    by: "campaign_id",
                    whole: false,
                    people: people_filter(campaigns, Period::Life),
                }
            }
            Question::Campaign { campaign, span } => {
                let named = json!({"term": {"campaign_id": campaign}});
                Self::of_span(named, *span, "activity_id", true)
            }
            Question::Activity { activity, span } => {
                let named = json!({"term": {"activity_id": activity}});
                Self::of_span(named, *span, "campaign_id", false)
            }
            Question::Series {
                campaign,
                from,
                to,
                step,
            } => {
                let named = json!({"term": {"campaign_id": campaign}});
                let (by, range) = match step {
                    Step::Minute => return Err(no_minutes()),
                    Step::Hour => ("hour", hours(instants(*from, *to))),
                    Step::Day => ("day", days(instants(*from, *to), calendar)),
                };
                Self {
                    counts: counts_filter(vec![named, range]),
                    by,
                    whole: false,
                    people: None,
                }
            }
        })
    }

    fn of_span(named: Value, span: Span, by: &'static str, whole: bool) -> Self {
        let mut filters = vec![named.clone()];
        if let Span::Days { from, to } = span {
            let (from, to) = (date_of(from).to_string(), date_of(to).to_string());
            filters.push(json!({"range": {"day": {"gte": from, "lte": to}}}));
        }
        let period = span.people_period();
        Self {
            counts: counts_filter(filters),
            by,
            whole,
            people: period.and_then(|period| people_filter(named, period)),
        }
    }

    /// The request's body. Its hits are the checkpoints of all `partitions`.
    pub(super) fn body(&self, partitions: u32) -> Value {
        let checkpoint = json!({"term": {"doc": "checkpoint"}});
        let mut wanted = vec![checkpoint.clone(), self.counts.clone()];
        let mut groups = json!({"scopes": self.groups(&cells())});
        if self.whole {
            groups["cells"] = cells()["cells"].clone();
        }
        let mut aggregations = json!({"counts": {"filter": self.counts, "aggs": groups}});
        if let Some(people) = &self.people {
            wanted.push(people.clone());
            let mut groups = json!({"scopes": self.groups(&people_sums())});
            if self.whole {
                // A whole campaign's people are documents of their own: nobody counts twice.
                let campaign = json!({"term": {"scope": "campaign"}});
                groups["whole"] = json!({"filter": campaign, "aggs": people_sums()});
            }
            aggregations["people"] = json!({"filter": people, "aggs": groups});
        }
        json!({
            "query": {"bool": {"filter": [{"bool": {"should": wanted}}]}},
            "aggs": aggregations,
            // The checkpoints alone are hits; aggregations don't heed this filter.
            "post_filter": checkpoint,
            "size": partitions,
            "track_total_hits": false,
            "_source": CHECKPOINT_FIELDS,
        })
    }

    fn groups(&self, inner: &Value) -> Value {
        json!({"terms": {"field": self.by, "size": MAX_SCOPES}, "aggs": inner})
    }
}

fn no_minutes() -> Error {
    Error::Unanswerable(
        "OpenSearch holds no minutes: ask for the series by hour or by day, or ask the hot views, \
         which hold the minutes of the last 48 hours"
            .to_owned(),
    )
}

/// The instants from `from` to `to` within the days that rows can name.
fn instants(from: i64, to: i64) -> Range<i64> {
    let last = i64::from(u16::MAX) * DAY_S;
    from.clamp(0, last)..to.clamp(0, last)
}

/// The local hours that begin within these instants.
fn hours(instants: Range<i64>) -> Value {
    let (from, to) = (instants.start, instants.end);
    json!({"range": {"hour": {"gte": from, "lt": to, "format": "epoch_second"}}})
}

/// The local days that begin within these instants.
fn days(instants: Range<i64>, calendar: &Calendar) -> Value {
    let first_from = |instant: i64| {
        let day = calendar.day_of_hour(instant);
        let begun = calendar.day_start(day) < instant;
        date_of(day.saturating_add(u16::from(begun))).to_string()
    };
    let (from, to) = (first_from(instants.start), first_from(instants.end));
    json!({"range": {"day": {"gte": from, "lt": to}}})
}

fn counts_filter(mut filters: Vec<Value>) -> Value {
    filters.push(json!({"terms": {"doc": ["count", "browser", "brand"]}}));
    json!({"bool": {"filter": filters}})
}

fn people_filter(named: Value, period: Period) -> Option<Value> {
    let (period, start) = period_fields(period)?;
    let mut filters = vec![
        json!({"term": {"doc": "people"}}),
        json!({"term": {"period": period}}),
        named,
    ];
    if let Some(start) = start {
        filters.push(json!({"term": {"period_start": start}}));
    }
    Some(json!({"bool": {"filter": filters}}))
}

/// Every sub-cell's sums. The field tells them all apart, so that one aggregation is enough.
fn cells() -> Value {
    json!({"cells": {
        "terms": {"field": "cell", "size": MAX_CELLS},
        "aggs": {"count": {"sum": {"field": "count"}}, "amount": {"sum": {"field": "amount"}}},
    }})
}

fn people_sums() -> Value {
    let sums = PEOPLE_FIELDS.map(|field| (field.to_owned(), json!({"sum": {"field": field}})));
    Value::Object(sums.into_iter().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use pipeline::definition::Definition;

    use super::*;

    fn body(question: &Question) -> Value {
        let calendar = Calendar::new(&Definition::default()).unwrap();
        Query::new(question, &calendar).unwrap().body(12)
    }

    fn series(from: i64, to: i64, step: Step) -> Question {
        Question::Series {
            campaign: "c".to_owned(),
            from,
            to,
            step,
        }
    }

    #[test]
    fn minutes_are_refused_with_whom_to_ask() {
        let calendar = Calendar::new(&Definition::default()).unwrap();
        let refused = Query::new(&series(0, 60, Step::Minute), &calendar);
        let Err(Error::Unanswerable(text)) = refused else {
            panic!("answered");
        };
        assert!(text.contains("hot views"), "{text}");
    }

    #[test]
    fn a_series_of_days_has_the_days_that_begin_in_it() {
        // Seoul's 2025-11-22 begins at 2025-11-21T15:00:00Z.
        let start = 1_763_737_200;
        for (from, to, first, end) in [
            (start, start + 86_400, "2025-11-22", "2025-11-23"),
            (start + 1, start + 86_401, "2025-11-23", "2025-11-24"),
            (start - 1, start, "2025-11-22", "2025-11-22"),
        ] {
            let body = body(&series(from, to, Step::Day));
            let text = body["aggs"]["counts"]["filter"].to_string();
            let range = format!(r#"{{"gte":"{first}","lt":"{end}"}}"#);
            assert!(text.contains(&range), "{text} has no {range}");
        }
    }

    #[test]
    fn instants_that_no_row_can_name_are_cut_and_nothing_overflows() {
        for step in [Step::Hour, Step::Day] {
            let body = body(&series(i64::MIN, i64::MAX, step));
            assert!(!body.to_string().contains("9223372036854775807"));
        }
    }

    #[test]
    fn a_question_finds_the_checkpoints_of_all_partitions_and_no_other_hits() {
        let body = body(&Question::Campaigns);
        assert_eq!(body["size"], 12);
        assert_eq!(body["post_filter"], json!({"term": {"doc": "checkpoint"}}));
    }

    #[test]
    fn people_are_part_of_a_single_periods_answer_only() {
        let question = |from, to| Question::Campaign {
            campaign: "c".to_owned(),
            span: Span::Days { from, to },
        };
        assert!(body(&question(20_414, 20_414))["aggs"]["people"].is_object());
        assert!(body(&question(20_414, 20_415))["aggs"]["people"].is_null());
    }
}
