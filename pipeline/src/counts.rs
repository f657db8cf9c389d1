//! The counters of one counts row while it is folded.
//!
//! A row with few counters is a sorted list; one with many is a table with a place for every counter there can
//! be, so that counting is one addition. What a row holds doesn't depend on which it is.

use schemas::v1::CountsRow;
use thin_vec::ThinVec;

use crate::cell::{Cell, Currency, Kind, pack_brand, pack_browser, unpack_brand, unpack_browser};
use crate::device::{Brand, Browser, Device, DeviceClass, Os};

const CELLS: usize = Kind::ALL.len() * DeviceClass::ALL.len() * Os::ALL.len() * 2;
const BROWSERS: usize = Kind::ALL.len() * Browser::ALL.len();
const BRANDS: usize = Kind::ALL.len() * Brand::ALL.len();
/// Every counter of events there can be: of cells, then of browsers, then of brands.
const COUNTERS: usize = CELLS + BROWSERS + BRANDS;
/// A list of so many becomes a table. At this length the list has about half the table's bytes.
const LONGEST_LIST: usize = 96;
/// Stands for a counter that was never counted: a cell corrected to zero is kept as zero.
const ABSENT: i64 = i64::MIN;

const AMOUNT: u32 = 1 << 31;
const CURRENCY_BITS: u32 = 15;

/// What one counter counts: a number of events, by its place in the table, or an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountKey(u32);

impl CountKey {
    /// Events of a cell.
    pub const fn cell(cell: Cell) -> Self {
        let kind = cell.kind as usize - 1;
        let place = (kind * DeviceClass::ALL.len() + cell.device as usize) * Os::ALL.len();
        Self(((place + cell.os as usize) * 2 + cell.is_new as usize) as u32)
    }

    /// Money of a cell.
    pub const fn amount(cell: Cell, currency: Currency) -> Self {
        Self(AMOUNT | (cell.pack() as u32) << CURRENCY_BITS | currency.number() as u32)
    }

    /// Events of a kind and browser.
    pub const fn browser(kind: Kind, browser: Browser) -> Self {
        let place = (kind as usize - 1) * Browser::ALL.len() + browser as usize;
        Self((CELLS + place) as u32)
    }

    /// Events of a kind and brand.
    pub const fn brand(kind: Kind, brand: Brand) -> Self {
        let place = (kind as usize - 1) * Brand::ALL.len() + brand as usize;
        Self((CELLS + BROWSERS + place) as u32)
    }
}

/// The counters that one event adds to, in each of its rows.
#[derive(Debug, Clone, Copy)]
pub struct Increment {
    cell: CountKey,
    amount: Option<(CountKey, i64)>,
    /// Browser and brand; bots are in neither.
    marginals: Option<[CountKey; 2]>,
}

impl Increment {
    /// Of an event in `cell` from `device`, with money if it has any.
    pub fn new(cell: Cell, device: Device, amount: Option<(i64, Currency)>) -> Self {
        let marginals = [
            CountKey::browser(cell.kind, device.browser),
            CountKey::brand(cell.kind, device.brand),
        ];
        Self {
            cell: CountKey::cell(cell),
            amount: amount.map(|(amount, currency)| (CountKey::amount(cell, currency), amount)),
            marginals: (cell.device != DeviceClass::Bot).then_some(marginals),
        }
    }
}

/// A cell that this version doesn't know.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cell {0} is unknown to this version")]
pub struct UnknownCell(u32);

/// The counters of one row.
#[derive(Debug, Clone)]
pub enum Counts {
    /// Sorted by key.
    List(ThinVec<(CountKey, i64)>),
    /// A place for each counter of events.
    Table(Box<Table>),
}

/// Many counters.
#[derive(Debug, Clone)]
pub struct Table {
    counts: [i64; COUNTERS],
    amounts: ThinVec<(CountKey, i64)>,
}

impl Default for Counts {
    fn default() -> Self {
        Self::List(ThinVec::new())
    }
}

impl Counts {
    /// Adds one event.
    pub fn add(&mut self, increment: &Increment) {
        self.count(increment.cell, 1);
        if let Some((key, amount)) = increment.amount {
            self.count(key, amount);
        }
        if let Some(marginals) = increment.marginals {
            marginals.iter().for_each(|key| self.count(*key, 1));
        }
    }

    /// Adds to one counter.
    pub fn count(&mut self, key: CountKey, by: i64) {
        match self {
            Self::Table(table) => table.count(key, by),
            Self::List(list) => {
                add_sorted(list, key, by);
                if list.len() > LONGEST_LIST {
                    *self = Self::Table(Box::new(Table::of(list)));
                }
            }
        }
    }

