//! Civil time in the reporting zone, and the names of the periods an instant lies in.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// The local day and hour of an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    /// The calendar day.
    pub day: Date,
    /// The UTC seconds at which the local hour began: the instant less its minutes and seconds by the local clock.
    pub hour: i64,
}

/// The local day and hour at `ms` milliseconds since the epoch.
pub(super) fn civil(ms: i64, zone: &TimeZone) -> Civil {
    // Times that are not between 2005 and 2149 were set aside: none is outside jiff's range.
    let instant = Timestamp::from_millisecond(ms).unwrap_or_default();
    let local: Zoned = instant.to_zoned(zone.clone());
    let into_hour = i64::from(local.minute()) * 60 + i64::from(local.second());
    Civil {
        day: local.date(),
        hour: ms.div_euclid(1000) - into_hour,
    }
}

/// The first day of the hot window: `days` before the UTC day of the log time. `None` when the window reaches back beyond the calendar.
pub(super) fn hot_since(log_time: i64, days: u32) -> Option<Date> {
    let today = Timestamp::from_millisecond(log_time).ok()?;
    let today = today.to_zoned(TimeZone::UTC).date();
    today.checked_sub(Span::new().try_days(days).ok()?).ok()
}

/// A stretch of local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum When {
    /// All of it.
    Life,
    /// Year and month.
    Month(i16, i8),
    /// ISO year and week.
    Week(i16, i8),
    /// A day.
    Day(Date),
    /// A local hour, by the UTC seconds at which it begins.
    Hour(i64),
}

impl When {
    /// The periods of event counts.
    pub(super) fn of_counts(at: Civil) -> [Self; 3] {
        [Self::Life, Self::Day(at.day), Self::Hour(at.hour)]
    }

    /// The periods of people.
    pub(super) fn of_people(day: Date) -> [Self; 4] {
        let week = day.iso_week_date();
        [
            Self::Life,
            Self::Month(day.year(), day.month()),
            Self::Week(week.year(), week.week()),
            Self::Day(day),
        ]
    }

    /// The local day by which it leaves the hot window; of an hour the day on which it begins. Longer ones never leave.
    pub(super) fn leaves_with(self, zone: &TimeZone) -> Option<Date> {
        match self {
            Self::Life | Self::Month(..) | Self::Week(..) => None,
            Self::Day(day) => Some(day),
            Self::Hour(seconds) => Some(civil(seconds * 1000, zone).day),
        }
    }

    /// The name in a view's cells, for example `week:2026-W47` or `hour:2026-11-22T14:00Z`.
    pub(super) fn name(self) -> String {
        match self {
            Self::Life => "life".to_owned(),
            Self::Month(year, month) => format!("month:{year:04}-{month:02}"),
            Self::Week(year, week) => format!("week:{year:04}-W{week:02}"),
            Self::Day(day) => format!("day:{day}"),
            // Made from an instant that was inside the calendar, so it is a timestamp.
            Self::Hour(seconds) => Timestamp::from_second(seconds).map_or_else(
                |_| format!("hour:{seconds}"),
                |start| format!("hour:{}", start.strftime("%Y-%m-%dT%H:%MZ")),
            ),
        }
    }
}
