//! The rows of the views: their keys, their contents, and the named cells in them.
//!
//! A row is one partition's share and absolute: storing it twice changes nothing, and readers add
//! partitions up. [`RowKey`] and the prost rows are what projections store; [`NamedCell`] is the
//! form in which stores are compared.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use prost::Message;
use schemas::v1::{CountsRow, MinutesRow, PeopleRow};

use crate::cell::{Cell, Currency, Kind, unpack_brand, unpack_browser};
use crate::decode::WHOLE;
use crate::device::DeviceClass;

/// The device classes of people: all but bots, in the order of `PeopleRow.by_device`.
pub const PEOPLE_DEVICES: [DeviceClass; 4] = [
    DeviceClass::Mobile,
    DeviceClass::Tablet,
    DeviceClass::Desktop,
    DeviceClass::Other,
];

/// The stretch of time a row covers, in the reporting time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// All of it.
    Life,
    /// A month, as months since January 1970.
    Month(u16),
    /// An ISO week, as its Monday's days since 1970-01-01.
    Week(u16),
    /// A day, as days since 1970-01-01.
    Day(u16),
    /// A local hour, as the UTC seconds at which it begins; a multiple of 900.
    Hour(i64),
}

/// What a row says of its scope and period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Facet {
    /// Event counts and amounts: life, day, hour.
    Counts,
    /// Distinct users: life, month, week, day.
    People,
    /// Event counts by minute: hours of campaigns, the last 48 of log time.
    Minutes,
}

/// Names one row of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// The campaign; `(none)` for events without.
    pub campaign: Arc<str>,
    /// The activity, `(none)` for events without; `None` for the whole campaign.
    pub activity: Option<Arc<str>>,
    /// The period.
    pub period: Period,
    /// The facet.
    pub facet: Facet,
}

/// A row's contents.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// Of [`Facet::Counts`].
    Counts(CountsRow),
    /// Of [`Facet::People`].
    People(PeopleRow),
    /// Of [`Facet::Minutes`].
    Minutes(MinutesRow),
}

/// A row frozen at an offset, for a projection.
#[derive(Debug, Clone, PartialEq)]
pub struct FrozenRow {
    /// Which row.
    pub key: RowKey,
    /// The offset of the last record that changed it.
    pub changed_at: u64,
    /// Its contents; `None` when it has left the views.
    pub row: Option<Row>,
}

impl Row {
    /// The stored bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Counts(row) => row.encode_to_vec(),
            Self::People(row) => row.encode_to_vec(),
            Self::Minutes(row) => row.encode_to_vec(),
        }
    }

    /// The row of stored bytes.
    ///
    /// # Errors
    /// When the bytes are not a row of that facet.
    pub fn decode(facet: Facet, bytes: &[u8]) -> Result<Self, prost::DecodeError> {
        Ok(match facet {
            Facet::Counts => Self::Counts(CountsRow::decode(bytes)?),
            Facet::People => Self::People(PeopleRow::decode(bytes)?),
            Facet::Minutes => Self::Minutes(MinutesRow::decode(bytes)?),
        })
    }

    /// The row's cells by name. Zeroes are included.
    pub fn cells(&self) -> Vec<(String, i64)> {
        match self {
            Self::Counts(row) => counts_cells(row),
            Self::People(row) => people_cells(row),
            Self::Minutes(row) => row
                .cells
                .iter()
                .zip(&row.counts)
                .map(|(cell, count)| {
                    let kind = Kind::from_u8((cell % 10) as u8).map_or("unknown", Kind::as_str);
                    (format!("minute.{:02}.{kind}", cell / 10), *count as i64)
                })
                .collect(),
        }
    }
}

