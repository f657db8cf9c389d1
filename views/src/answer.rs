//! What the views answer: numbers with what they are as of.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::cell::{Cell, Currency, Kind, unpack_brand, unpack_browser};
use pipeline::device::{Brand, Browser};
use schemas::v1::{CountsRow, MinutesRow, PeopleRow};

/// Whether `as_of` names the rows exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOfKind {
    /// The numbers are fold(log[0..offset)) of each partition.
    Exact,
    /// The numbers hold at least log[0..offset).
    AtLeast,
}

/// How far one partition's rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The partition.
    pub partition: u32,
    /// The first offset that is not in the rows.
    pub offset: u64,
    /// Log time there, milliseconds since the epoch; 0 before the first record.
    pub log_time: i64,
}

/// What an answer is as of, a stamp a partition in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsOf {
    /// Exact or at least.
    pub kind: AsOfKind,
    /// The stamps.
    pub partitions: Vec<Stamp>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What it is as of.
    pub as_of: AsOf,
    /// Numbers of each scope asked for; a scope without events is absent.
    pub scopes: BTreeMap<Scope, Numbers>,
    /// Of a series: counts by bucket start, UTC seconds. Buckets without events are absent.
    pub series: BTreeMap<i64, Counts>,
}

/// A campaign or one of its activities. The whole campaign sorts before its activities.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The campaign.
    pub campaign: Arc<str>,
    /// The activity; `None` for the whole campaign.
    pub activity: Option<Arc<str>>,
}

/// The numbers of one scope over the span asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Numbers {
    /// Event counts.
    pub counts: Counts,
    /// Distinct users; `None` where the span is no single period ([`crate::Span::people_period`]).
    pub people: Option<PeopleRow>,
}

/// Event counts, partitions and buckets added up. Bots are in `cells` only, as their own device class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events by cell.
    pub cells: BTreeMap<Cell, u64>,
    /// Money by cell and currency, in minor units.
    pub amounts: BTreeMap<(Cell, Currency), i64>,
    /// Events by kind and browser, without bots.
    pub browsers: BTreeMap<(Kind, Browser), u64>,
    /// Events by kind and brand, without bots.
    pub brands: BTreeMap<(Kind, Brand), u64>,
    /// Events by kind, without bots; of minutes, which know no more.
    pub kinds: BTreeMap<Kind, u64>,
}

impl Counts {
    /// Adds a row. Cells of a later version, which this one can't name, are left out.
    pub fn add(&mut self, row: &CountsRow) {
        for (cell, count) in row.cells.iter().zip(&row.counts) {
            if let Some(cell) = Cell::unpack(*cell) {
                *self.cells.entry(cell).or_insert(0) += count;
            }
        }
        let amounts = row.amount_cells.iter().zip(&row.amount_currencies);
        for ((cell, currency), amount) in amounts.zip(&row.amount_minor_units) {
            if let (Some(cell), Some(currency)) =
                (Cell::unpack(*cell), Currency::from_number(*currency))
            {
                *self.amounts.entry((cell, currency)).or_insert(0) += amount;
            }
        }
        for (cell, count) in row.browser_cells.iter().zip(&row.browser_counts) {
            if let Some(key) = unpack_browser(*cell) {
                *self.browsers.entry(key).or_insert(0) += count;
            }
        }
        for (cell, count) in row.brand_cells.iter().zip(&row.brand_counts) {
            if let Some(key) = unpack_brand(*cell) {
                *self.brands.entry(key).or_insert(0) += count;
            }
        }
    }

    /// Adds one minute of a row of minutes.
    pub fn add_minute(&mut self, row: &MinutesRow, minute: u32) {
        for (cell, count) in row.cells.iter().zip(&row.counts) {
            if cell / 10 == minute
                && let Some(kind) = Kind::from_u8((cell % 10) as u8)
            {
                *self.kinds.entry(kind).or_insert(0) += count;
            }
        }
    }
}

/// Adds `row` to `sum`, member by member.
pub(crate) fn add_people(sum: &mut PeopleRow, row: &PeopleRow) {
    sum.users += row.users;
    sum.new_users += row.new_users;
    sum.returning_users += row.returning_users;
    for (sum, list) in [
        (&mut sum.by_device, &row.by_device),
        (&mut sum.by_kind, &row.by_kind),
        (&mut sum.reached, &row.reached),
    ] {
        sum.resize(sum.len().max(list.len()), 0);
        for (sum, users) in sum.iter_mut().zip(list) {
            *sum += users;
        }
    }
}
