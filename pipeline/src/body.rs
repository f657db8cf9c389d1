//! A row's contents while it is folded: small sorted lists, added to in place.

use schemas::v1::{CountsRow, MinutesRow, PeopleRow};
use thin_vec::ThinVec;

use crate::cell::Kind;
use crate::cell::{Cell, Currency, pack_brand, pack_browser};
use crate::device::Device;
use crate::row::Row;

const TAG_SHIFT: u32 = 30;
const CURRENCY_BITS: u32 = 15;
const CODE_MASK: u32 = (1 << TAG_SHIFT) - 1;

/// What one counter of a counts row counts: two bits say which list, the rest is the packed cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountKey(u32);

impl CountKey {
    /// Events of a packed cell.
    pub const fn cell(packed: u16) -> Self {
        Self(packed as u32)
    }

    /// Money of a packed cell.
    pub const fn amount(packed: u16, currency: Currency) -> Self {
        Self(1 << TAG_SHIFT | (packed as u32) << CURRENCY_BITS | currency.number() as u32)
    }

    /// Events of a kind and browser.
    pub const fn browser(kind: Kind, device: Device) -> Self {
        Self(2 << TAG_SHIFT | pack_browser(kind, device.browser) as u32)
    }

    /// Events of a kind and brand.
    pub const fn brand(kind: Kind, device: Device) -> Self {
        Self(3 << TAG_SHIFT | pack_brand(kind, device.brand) as u32)
    }
}

/// Distinct users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// Users.
    pub users: i32,
    /// Those of them who are new.
    pub new: i32,
    /// By device: mobile, tablet, desktop, other.
    pub by_device: [i32; 4],
    /// By kind.
    pub by_kind: [i32; 5],
    /// By funnel step reached.
    pub reached: [i32; 4],
}

/// A row's contents.
#[derive(Debug, Clone)]
pub enum Body {
    /// Event counts and amounts.
    Counts(ThinVec<(CountKey, i64)>),
    /// Distinct users.
    People(Box<People>),
    /// Events by minute × 10 + kind.
    Minutes(ThinVec<(u16, u32)>),
    /// The row has left the views.
    Gone,
}

impl Body {
    /// Adds to a counter of a counts row; nothing on other rows.
    pub fn count(&mut self, key: CountKey, by: i64) {
        if let Self::Counts(counts) = self {
            match counts.binary_search_by_key(&key, |(key, _)| *key) {
                Ok(place) => counts[place].1 = counts[place].1.wrapping_add(by),
                Err(place) => counts.insert(place, (key, by)),
            }
        }
    }

    /// Adds an event to a row of minutes; nothing on other rows.
    pub fn count_minute(&mut self, minute: u8, kind: Kind) {
        if let Self::Minutes(minutes) = self {
            let cell = u16::from(minute) * 10 + kind as u16;
            match minutes.binary_search_by_key(&cell, |(cell, _)| *cell) {
                Ok(place) => minutes[place].1 += 1,
                Err(place) => minutes.insert(place, (cell, 1)),
            }
        }
    }

    /// The people of a people row.
    pub fn people(&mut self) -> Option<&mut People> {
        match self {
            Self::People(people) => Some(people),
            _ => None,
        }
    }

    /// The row as projections store it; `None` when it is gone.
    pub fn to_row(&self) -> Option<Row> {
        match self {
            Self::Counts(counts) => Some(Row::Counts(counts_row(counts))),
            Self::People(people) => Some(Row::People(people_row(people))),
            Self::Minutes(minutes) => Some(Row::Minutes(MinutesRow {
                cells: minutes.iter().map(|(cell, _)| u32::from(*cell)).collect(),
                counts: minutes.iter().map(|(_, count)| u64::from(*count)).collect(),
            })),
            Self::Gone => None,
        }
    }

    /// The contents of a stored row.
    pub fn from_row(row: &Row) -> Self {
        match row {
            Row::Counts(row) => Self::Counts(counts_from(row)),
            Row::People(row) => Self::People(Box::new(people_from(row))),
            Row::Minutes(row) => Self::Minutes(
                row.cells
                    .iter()
                    .zip(&row.counts)
                    .map(|(cell, count)| (*cell as u16, *count as u32))
                    .collect(),
            ),
        }
    }
}

fn counts_row(counts: &[(CountKey, i64)]) -> CountsRow {
    let mut row = CountsRow::default();
    for (key, value) in counts {
        let code = key.0 & CODE_MASK;
        // Counts never fall below zero: what is moved away was counted before.
        let count = (*value).max(0) as u64;
        match key.0 >> TAG_SHIFT {
            0 => {
                row.cells.push(code);
                row.counts.push(count);
            }
            1 => {
                row.amount_cells.push(code >> CURRENCY_BITS);
                row.amount_currencies
                    .push(code & ((1 << CURRENCY_BITS) - 1));
                row.amount_minor_units.push(*value);
            }
            2 => {
                row.browser_cells.push(code);
                row.browser_counts.push(count);
            }
            _ => {
                row.brand_cells.push(code);
                row.brand_counts.push(count);
            }
        }
    }
    row
}

