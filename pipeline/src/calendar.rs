//! Instants as hours, days, weeks and months of the reporting time zone.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::definition::{self, Definition};
use crate::row::{Period, date_of, day_of};

/// Quarters of an hour remembered: about 42 days. Every zone's offset since 2005 is a multiple of 900 s,
/// so that one look-up serves a quarter, but for those in which clocks change.
const REMEMBERED: usize = 4096;
const QUARTER_MS: i64 = 900_000;

/// Where an instant lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The start of its local hour, UTC seconds.
    pub hour: i64,
    /// Its local minute, 0 to 59.
    pub minute: u8,
    /// Its local day, days since 1970-01-01.
    pub day: u16,
    /// The Monday of its ISO week, likewise.
    pub week: u16,
    /// The first day of its month, likewise.
    pub month_start: u16,
    /// The first day of the next month.
    pub month_end: u16,
    /// Its month, months since January 1970.
    pub month: u16,
}

impl Moment {
    /// Whether `day` lies in this moment's month.
    pub fn month_holds(&self, day: u16) -> bool {
        (self.month_start..self.month_end).contains(&day)
    }

    /// Whether `day` lies in this moment's ISO week.
    pub fn week_holds(&self, day: u16) -> bool {
        (self.week..self.week.saturating_add(7)).contains(&day)
    }
}

/// The reporting time zone's calendar.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    /// The calendar of a definition.
    ///
    /// # Errors
    /// When the time-zone table doesn't know the zone.
    pub fn new(definition: &Definition) -> Result<Self, definition::Error> {
        Ok(Self {
            zone: definition.zone()?,
        })
    }

    /// The moment of an instant in milliseconds since the epoch, from 1970 to 2149.
    pub fn moment(&self, ms: i64) -> Moment {
        let second = ms.div_euclid(1000);
        let instant = Timestamp::from_second(second).unwrap_or_default();
        let local = self.zone.to_datetime(instant);
        let date = local.date();
        let day = day_of(date).unwrap_or(0);
        let month_start = day.saturating_sub(date.day() as u16 - 1);
        Moment {
            hour: second - i64::from(local.minute()) * 60 - i64::from(local.second()),
            minute: local.minute() as u8,
            day,
            week: day.saturating_sub(date.weekday().to_monday_zero_offset() as u16),
            month_start,
            month_end: month_start.saturating_add(date.days_in_month() as u16),
            month: months_of(date),
        }
    }

    /// The instant at which a local day begins, UTC seconds.
    pub fn day_start(&self, day: u16) -> i64 {
        date_of(day)
            .to_zoned(self.zone.clone())
            .map_or(i64::from(day) * 86_400, |start| {
                start.timestamp().as_second()
            })
    }

    /// The local day of an hour's start.
    pub fn day_of_hour(&self, hour: i64) -> u16 {
        self.moment(hour * 1000).day
    }

    /// The periods of distinct users that a day lies in: day, week, month, life.
    pub fn people_periods(moment: &Moment) -> [Period; 4] {
        [
            Period::Day(moment.day),
            Period::Week(moment.week),
            Period::Month(moment.month),
            Period::Life,
        ]
    }
}

fn months_of(date: Date) -> u16 {
    u16::try_from((date.year() - 1970) * 12 + i16::from(date.month()) - 1).unwrap_or(0)
}

/// A calendar that remembers the quarters of an hour it was asked for.
#[derive(Debug, Clone)]
pub struct Moments {
    calendar: Calendar,
    remembered: Vec<(i64, Moment)>,
}

impl Moments {
    /// Remembers nothing yet.
    pub fn new(calendar: Calendar) -> Self {
        Self {
            calendar,
            remembered: Vec::new(),
        }
    }

    /// As [`Calendar::moment`].
    pub fn moment(&mut self, ms: i64) -> Moment {
        let quarter = ms.div_euclid(QUARTER_MS);
        if self.remembered.is_empty() {
            let nothing = (i64::MIN, self.calendar.moment(0));
            self.remembered = vec![nothing; REMEMBERED];
        }
        let place = quarter.rem_euclid(REMEMBERED as i64) as usize;
        if self.remembered[place].0 != quarter {
            let start = self.calendar.moment(quarter * QUARTER_MS);
            let last = self.calendar.moment((quarter + 1) * QUARTER_MS - 1);
            // In a few zones clocks changed at a minute past midnight: in St John's up to 2011.
            if last != later(start, 14) {
                return self.calendar.moment(ms);
            }
            self.remembered[place] = (quarter, start);
        }
        let minutes = (ms.rem_euclid(QUARTER_MS) / 60_000) as u8;
        later(self.remembered[place].1, minutes)
    }

    /// The calendar itself.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }
}

/// The moment some minutes later in the same hour.
fn later(moment: Moment, minutes: u8) -> Moment {
    Moment {
        minute: moment.minute + minutes,
        ..moment
    }
}
