//! What must hold in and between people rows.

use std::collections::BTreeMap;

use pipeline::aggregate::Reader;
use pipeline::row::{Facet, Period, Row};
use proptest::prelude::*;
use schemas::v1::PeopleRow;

use crate::histories::{Flavour, any_setup, steps, write};
use crate::hold;

/// Whether the numbers of one row can be true together.
fn sound(row: &PeopleRow) -> Result<(), TestCaseError> {
    prop_assert!(row.users > 0, "a row without users");
    prop_assert_eq!(row.new_users + row.returning_users, row.users);
    prop_assert!(row.new_users >= 0 && row.returning_users >= 0);
    for lists in [&row.by_device, &row.by_kind] {
        prop_assert!(lists.iter().all(|n| (0..=row.users).contains(n)));
        prop_assert!(lists.iter().sum::<i64>() >= row.users);
    }
    let mut most = row.users;
    for (step, reached) in row.reached.iter().enumerate() {
        prop_assert!((0..=most.min(row.by_kind[step])).contains(reached));
        most = *reached;
    }
    prop_assert_eq!(row.reached[0], row.by_kind[0], "a visit is the first step");
    Ok(())
}

#[test]
fn people_rows_are_sound_at_every_offset() {
    let histories = (any_setup(), steps(Flavour::ALL, 40));
    hold(100, histories, |(setup, steps)| {
        let mut state = setup.empty();
        for sent in write(&setup, &steps) {
            state.apply(sent.record());
            for frozen in state.take_rows(Reader::History) {
                if let Some(Row::People(row)) = &frozen.row {
                    sound(row)?;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_longer_period_and_a_wider_scope_hold_no_fewer_people() {
    let histories = (any_setup(), steps(Flavour::ALL, 60));
    hold(100, histories, |(setup, steps)| {
        let state = setup.fold(&write(&setup, &steps), Reader::Hot);
        let mut scopes = BTreeMap::new();
        for frozen in state.all_rows() {
            if let (Facet::People, Some(Row::People(row))) = (frozen.key.facet, frozen.row) {
                let scope = (frozen.key.campaign, frozen.key.activity);
                let periods: &mut BTreeMap<_, _> = scopes.entry(scope).or_default();
                periods.insert(frozen.key.period, row);
            }
        }
        for ((campaign, activity), periods) in &scopes {
            let life = &periods[&Period::Life];
            for unit in [unit_of_days, unit_of_weeks, unit_of_months] {
                let rows: Vec<_> = periods.iter().filter(|(p, _)| unit(**p)).collect();
                let sum: i64 = rows.iter().map(|(_, row)| row.users).sum();
                prop_assert!(sum >= life.users && !rows.is_empty());
                // First_seen's day lies in one of them at most; who was there then is new in life.
                let new: i64 = rows.iter().map(|(_, row)| row.new_users).sum();
                prop_assert_eq!(new, life.new_users, "{:?} {:?}", campaign, activity);
                prop_assert!(rows.iter().all(|(_, row)| row.users <= life.users));
            }
            if activity.is_some() {
                let campaign = &scopes[&(campaign.clone(), None)];
                for (period, row) in periods {
                    prop_assert!(row.users <= campaign[period].users);
                    prop_assert!(row.new_users <= campaign[period].new_users);
                }
            }
        }
        Ok(())
    });
}

fn unit_of_days(period: Period) -> bool {
    matches!(period, Period::Day(_))
}

fn unit_of_weeks(period: Period) -> bool {
    matches!(period, Period::Week(_))
}

fn unit_of_months(period: Period) -> bool {
    matches!(period, Period::Month(_))
}