fn counts_cells(row: &CountsRow) -> Vec<(String, i64)> {
    let name = |cell: u32| Cell::unpack(cell).map_or_else(|| format!("cell-{cell}"), Cell::name);
    let mut cells = Vec::new();
    for (cell, count) in row.cells.iter().zip(&row.counts) {
        cells.push((name(*cell), *count as i64));
    }
    for ((cell, currency), amount) in row
        .amount_cells
        .iter()
        .zip(&row.amount_currencies)
        .zip(&row.amount_minor_units)
    {
        let code = Currency::from_number(*currency)
            .map_or_else(|| format!("currency-{currency}"), Currency::code);
        cells.push((format!("{}.{code}", name(*cell)), *amount));
    }
    for (cell, count) in row.browser_cells.iter().zip(&row.browser_counts) {
        let name = unpack_browser(*cell).map_or_else(
            || format!("browser-{cell}"),
            |(kind, browser)| format!("browser.{}.{}", kind.as_str(), browser.as_str()),
        );
        cells.push((name, *count as i64));
    }
    for (cell, count) in row.brand_cells.iter().zip(&row.brand_counts) {
        let name = unpack_brand(*cell).map_or_else(
            || format!("brand-{cell}"),
            |(kind, brand)| format!("brand.{}.{}", kind.as_str(), brand.as_str()),
        );
        cells.push((name, *count as i64));
    }
    cells
}

fn people_cells(row: &PeopleRow) -> Vec<(String, i64)> {
    let mut cells = vec![
        ("users".to_owned(), row.users),
        ("new".to_owned(), row.new_users),
        ("returning".to_owned(), row.returning_users),
    ];
    for (device, users) in PEOPLE_DEVICES.iter().zip(&row.by_device) {
        cells.push((format!("device.{}", device.as_str()), *users));
    }
    for (kind, users) in Kind::ALL.iter().zip(&row.by_kind) {
        cells.push((format!("kind.{}", kind.as_str()), *users));
    }
    for (kind, users) in Kind::FUNNEL.iter().zip(&row.reached) {
        cells.push((format!("reached.{}", kind.as_str()), *users));
    }
    cells
}

impl Period {
    /// `life`, `month:2026-11`, `week:2026-W47`, `day:2026-11-22` or `hour:2026-11-22T14:00Z`.
    pub fn name(self) -> String {
        match self {
            Self::Life => "life".to_owned(),
            Self::Month(months) => {
                format!("month:{:04}-{:02}", 1970 + months / 12, months % 12 + 1)
            }
            Self::Week(monday) => {
                let week = date_of(monday).iso_week_date();
                format!("week:{:04}-W{:02}", week.year(), week.week())
            }
            Self::Day(day) => format!("day:{}", date_of(day)),
            Self::Hour(start) => {
                let day = date_of(start.div_euclid(86_400) as u16);
                let second = start.rem_euclid(86_400);
                format!("hour:{day}T{:02}:{:02}Z", second / 3600, second / 60 % 60)
            }
        }
    }
}

/// The date `days` after 1970-01-01.
pub fn date_of(days: u16) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    // Every u16 lies before 2150, inside jiff's range.
    epoch
        .checked_add(jiff::Span::new().days(i64::from(days)))
        .unwrap_or(epoch)
}

/// The days from 1970-01-01 to `date`; `None` before it or after 2149-06-06.
pub fn day_of(date: Date) -> Option<u16> {
    let days = date
        .since((jiff::Unit::Day, Date::constant(1970, 1, 1)))
        .ok()?
        .get_days();
    u16::try_from(days).ok()
}

impl Facet {
    /// The name in dumps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::People => "people",
            Self::Minutes => "minutes",
        }
    }
}

/// One number of the views, with partitions added up. Ordered as in a dump.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamedCell {
    /// The campaign.
    pub campaign: Arc<str>,
    /// The activity; `*` for the whole campaign.
    pub activity: Arc<str>,
    /// [`Period::name`].
    pub period: String,
    /// [`Facet::as_str`].
    pub facet: &'static str,
    /// For example `visit.mobile.ios.new`, `browser.click.chrome`, `users`, `reached.enter`.
    pub cell: String,
}

impl fmt::Display for NamedCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\t{}\t{}\t{}\t{}",
            self.campaign, self.activity, self.period, self.facet, self.cell
        )
    }
}

/// The cells of a view by name, partitions added up.
pub type NamedCells = BTreeMap<NamedCell, i64>;

/// Adds a partition's row to `cells`.
pub fn add_row(cells: &mut NamedCells, key: &RowKey, row: &Row) {
    let activity = key.activity.clone().unwrap_or_else(|| Arc::from(WHOLE));
    let period = key.period.name();
    for (cell, value) in row.cells() {
        let name = NamedCell {
            campaign: key.campaign.clone(),
            activity: activity.clone(),
            period: period.clone(),
            facet: key.facet.as_str(),
            cell,
        };
        *cells.entry(name).or_insert(0) += value;
    }
}
