//! The sub-cells of a row of counts: what one document holds, as one number.
//!
//! The numbers are stored in the field `cell`, so that one terms aggregation gives them all; they
//! never change meaning within a layout.

use pipeline::cell::{Cell, Currency, Kind};
use pipeline::cell::{pack_brand, pack_browser, unpack_brand, unpack_browser};
use pipeline::device::{Brand, Browser};
use schemas::v1::CountsRow;

use crate::Counts;

const BROWSERS: u32 = 10_000;
const BRANDS: u32 = 20_000;
/// Money of currency c and cell n is (c + 1) × this + n; the greatest is below 2^31.
const MONEY: u32 = 100_000;

/// One number of a row of counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SubCell {
    /// Events of a cell. The number is the packed cell.
    Events(Cell),
    /// Events of a kind by browser: 10,000 + the packed marginal.
    Browser(Kind, Browser),
    /// Events of a kind by brand: 20,000 + the packed marginal.
    Brand(Kind, Brand),
    /// Money of a cell in minor units: 100,000 × (the currency's number + 1) + the packed cell.
    Money(Cell, Currency),
}

impl SubCell {
    /// The stored number.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Events(cell) => u32::from(cell.pack()),
            Self::Browser(kind, browser) => BROWSERS + u32::from(pack_browser(kind, browser)),
            Self::Brand(kind, brand) => BRANDS + u32::from(pack_brand(kind, brand)),
            Self::Money(cell, currency) => {
                (u32::from(currency.number()) + 1) * MONEY + u32::from(cell.pack())
            }
        }
    }

    /// The sub-cell of a stored number, unless no such sub-cell exists.
    pub(super) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0..BROWSERS => Self::Events(Cell::unpack(number)?),
            BROWSERS..BRANDS => {
                let (kind, browser) = unpack_browser(number - BROWSERS)?;
                Self::Browser(kind, browser)
            }
            BRANDS..MONEY => {
                let (kind, brand) = unpack_brand(number - BRANDS)?;
                Self::Brand(kind, brand)
            }
            MONEY.. => {
                let currency = Currency::from_number(number / MONEY - 1)?;
                Self::Money(Cell::unpack(number % MONEY)?, currency)
            }
        })
    }

    /// The sub-cells of a row with their values; `Err` holds what this version can't name.
    pub(super) fn of(row: &CountsRow) -> Result<Vec<(Self, i64)>, String> {
        let mut found = Vec::with_capacity(
            row.cells.len()
                + row.amount_cells.len()
                + row.browser_cells.len()
                + row.brand_cells.len(),
        );
        let cell = |packed: u32| Cell::unpack(packed).ok_or_else(|| format!("cell {packed}"));
        for (packed, count) in row.cells.iter().zip(&row.counts) {
            found.push((Self::Events(cell(*packed)?), *count as i64));
        }
        let money = row.amount_cells.iter().zip(&row.amount_currencies);
        for ((packed, number), amount) in money.zip(&row.amount_minor_units) {
            let currency =
                Currency::from_number(*number).ok_or_else(|| format!("currency {number}"))?;
            found.push((Self::Money(cell(*packed)?, currency), *amount));
        }
        for (packed, count) in row.browser_cells.iter().zip(&row.browser_counts) {
            let (kind, browser) =
                unpack_browser(*packed).ok_or_else(|| format!("browser cell {packed}"))?;
            found.push((Self::Browser(kind, browser), *count as i64));
        }
        for (packed, count) in row.brand_cells.iter().zip(&row.brand_counts) {
            let (kind, brand) =
                unpack_brand(*packed).ok_or_else(|| format!("brand cell {packed}"))?;
            found.push((Self::Brand(kind, brand), *count as i64));
        }
        Ok(found)
    }

    /// A row of this sub-cell alone.
    pub(super) fn row(self, value: i64) -> CountsRow {
        let mut row = CountsRow::default();
        match self {
            Self::Events(cell) => {
                row.cells.push(u32::from(cell.pack()));
                row.counts.push(value as u64);
            }
            Self::Money(cell, currency) => {
                row.amount_cells.push(u32::from(cell.pack()));
                row.amount_currencies.push(u32::from(currency.number()));
                row.amount_minor_units.push(value);
            }
            Self::Browser(kind, browser) => {
                row.browser_cells
                    .push(u32::from(pack_browser(kind, browser)));
                row.browser_counts.push(value as u64);
            }
            Self::Brand(kind, brand) => {
                row.brand_cells.push(u32::from(pack_brand(kind, brand)));
                row.brand_counts.push(value as u64);
            }
        }
        row
    }

    /// Adds this sub-cell's value to `counts`.
    pub(super) fn add_to(self, counts: &mut Counts, value: i64) {
        match self {
            Self::Events(cell) => *counts.cells.entry(cell).or_insert(0) += value as u64,
            Self::Money(cell, currency) => {
                *counts.amounts.entry((cell, currency)).or_insert(0) += value;
            }
            Self::Browser(kind, browser) => {
                *counts.browsers.entry((kind, browser)).or_insert(0) += value as u64;
            }
            Self::Brand(kind, brand) => {
                *counts.brands.entry((kind, brand)).or_insert(0) += value as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::collections::BTreeSet;

    use super::*;

    fn row() -> CountsRow {
        CountsRow {
            cells: vec![1000, 4461],
            counts: vec![3, 1],
            amount_cells: vec![4461, 4461],
            amount_currencies: vec![0, 26 * 26 * 26 - 1],
            amount_minor_units: vec![1200, 7],
            browser_cells: vec![100, 503],
            browser_counts: vec![2, 4],
            brand_cells: vec![101, 500],
            brand_counts: vec![5, 6],
        }
    }

    #[test]
    fn every_sub_cell_has_a_number_of_its_own_and_comes_back_from_it() {
        let mut numbers = BTreeSet::new();
        for (sub_cell, _) in SubCell::of(&row()).unwrap() {
            let number = sub_cell.number();
            assert!(numbers.insert(number), "{number}");
            assert!(number <= i32::MAX as u32, "{number}");
            assert_eq!(SubCell::from_number(number), Some(sub_cell));
        }
        assert_eq!(numbers.len(), 8);
    }

    #[test]
    fn the_rows_of_the_sub_cells_are_the_row() {
        let (mut whole, mut parts, mut added) = Default::default();
        Counts::add(&mut whole, &row());
        for (sub_cell, value) in SubCell::of(&row()).unwrap() {
            Counts::add(&mut parts, &sub_cell.row(value));
            sub_cell.add_to(&mut added, value);
        }
        assert_eq!(parts, whole);
        assert_eq!(added, whole);
    }

    #[test]
    fn a_cell_of_another_version_is_named_and_not_left_out() {
        let row = CountsRow {
            cells: vec![9990],
            counts: vec![1],
            ..CountsRow::default()
        };
        assert_eq!(SubCell::of(&row), Err("cell 9990".to_owned()));
    }
}