    /// What is counted, events by place and then amounts.
    fn iter(&self) -> impl Iterator<Item = (CountKey, i64)> {
        let (table, list): (&[i64], _) = match self {
            Self::List(list) => (&[], list),
            Self::Table(table) => (&table.counts, &table.amounts),
        };
        let table = (0..).zip(table).filter(|(_, count)| **count != ABSENT);
        table
            .map(|(place, count)| (CountKey(place), *count))
            .chain(list.iter().copied())
    }

    /// The row as it is stored.
    pub fn to_row(&self) -> CountsRow {
        let most = match self {
            Self::List(list) => list.len(),
            Self::Table(_) => COUNTERS / 2,
        };
        let mut row = CountsRow {
            cells: Vec::with_capacity(most),
            counts: Vec::with_capacity(most),
            browser_cells: Vec::with_capacity(BROWSERS.min(most)),
            browser_counts: Vec::with_capacity(BROWSERS.min(most)),
            brand_cells: Vec::with_capacity(BRANDS.min(most)),
            brand_counts: Vec::with_capacity(BRANDS.min(most)),
            ..CountsRow::default()
        };
        for (key, value) in self.iter() {
            // Counts never fall below zero: what is moved away was counted before.
            let count = value.max(0) as u64;
            let place = key.0 as usize;
            if key.0 & AMOUNT != 0 {
                let code = key.0 & !AMOUNT;
                row.amount_cells.push(code >> CURRENCY_BITS);
                row.amount_currencies
                    .push(code & ((1 << CURRENCY_BITS) - 1));
                row.amount_minor_units.push(value);
            } else if place < CELLS {
                row.cells.push(CODES[place].into());
                row.counts.push(count);
            } else if place < CELLS + BROWSERS {
                row.browser_cells.push(CODES[place].into());
                row.browser_counts.push(count);
            } else {
                row.brand_cells.push(CODES[place].into());
                row.brand_counts.push(count);
            }
        }
        row
    }

    /// The counters of a stored row.
    ///
    /// # Errors
    /// When it counts something that this version has no name for.
    pub fn from_row(row: &CountsRow) -> Result<Self, UnknownCell> {
        let mut counts = Self::default();
        let cell = |code: u32| Cell::unpack(code).ok_or(UnknownCell(code));
        for (code, count) in row.cells.iter().zip(&row.counts) {
            counts.count(CountKey::cell(cell(*code)?), *count as i64);
        }
        let amounts = row.amount_cells.iter().zip(&row.amount_currencies);
        for ((code, currency), amount) in amounts.zip(&row.amount_minor_units) {
            let currency = Currency::from_number(*currency).ok_or(UnknownCell(*code))?;
            counts.count(CountKey::amount(cell(*code)?, currency), *amount);
        }
        for (code, count) in row.browser_cells.iter().zip(&row.browser_counts) {
            let (kind, browser) = unpack_browser(*code).ok_or(UnknownCell(*code))?;
            counts.count(CountKey::browser(kind, browser), *count as i64);
        }
        for (code, count) in row.brand_cells.iter().zip(&row.brand_counts) {
            let (kind, brand) = unpack_brand(*code).ok_or(UnknownCell(*code))?;
            counts.count(CountKey::brand(kind, brand), *count as i64);
        }
        Ok(counts)
    }
}

impl Table {
    fn of(list: &[(CountKey, i64)]) -> Self {
        let mut table = Self {
            counts: [ABSENT; COUNTERS],
            amounts: ThinVec::new(),
        };
        for (key, by) in list {
            table.count(*key, *by);
        }
        table
    }

    fn count(&mut self, key: CountKey, by: i64) {
        match self.counts.get_mut(key.0 as usize) {
            Some(count) if *count == ABSENT => *count = by,
            Some(count) => *count = count.wrapping_add(by),
            None => add_sorted(&mut self.amounts, key, by),
        }
    }
}

fn add_sorted(list: &mut ThinVec<(CountKey, i64)>, key: CountKey, by: i64) {
    match list.binary_search_by_key(&key, |(key, _)| *key) {
        Ok(place) => list[place].1 = list[place].1.wrapping_add(by),
        Err(place) => list.insert(place, (key, by)),
    }
}

/// The packed number, as stored, of each counter of events.
const CODES: [u16; COUNTERS] = codes();

