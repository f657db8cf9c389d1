//! From rows to an answer: which rows a question needs, and their sum over partitions and buckets.
//!
//! Every reader of rows uses it, so that equal rows give equal answers in every store: a sum
//! keeps no zeroes, and a scope or bucket without events is absent.

use std::collections::BTreeMap;
use std::ops::Range;

use pipeline::calendar::Calendar;
use pipeline::cell::Kind;
use pipeline::row::{Facet, PEOPLE_DEVICES, Period, Row, RowKey};
use schemas::v1::PeopleRow;

use crate::answer::{Answer, AsOf, Counts, Numbers, Scope, add_people};
use crate::{Error, Question, Span, Step};

/// Periods that one answer reads at most: a year of hours (8,784), with room.
pub const PERIODS_MOST: u64 = 10_000;

const HOUR_S: i64 = 3600;
/// Every zone's hours begin at a multiple of this, also where the clock moves by half an hour.
const QUARTER_S: i64 = 900;
const DAY_S: i64 = 86_400;

/// The rows that a question needs.
#[derive(Debug)]
pub struct Selection<'a> {
    question: &'a Question,
    calendar: &'a Calendar,
    people: Option<Period>,
    /// Of a series: the instants asked for, within the days that rows can name.
    instants: Range<i64>,
    /// Of a series: the days that begin within them.
    days: Range<u16>,
}

impl<'a> Selection<'a> {
    /// What `question` needs in the calendar of the views.
    pub fn new(question: &'a Question, calendar: &'a Calendar) -> Self {
        let (instants, days) = match question {
            Question::Series { from, to, .. } => {
                let last = i64::from(u16::MAX) * DAY_S;
                let instants = (*from).clamp(0, last)..(*to).clamp(0, last);
                let days = first_day(calendar, instants.start)..first_day(calendar, instants.end);
                (instants, days)
            }
            _ => (0..0, 0..0),
        };
        let people = match question {
            Question::Campaigns => Some(Period::Life),
            Question::Campaign { span, .. } | Question::Activity { span, .. } => {
                span.people_period()
            }
            Question::Series { .. } => None,
        };
        Self {
            question,
            calendar,
            people,
            instants,
            days,
        }
    }

    /// Whether the row takes part in the answer.
    pub fn wants(&self, key: &RowKey) -> bool {
        let activity = key.activity.as_deref();
        match self.question {
            Question::Campaigns => activity.is_none() && self.spans(Span::Life, key),
            Question::Campaign { campaign, span } => {
                *key.campaign == **campaign && self.spans(*span, key)
            }
            Question::Activity {
                activity: asked,
                span,
            } => activity == Some(asked) && self.spans(*span, key),
            Question::Series { campaign, step, .. } => {
                *key.campaign == **campaign
                    && activity.is_none()
                    && match (step, key.period, key.facet) {
                        (Step::Minute, Period::Hour(hour), Facet::Minutes) => {
                            hour + HOUR_S > self.instants.start && hour < self.instants.end
                        }
                        (Step::Hour, Period::Hour(hour), Facet::Counts) => {
                            self.instants.contains(&hour)
                        }
                        (Step::Day, Period::Day(day), Facet::Counts) => self.days.contains(&day),
                        _ => false,
                    }
            }
        }
    }

    fn spans(&self, span: Span, key: &RowKey) -> bool {
        match (key.facet, span, key.period) {
            (Facet::Counts, Span::Life, period) => period == Period::Life,
            (Facet::Counts, Span::Days { from, to }, Period::Day(day)) => {
                (from..=to).contains(&day)
            }
            (Facet::People, _, period) => self.people == Some(period),
            _ => false,
        }
    }

    /// The periods whose rows are needed, for a store that looks rows up by name.
    ///
    /// # Errors
    /// [`Error::TooWide`] when they are more than [`PERIODS_MOST`].
    pub fn periods(&self) -> Result<Vec<Period>, Error> {
        let mut periods = match self.question {
            Question::Campaigns
            | Question::Campaign {
                span: Span::Life, ..
            }
            | Question::Activity {
                span: Span::Life, ..
            } => vec![Period::Life],
            Question::Campaign {
                span: Span::Days { from, to },
                ..
            }
            | Question::Activity {
                span: Span::Days { from, to },
                ..
            } => {
                limit(u64::from(to.saturating_sub(*from)) + 1)?;
                (*from..=*to).map(Period::Day).collect()
            }
            Question::Series {
                step: Step::Day, ..
            } => {
                limit(self.days.len() as u64)?;
                self.days.clone().map(Period::Day).collect()
            }
            Question::Series { .. } => self.hours()?,
        };
        if let Some(period) = self.people
            && !periods.contains(&period)
        {
            periods.push(period);
        }
        Ok(periods)
    }

