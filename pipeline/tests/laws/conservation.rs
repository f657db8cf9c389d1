//! I4: consumed = applied + duplicate + late + dead-lettered, at every offset.

use pipeline::aggregate::Reader;
use pipeline::decode::OTHER;
use pipeline::rejection::Reason;
use pipeline::row::{Facet, Period};
use pipeline::state::{Outcome, Tally};
use proptest::prelude::*;

use crate::histories::{Flavour, any_setup, cells, steps, write};
use crate::hold;

#[test]
fn every_record_ends_exactly_once_at_every_offset() {
    let histories = (any_setup(), steps(Flavour::ALL, 80));
    hold(150, histories, |(setup, steps)| {
        let mut state = setup.empty();
        let mut expected = Tally::default();
        let mut letters = Vec::new();
        for (sent, step) in write(&setup, &steps).iter().zip(&steps) {
            let outcome = state.apply(sent.record());
            expected.consumed += 1;
            match outcome {
                Outcome::Applied => expected.applied += 1,
                Outcome::Duplicate => expected.duplicate += 1,
                Outcome::Late => expected.late += 1,
                Outcome::DeadLettered(reason) => expected.dead_lettered[reason as usize] += 1,
            }
            prop_assert_eq!(state.tally(), &expected);
            prop_assert!(state.tally().is_conserved());
            prop_assert_eq!(state.next_offset(), sent.offset + 1);
            if let Some(fault) = step.fault {
                // An event that lies in the future by itself is judged so before its route is.
                let future = outcome == Outcome::DeadLettered(Reason::Future);
                let misrouted = fault == Reason::Misrouted;
                prop_assert!(
                    outcome == Outcome::DeadLettered(fault) || (misrouted && future),
                    "{fault:?} ended as {outcome:?}"
                );
            }
            match state.take_letters().as_slice() {
                [] => prop_assert!(matches!(outcome, Outcome::Applied | Outcome::Duplicate)),
                [letter] => {
                    let reason = letter.rejection.reason;
                    let ends = match reason {
                        Reason::Late => Outcome::Late,
                        reason => Outcome::DeadLettered(reason),
                    };
                    prop_assert_eq!(outcome, ends);
                    prop_assert_eq!(letter.offset, sent.offset);
                    prop_assert_eq!(&letter.key, &sent.key);
                    prop_assert_eq!(&letter.value, &sent.value);
                    prop_assert_eq!(&letter.headers, &sent.headers);
                    letters.push(letter.offset);
                }
                more => prop_assert!(false, "{} letters of one record", more.len()),
            }
        }
        letters.dedup();
        prop_assert_eq!(
            letters.len() as u64,
            expected.late + expected.all_dead_lettered()
        );
        Ok(())
    });
}

#[test]
fn every_applied_event_is_counted_once_whatever_the_limits() {
    let histories = (any_setup(), steps(Flavour::ALL, 80));
    hold(150, histories, |(setup, steps)| {
        let state = setup.fold(&write(&setup, &steps), Reader::Hot);
        let applied = state.tally().applied as i64;
        let mut counted = [0; 2];
        for frozen in state.all_rows() {
            let (key, row) = (frozen.key, frozen.row.unwrap());
            if key.facet == Facet::Counts && key.period == Period::Life {
                let events = row.cells().into_iter().filter(|(name, _)| is_event(name));
                let events: i64 = events.map(|(_, count)| count).sum();
                counted[usize::from(key.activity.is_some())] += events;
            }
        }
        prop_assert_eq!(counted, [applied; 2]);
        let other = cells(&state, false).keys().any(|cell| {
            [&cell.campaign, &cell.activity]
                .iter()
                .any(|name| &***name == OTHER)
        });
        prop_assert_eq!(other, state.limits_met().0 > 0);
        Ok(())
    });
}

/// Whether a cell of a counts row counts events by device, not a marginal and not money.
fn is_event(name: &str) -> bool {
    name.ends_with(".new") || name.ends_with(".returning")
}