const fn codes() -> [u16; COUNTERS] {
    let mut codes = [0; COUNTERS];
    let mut k = 0;
    while k < Kind::ALL.len() {
        let kind = Kind::ALL[k];
        let mut cell = 0;
        while cell < CELLS / Kind::ALL.len() {
            let cell_of = Cell {
                kind,
                device: DeviceClass::ALL[cell / 2 / Os::ALL.len()],
                os: Os::ALL[cell / 2 % Os::ALL.len()],
                is_new: cell % 2 == 1,
            };
            codes[CountKey::cell(cell_of).0 as usize] = cell_of.pack();
            cell += 1;
        }
        let mut b = 0;
        while b < Browser::ALL.len() {
            let browser = Browser::ALL[b];
            codes[CountKey::browser(kind, browser).0 as usize] = pack_browser(kind, browser);
            b += 1;
        }
        let mut b = 0;
        while b < Brand::ALL.len() {
            let brand = Brand::ALL[b];
            codes[CountKey::brand(kind, brand).0 as usize] = pack_brand(kind, brand);
            b += 1;
        }
        k += 1;
    }
    codes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = CountKey> {
        let place = (0..COUNTERS as u32).prop_map(CountKey);
        let amount = (1..1000u32, 0..26u32 * 26 * 26).prop_map(|(cell, currency)| {
            let cells = (0..=9999).filter_map(Cell::unpack).collect::<Vec<_>>();
            let cell = cells[cell as usize % cells.len()];
            CountKey::amount(cell, Currency::from_number(currency).unwrap())
        });
        prop_oneof![9 => place, 1 => amount]
    }

    /// What a row says, whatever way it is held.
    fn plain(row: &CountsRow) -> BTreeMap<(u8, u32, u32), i64> {
        let counts = |list, cells: &[u32], counts: &[u64]| -> Vec<_> {
            let of = cells.iter().zip(counts);
            of.map(|(cell, count)| ((list, *cell, 0), *count as i64))
                .collect()
        };
        let amounts = row.amount_cells.iter().zip(&row.amount_currencies);
        let amounts = amounts
            .zip(&row.amount_minor_units)
            .map(|((cell, currency), amount)| ((1, *cell, *currency), *amount));
        counts(0, &row.cells, &row.counts)
            .into_iter()
            .chain(counts(2, &row.browser_cells, &row.browser_counts))
            .chain(counts(3, &row.brand_cells, &row.brand_counts))
            .chain(amounts)
            .collect()
    }

    fn keys_in_order(row: &CountsRow) -> bool {
        let amounts = row.amount_cells.iter().zip(&row.amount_currencies);
        [&row.cells, &row.browser_cells, &row.brand_cells]
            .iter()
            .all(|cells| cells.is_sorted())
            && amounts.is_sorted()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Rows of few and of many counters, counted up and down to zero, stored and read at any moment.
        #[test]
        fn a_row_is_what_was_counted_whether_list_or_table(
            counted in proptest::collection::vec((key(), 0..1_000_000_000_000i64), 0..300),
            stored_at in 0..300usize,
        ) {
            let mut model = BTreeMap::new();
            let (mut straight, mut again) = (Counts::default(), Counts::default());
            for (number, (key, by)) in counted.iter().enumerate() {
                if number == stored_at {
                    again = Counts::from_row(&again.to_row()).unwrap();
                }
                let back = if number % 7 == 0 { -by } else { 0 };
                for by in [*by, back] {
                    straight.count(*key, by);
                    again.count(*key, by);
                    *model.entry(*key).or_insert(0) += by;
                }
            }
            prop_assert_eq!(again.to_row(), straight.to_row());
            prop_assert!(keys_in_order(&straight.to_row()));
            prop_assert_eq!(plain(&straight.to_row()).len(), model.len());
            let held: BTreeMap<CountKey, i64> = straight.iter().collect();
            prop_assert_eq!(held, model);
        }
    }

    #[test]
    fn every_counter_is_stored_under_a_number_of_its_own() {
        let mut counts = Counts::default();
        for place in 0..COUNTERS as u32 {
            counts.count(CountKey(place), i64::from(place) + 1);
        }
        let row = counts.to_row();
        assert_eq!(plain(&row).len(), COUNTERS);
        assert_eq!(Counts::from_row(&row).unwrap().to_row(), row);
    }

    #[test]
    fn a_cell_of_a_later_version_is_refused() {
        let row = CountsRow {
            browser_cells: vec![199],
            browser_counts: vec![1],
            ..CountsRow::default()
        };
        assert_eq!(Counts::from_row(&row).unwrap_err(), UnknownCell(199));
    }
}
