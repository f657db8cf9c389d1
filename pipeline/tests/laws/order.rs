//! Below the limits the order of a partition's events does not matter to its view.

use pipeline::aggregate::Reader;
use pipeline::state::Outcome;
use proptest::prelude::*;

use crate::histories::{DAY, Flavour, Setup, ZONES, cells, roomy_setup, step, write};
use crate::hold;
use crate::judgement::{Draft, SETUP};

#[test]
fn any_order_of_the_same_events_gives_the_same_view() {
    let flavour = Flavour {
        faults: true,
        ..Flavour::default()
    };
    // The second number says where an event stands in the other order.
    let histories = (
        roomy_setup(),
        proptest::collection::vec((step(flavour), any::<u16>()), 0..60),
    );
    hold(200, histories, |(setup, placed)| {
        let (steps, places): (Vec<_>, Vec<_>) = placed.into_iter().unzip();
        let log = write(&setup, &steps);
        let mut order: Vec<_> = (0..log.len()).collect();
        order.sort_by_key(|n| places[*n]);
        let mut shuffled: Vec<_> = order.iter().map(|n| log[*n].clone()).collect();
        for (sent, place) in shuffled.iter_mut().zip(&log) {
            sent.offset = place.offset;
        }
        let (one, other) = (
            setup.fold(&log, Reader::Hot),
            setup.fold(&shuffled, Reader::Hot),
        );
        prop_assert_eq!(one.tally(), other.tally());
        prop_assert_eq!(cells(&one, true), cells(&other, true));
        Ok(())
    });
}

/// Every order of a few events of one user around the middle of each set-up, where its clocks change.
#[test]
fn around_a_change_of_clocks_every_order_gives_the_same_view() {
    for zone in 0..ZONES.len() {
        let setup = Setup {
            zone,
            lateness_hours: None,
            ..SETUP
        };
        let seconds = [-43_200, -30, 240, 2_400, 43_200];
        let mut expected = None;
        for order in orders(seconds.len()) {
            let mut state = setup.empty();
            for number in &order {
                let mut draft = Draft::visit(&setup, &format!("id-{number}"));
                draft.event.occurred_at_ms += seconds[*number] * 1_000;
                let outcome = draft.fold(&mut state, setup.middle() + 2 * DAY);
                assert_eq!(outcome, Outcome::Applied);
            }
            let found = cells(&state, true);
            let expected = expected.get_or_insert_with(|| found.clone());
            assert!(found == *expected, "zone {zone}: {order:?}");
        }
    }
}

/// Every order of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let shorter = orders(last);
    let with = |order: &Vec<usize>, place| {
        let mut order = order.clone();
        order.insert(place, last);
        order
    };
    let places = |order| (0..count).map(move |place| with(order, place));
    shorter.iter().flat_map(places).collect()
}

#[test]
fn copies_of_records_change_nothing_wherever_they_stand() {
    let flavour = Flavour {
        faults: false,
        ..Flavour::default()
    };
    let histories = (
        roomy_setup(),
        proptest::collection::vec((step(flavour), any::<Option<u16>>()), 0..40),
    );
    hold(150, histories, |(setup, placed)| {
        let (steps, copies): (Vec<_>, Vec<_>) = placed.into_iter().unzip();
        let log = write(&setup, &steps);
        let mut with_copies = log.clone();
        for (sent, place) in log.iter().zip(copies) {
            if let Some(place) = place {
                let place = usize::from(place) % (with_copies.len() + 1);
                with_copies.insert(place, sent.clone());
            }
        }
        for (offset, sent) in with_copies.iter_mut().enumerate() {
            sent.offset = offset as u64;
        }
        let (one, other) = (
            setup.fold(&log, Reader::Hot),
            setup.fold(&with_copies, Reader::Hot),
        );
        let added = (with_copies.len() - log.len()) as u64;
        prop_assert_eq!(one.tally().applied, other.tally().applied);
        prop_assert_eq!(one.tally().duplicate + added, other.tally().duplicate);
        prop_assert_eq!(cells(&one, true), cells(&other, true));
        Ok(())
    });
}
