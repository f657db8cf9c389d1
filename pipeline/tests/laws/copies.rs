//! Two records with one id: applied once within the current and the last slot of log time (I1).

use pipeline::state::Outcome;

use crate::histories::{HOUR, MINUTE, Setup, user};
use crate::judgement::Draft;

const SETUP: Setup = Setup {
    zone: 0,
    lateness_hours: None,
    hot_days: None,
    names: 1_000,
    contributions: 256,
    ahead_hours: 0,
};

#[test]
fn a_copy_is_known_in_its_slot_and_the_next_and_applied_again_after_that() {
    use Outcome::{Applied, Duplicate};
    // Minutes from the beginning of a slot to both records' append times.
    for (first, second, expected) in [
        (0, 0, Duplicate),
        (0, 59, Duplicate),
        (0, 60, Duplicate),
        (0, 119, Duplicate),
        (59, 119, Duplicate),
        (0, 120, Applied),
        (59, 120, Applied),
        (0, 100_000, Applied),
        (30, 10, Duplicate), // log time doesn't go back
        (119, 0, Duplicate),
    ] {
        let mut state = SETUP.empty();
        let start = SETUP.middle() + 10 * HOUR;
        let draft = Draft::visit(&SETUP, "one");
        assert_eq!(draft.fold(&mut state, start + first * MINUTE), Applied);
        let found = draft.fold(&mut state, start + second * MINUTE);
        assert_eq!(found, expected, "{first} and {second} minutes");
    }
}

#[test]
fn a_copy_does_not_keep_its_id_alive() {
    let mut state = SETUP.empty();
    let draft = Draft::visit(&SETUP, "one");
    let outcomes = [0, 1, 2].map(|slot| draft.fold(&mut state, SETUP.middle() + slot * HOUR));
    assert_eq!(
        outcomes,
        [Outcome::Applied, Outcome::Duplicate, Outcome::Applied]
    );
}

#[test]
fn a_slot_that_log_time_jumps_over_forgets_as_well() {
    for (jump, expected) in [(1, Outcome::Duplicate), (2, Outcome::Applied)] {
        let mut state = SETUP.empty();
        let draft = Draft::visit(&SETUP, "one");
        draft.fold(&mut state, SETUP.middle());
        // The record that moves log time on need not be applied itself.
        let mut bad = Draft::visit(&SETUP, "two");
        bad.event.kind = 0;
        bad.fold(&mut state, SETUP.middle() + jump * HOUR);
        assert_eq!(draft.fold(&mut state, SETUP.middle()), expected, "{jump}");
    }
}

#[test]
fn an_id_belongs_to_its_user() {
    let mut state = SETUP.empty();
    for number in 0..3 {
        let mut draft = Draft::visit(&SETUP, "one");
        draft.event.user_id = user(number, true);
        for expected in [Outcome::Applied, Outcome::Duplicate] {
            assert_eq!(draft.fold(&mut state, SETUP.middle()), expected);
        }
    }
}
