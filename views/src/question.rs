//! What can be asked of the views.

use pipeline::row::Period;

/// A question. One is answered from one store at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Every campaign's life numbers, without its activities.
    Campaigns,
    /// A campaign and each of its activities.
    Campaign {
        /// The campaign.
        campaign: String,
        /// When.
        span: Span,
    },
    /// An activity, in each campaign that has one of that name.
    Activity {
        /// The activity.
        activity: String,
        /// When.
        span: Span,
    },
    /// A campaign's event counts along time.
    Series {
        /// The campaign.
        campaign: String,
        /// From this instant on, UTC seconds.
        from: i64,
        /// Up to and not including this one, UTC seconds.
        to: i64,
        /// The width of a bucket.
        step: Step,
    },
}

/// A bucket's width in a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A minute: event counts by kind only, for the last 48 hours of log time, without bots.
    Minute,
    /// A local hour.
    Hour,
    /// A day in the reporting time zone.
    Day,
}

/// The time a question covers, in whole days of the reporting time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// All of it.
    Life,
    /// Days since 1970-01-01, both ends included.
    Days {
        /// The first day.
        from: u16,
        /// The last day.
        to: u16,
    },
}

impl Span {
    /// The one period of distinct users that this span is, if it is one: people of other spans
    /// can't be added up from parts.
    pub fn people_period(self) -> Option<Period> {
        let Self::Days { from, to } = self else {
            return Some(Period::Life);
        };
        if from == to {
            return Some(Period::Day(from));
        }
        let first = pipeline::row::date_of(from);
        if to.checked_sub(from) == Some(6) && first.weekday() == jiff::civil::Weekday::Monday {
            return Some(Period::Week(from));
        }
        let whole_month =
            first.day() == 1 && pipeline::row::day_of(first.last_of_month()) == Some(to);
        let months = (first.year() - 1970) * 12 + i16::from(first.month()) - 1;
        (whole_month && months >= 0).then_some(Period::Month(months as u16))
    }
}
