//! A row's contents while it is folded: small sorted lists, added to in place.

use schemas::v1::{MinutesRow, PeopleRow};
use thin_vec::ThinVec;

use crate::cell::Kind;
use crate::counts::{Counts, UnknownCell};
use crate::row::Row;

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
    Counts(Counts),
    /// Distinct users.
    People(Box<People>),
    /// Events by minute × 10 + kind.
    Minutes(ThinVec<(u16, u32)>),
    /// The row has left the views.
    Gone,
}

impl Body {
    /// The counters of a counts row.
    pub fn counts(&mut self) -> Option<&mut Counts> {
        match self {
            Self::Counts(counts) => Some(counts),
            _ => None,
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
            Self::Counts(counts) => Some(Row::Counts(counts.to_row())),
            Self::People(people) => Some(Row::People(people_row(people))),
            Self::Minutes(minutes) => Some(Row::Minutes(MinutesRow {
                cells: minutes.iter().map(|(cell, _)| u32::from(*cell)).collect(),
                counts: minutes.iter().map(|(_, count)| u64::from(*count)).collect(),
            })),
            Self::Gone => None,
        }
    }

    /// The contents of a stored row.
    ///
    /// # Errors
    /// When it counts something that this version has no name for.
    pub fn from_row(row: &Row) -> Result<Self, UnknownCell> {
        Ok(match row {
            Row::Counts(row) => Self::Counts(Counts::from_row(row)?),
            Row::People(row) => Self::People(Box::new(people_from(row))),
            Row::Minutes(row) => Self::Minutes(
                row.cells
                    .iter()
                    .zip(&row.counts)
                    .map(|(cell, count)| (*cell as u16, *count as u32))
                    .collect(),
            ),
        })
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::row::Facet;

    /// The body that a store gives back.
    fn stored(body: &Body, facet: Facet) -> Body {
        let bytes = body.to_row().unwrap().encode();
        Body::from_row(&Row::decode(facet, &bytes).unwrap()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

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
        assert!(people.counts().is_none());
        people.count_minute(1, Kind::Visit);
        assert_eq!(people.people(), Some(&mut People::default()));
        assert!(Body::Gone.to_row().is_none());
    }
}