    /// The local hours with an instant that is asked for.
    fn hours(&self) -> Result<Vec<Period>, Error> {
        let Range { start, end } = self.instants;
        limit(end.saturating_sub(start).max(0) as u64 / HOUR_S as u64)?;
        let mut hours = Vec::new();
        let mut at = start;
        while at < end {
            let hour = self.calendar.moment(at * 1000).hour;
            if hours.last() != Some(&Period::Hour(hour)) {
                hours.push(Period::Hour(hour));
            }
            at = (at.div_euclid(QUARTER_S) + 1) * QUARTER_S;
        }
        Ok(hours)
    }

    /// The answer from these rows of all partitions. Rows that are not wanted are left out.
    pub fn collect(&self, as_of: AsOf, rows: impl IntoIterator<Item = (RowKey, Row)>) -> Answer {
        let mut answer = Answer {
            as_of,
            scopes: BTreeMap::new(),
            series: BTreeMap::new(),
        };
        for (key, row) in rows {
            if !self.wants(&key) {
                continue;
            }
            if let Question::Series { .. } = self.question {
                self.add_to_series(&mut answer.series, key.period, &row);
            } else {
                self.add_to_scope(&mut answer.scopes, key, &row);
            }
        }
        for counts in answer.series.values_mut() {
            prune(counts);
        }
        answer
            .series
            .retain(|_, counts| *counts != Counts::default());
        answer.scopes.retain(|_, numbers| {
            prune(&mut numbers.counts);
            numbers.counts != Counts::default()
                || numbers
                    .people
                    .as_ref()
                    .is_some_and(|people| people.users != 0)
        });
        answer
    }

    fn add_to_series(&self, series: &mut BTreeMap<i64, Counts>, period: Period, row: &Row) {
        match (period, row) {
            (Period::Hour(hour), Row::Minutes(row)) => {
                for minute in 0..60 {
                    let start = hour + i64::from(minute) * 60;
                    if self.instants.contains(&start) {
                        series.entry(start).or_default().add_minute(row, minute);
                    }
                }
            }
            (Period::Hour(hour), Row::Counts(row)) => series.entry(hour).or_default().add(row),
            (Period::Day(day), Row::Counts(row)) => {
                let start = self.calendar.day_start(day);
                series.entry(start).or_default().add(row);
            }
            _ => {}
        }
    }

    fn add_to_scope(&self, scopes: &mut BTreeMap<Scope, Numbers>, key: RowKey, row: &Row) {
        let scope = Scope {
            campaign: key.campaign,
            activity: key.activity,
        };
        let numbers = scopes.entry(scope).or_insert_with(|| Numbers {
            counts: Counts::default(),
            people: self.people.map(|_| no_people()),
        });
        match row {
            Row::Counts(row) => numbers.counts.add(row),
            Row::People(row) => {
                if let Some(people) = &mut numbers.people {
                    add_people(people, row);
                }
            }
            Row::Minutes(_) => {}
        }
    }
}

/// The first local day that begins at `instant` or later.
fn first_day(calendar: &Calendar, instant: i64) -> u16 {
    let day = calendar.moment(instant * 1000).day;
    if calendar.day_start(day) >= instant {
        day
    } else {
        day.saturating_add(1)
    }
}

fn limit(periods: u64) -> Result<(), Error> {
    if periods > PERIODS_MOST {
        return Err(Error::TooWide {
            periods,
            most: PERIODS_MOST,
        });
    }
    Ok(())
}

/// Nobody, with every list at its length.
fn no_people() -> PeopleRow {
    PeopleRow {
        by_device: vec![0; PEOPLE_DEVICES.len()],
        by_kind: vec![0; Kind::ALL.len()],
        reached: vec![0; Kind::FUNNEL.len()],
        ..PeopleRow::default()
    }
}

fn prune(counts: &mut Counts) {
    counts.cells.retain(|_, count| *count != 0);
    counts.amounts.retain(|_, amount| *amount != 0);
    counts.browsers.retain(|_, count| *count != 0);
    counts.brands.retain(|_, count| *count != 0);
    counts.kinds.retain(|_, count| *count != 0);
}

#[cfg(test)]
mod tests;
