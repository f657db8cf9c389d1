//! I6: equal logs give equal states, however they were cut, kept and restored on the way.

use std::collections::BTreeMap;

use pipeline::aggregate::Reader;
use pipeline::row::{FrozenRow, RowKey};
use pipeline::state::{Outcome, State};
use proptest::prelude::*;

use crate::histories::{Flavour, any_setup, step, write};
use crate::hold;
use crate::judgement::{Draft, SETUP};
use crate::kept::Kept;

/// What is done before a record is folded.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Checkpoint,
    /// A crash: back to the last checkpoint, and the records since are folded again.
    Crash,
}

fn before() -> impl Strategy<Value = Before> {
    prop_oneof![
        6 => Just(Before::Nothing),
        2 => Just(Before::Checkpoint),
        1 => Just(Before::Crash),
    ]
}

fn rows(state: &State) -> BTreeMap<RowKey, FrozenRow> {
    let rows = state.all_rows().into_iter();
    rows.map(|row| (row.key.clone(), row)).collect()
}

#[test]
fn a_state_restored_from_a_checkpoint_goes_on_like_one_that_never_stopped() {
    let histories = (
        any_setup(),
        proptest::collection::vec((step(Flavour::ALL), before()), 0..80),
    );
    hold(250, histories, |(setup, steps)| {
        let (steps, before): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
        let log = write(&setup, &steps);
        let mut straight = setup.empty();
        let mut cut = setup.empty();
        let mut kept = Kept::default();
        for (number, sent) in log.iter().enumerate() {
            match before[number] {
                Before::Nothing => {}
                Before::Checkpoint => {
                    kept.write(cut.take_change_set());
                    prop_assert_eq!(kept.digest(), Some(straight.digest()), "kept in pieces");
                }
                Before::Crash => {
                    cut = kept.load(setup.definition(), &[Reader::Checkpoint]);
                    for again in &log[..number] {
                        if again.offset >= cut.next_offset() {
                            cut.apply(again.record());
                        }
                    }
                }
            }
            prop_assert_eq!(cut.apply(sent.record()), straight.apply(sent.record()));
            prop_assert_eq!(cut.digest(), straight.digest());
        }
        prop_assert_eq!(rows(&cut), rows(&straight));
        prop_assert_eq!(cut.tally(), straight.tally());
        prop_assert_eq!(cut.limits_met(), straight.limits_met());
        prop_assert_eq!(cut.sizes(), straight.sizes());
        kept.write(cut.take_change_set());
        let restored = kept.load(setup.definition(), &[]);
        prop_assert_eq!(restored.digest(), straight.digest());
        prop_assert_eq!(rows(&restored), rows(&straight));
        Ok(())
    });
}

#[test]
fn states_of_different_logs_have_different_digests() {
    let histories = (
        any_setup(),
        proptest::collection::vec(step(Flavour::ALL), 1..40),
    );
    hold(100, histories, |(setup, steps)| {
        let log = write(&setup, &steps);
        let mut digests: Vec<_> = vec![setup.empty().digest()];
        let mut state = setup.empty();
        for sent in &log {
            state.apply(sent.record());
            digests.push(state.digest());
        }
        let all = digests.len();
        digests.sort_unstable();
        digests.dedup();
        prop_assert_eq!(digests.len(), all);
        Ok(())
    });
}

#[test]
fn names_are_part_of_the_digest() {
    let digests = ["spring", "autumn"].map(|campaign| {
        let mut draft = Draft::visit(&SETUP, "one");
        draft.event.campaign_id = campaign.to_owned();
        let mut state = SETUP.empty();
        assert_eq!(draft.fold(&mut state, SETUP.middle()), Outcome::Applied);
        state.digest()
    });
    assert_ne!(digests[0], digests[1]);
}