fn counts_from(row: &CountsRow) -> ThinVec<(CountKey, i64)> {
    let list = |tag: u32, cells: &[u32], counts: &[u64]| -> Vec<(CountKey, i64)> {
        cells
            .iter()
            .zip(counts)
            .map(|(cell, count)| (CountKey(tag << TAG_SHIFT | cell), *count as i64))
            .collect()
    };
    let amounts = row
        .amount_cells
        .iter()
        .zip(&row.amount_currencies)
        .zip(&row.amount_minor_units)
        .map(|((cell, currency), amount)| {
            (
                CountKey(1 << TAG_SHIFT | cell << CURRENCY_BITS | currency),
                *amount,
            )
        });
    list(0, &row.cells, &row.counts)
        .into_iter()
        .chain(amounts)
        .chain(list(2, &row.browser_cells, &row.browser_counts))
        .chain(list(3, &row.brand_cells, &row.brand_counts))
        .collect()
}

fn people_row(people: &People) -> PeopleRow {
    let wide = |list: &[i32]| list.iter().map(|n| i64::from(*n)).collect();
    PeopleRow {
        users: people.users.into(),
        new_users: people.new.into(),
        returning_users: (people.users - people.new).into(),
        by_device: wide(&people.by_device),
        by_kind: wide(&people.by_kind),
        reached: wide(&people.reached),
    }
}

fn people_from(row: &PeopleRow) -> People {
    fn narrow<const N: usize>(list: &[i64]) -> [i32; N] {
        std::array::from_fn(|i| list.get(i).map_or(0, |n| *n as i32))
    }
    People {
        users: row.users as i32,
        new: row.new_users as i32,
        by_device: narrow(&row.by_device),
        by_kind: narrow(&row.by_kind),
        reached: narrow(&row.reached),
    }
}

/// The same cell on the other side of new and returning.
pub fn other_side(cell: u16) -> Option<u16> {
    let cell = Cell::unpack(u32::from(cell))?;
    Some(
        Cell {
            is_new: !cell.is_new,
            ..cell
        }
        .pack(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::device::{Brand, Browser};
    use crate::row::Facet;

    fn key() -> impl Strategy<Value = CountKey> {
        let kinds = proptest::sample::select(Kind::ALL.to_vec());
        (0..4, kinds, 0..3u8, 0..26u32 * 26 * 26).prop_map(|(list, kind, other, currency)| {
            let device = Device {
                browser: Browser::from_u8(other).unwrap_or(Device::UNKNOWN.browser),
                brand: Brand::from_u8(other).unwrap_or(Device::UNKNOWN.brand),
                ..Device::UNKNOWN
            };
            let cell = Cell {
                kind,
                device: device.class,
                os: device.os,
                is_new: other == 1,
            };
            match list {
                0 => CountKey::cell(cell.pack()),
                1 => CountKey::amount(cell.pack(), Currency::from_number(currency).unwrap()),
                2 => CountKey::browser(kind, device),
                _ => CountKey::brand(kind, device),
            }
        })
    }

    /// The body that a store gives back.
    fn stored(body: &Body, facet: Facet) -> Body {
        let bytes = body.to_row().unwrap().encode();
        Body::from_row(&Row::decode(facet, &bytes).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn counting_goes_on_after_a_row_was_stored_and_read(
            counted in proptest::collection::vec((key(), 0..1_000_000_000_000i64), 0..40),
            stored_at in 0..40usize,
        ) {
            let mut straight = Body::Counts(ThinVec::new());
            let mut again = Body::Counts(ThinVec::new());
            for (number, (key, by)) in counted.into_iter().enumerate() {
                if number == stored_at {
                    again = stored(&again, Facet::Counts);
                }
                straight.count(key, by);
                again.count(key, by);
            }
            prop_assert_eq!(again.to_row(), straight.to_row());
        }

        #[test]
        fn minutes_go_on_after_a_row_was_stored_and_read(
            counted in proptest::collection::vec((0..60u8, 0..5usize), 0..40),
            stored_at in 0..40usize,
        ) {
            let mut straight = Body::Minutes(ThinVec::new());
            let mut again = Body::Minutes(ThinVec::new());
            for (number, (minute, kind)) in counted.into_iter().enumerate() {
                if number == stored_at {
                    again = stored(&again, Facet::Minutes);
                }
                straight.count_minute(minute, Kind::ALL[kind]);
                again.count_minute(minute, Kind::ALL[kind]);
            }
            prop_assert_eq!(again.to_row(), straight.to_row());
        }

        #[test]
        fn people_are_what_was_stored(
            (users, new) in (0..1_000_000i32).prop_flat_map(|users| (Just(users), 0..=users)),
            by_device in any::<[u16; 4]>(),
            by_kind in any::<[u16; 5]>(),
            reached in any::<[u16; 4]>(),
        ) {
            let people = People {
                users,
                new,
                by_device: by_device.map(i32::from),
                by_kind: by_kind.map(i32::from),
                reached: reached.map(i32::from),
            };
            let mut again = stored(&Body::People(Box::new(people.clone())), Facet::People);
            prop_assert_eq!(again.people(), Some(&mut people.clone()));
        }
    }

    #[test]
    fn a_body_takes_only_what_it_counts() {
        let mut people = Body::People(Box::default());
        people.count(CountKey::cell(1000), 1);
        people.count_minute(1, Kind::Visit);
        assert_eq!(people.people(), Some(&mut People::default()));
        assert!(Body::Gone.to_row().is_none());
    }
}
