//! The witness believes what the log says, and nothing else.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pipeline::admission::Receipt;
use schemas::v1::entry_record::Act;
use schemas::v1::{ActivityDefined, EntryCancelled, EntryRequested};

use super::PLAIN;
use super::people::{Question, Said, Wish};
use super::witness::Witness;
use crate::clock::{Clock, START};
use crate::topic::Topic;
use crate::traffic::act;

const USERS: [&str; 3] = ["u0", "u1", "u2"];

/// Two seats of each activity, for which three people ask in their order; of `mug` the first gives theirs back.
fn log() -> Topic {
    let entries = Topic::new(1, Clock::new().broker());
    for activity in [PLAIN, "mug"] {
        let defined = ActivityDefined {
            activity_id: activity.to_owned(),
            capacity: 2,
            opens_at_ms: START,
            ..ActivityDefined::default()
        };
        entries.append(act(activity, Act::Defined(defined)));
        for user in USERS {
            let requested = EntryRequested {
                activity_id: activity.to_owned(),
                user_id: user.to_owned(),
                request_id: "r".to_owned(),
                ..EntryRequested::default()
            };
            entries.append(act(activity, Act::Requested(requested)));
        }
    }
    let cancelled = EntryCancelled {
        activity_id: "mug".to_owned(),
        user_id: "u0".to_owned(),
        rank: 1,
    };
    entries.append(act("mug", Act::Cancelled(cancelled)));
    entries
}

fn question(activity: &'static str, user: usize, wish: Wish) -> Question {
    Question {
        activity,
        user: USERS[user].to_owned(),
        agent: "",
        wish,
    }
}

fn seat(activity: &'static str, user: usize) -> Question {
    question(activity, user, Wish::Seat(Some("r".to_owned())))
}

fn receipt(activity: &str, user: usize, rank: u64, offset: u64) -> Receipt {
    Receipt {
        activity_id: activity.to_owned(),
        user_id: USERS[user].to_owned(),
        rank,
        partition: 0,
        offset,
        admitted_at_ms: START,
    }
}

fn not_now(word: &str, folded: u64) -> Said {
    Said::NotNow(word.to_owned(), Some(folded))
}

fn is_believed(said: &[(Question, Said)]) -> bool {
    let mut witness = Witness::new(log());
    let hear = || {
        said.iter()
            .for_each(|(question, said)| witness.hear(question, said, 1));
    };
    catch_unwind(AssertUnwindSafe(hear)).is_ok()
}

#[test]
fn what_the_log_says_is_believed() {
    let activity = Said::Activity {
        capacity: 2,
        held: 1,
        admitted: 1,
        folded: 2,
    };
    assert!(is_believed(&[
        (seat(PLAIN, 0), Said::Seat(receipt(PLAIN, 0, 1, 1), true)),
        (seat(PLAIN, 0), Said::Seat(receipt(PLAIN, 0, 1, 1), false)),
        (seat(PLAIN, 1), Said::Seat(receipt(PLAIN, 1, 2, 2), true)),
        (seat(PLAIN, 2), Said::No("sold_out".to_owned(), 3)),
        (seat(PLAIN, 2), not_now("sold_out", 3)),
        (seat("mug", 0), Said::Seat(receipt("mug", 0, 1, 5), true)),
        (seat("mug", 0), Said::GivenBack(receipt("mug", 0, 1, 5))),
        (seat("mug", 0), not_now("unknown", 2)),
        (question("mug", 2, Wish::GiveBack), not_now("no_seat", 9)),
        (question(PLAIN, 0, Wish::Look), activity),
    ]));
}

#[test]
fn what_the_log_does_not_say_is_not() {
    let activity = |held, folded| Said::Activity {
        capacity: 2,
        held,
        admitted: 1,
        folded,
    };
    let other_time = Receipt {
        admitted_at_ms: START + 1,
        ..receipt(PLAIN, 0, 1, 1)
    };
    let first = (seat(PLAIN, 0), Said::Seat(receipt(PLAIN, 0, 1, 1), true));
    let wrong = [
        // Nobody's seat, another's, a third of two, and another time.
        (seat(PLAIN, 0), Said::Seat(receipt(PLAIN, 0, 2, 2), true)),
        (seat(PLAIN, 0), Said::Seat(receipt(PLAIN, 1, 2, 2), true)),
        (seat(PLAIN, 2), Said::Seat(receipt(PLAIN, 2, 3, 3), true)),
        (seat(PLAIN, 0), Said::Seat(other_time, true)),
        // New a second time.
        first.clone(),
        // A yes that becomes a no, and a no that the log decided otherwise or nowhere.
        (seat(PLAIN, 0), Said::No("sold_out".to_owned(), 1)),
        (seat(PLAIN, 2), Said::No("sold_out".to_owned(), 2)),
        (seat(PLAIN, 2), Said::No("closed".to_owned(), 3)),
        // Nobody gave it back.
        (seat(PLAIN, 1), Said::GivenBack(receipt(PLAIN, 1, 2, 2))),
        // By a request that the log never saw.
        (
            question(PLAIN, 0, Wish::Seat(Some("r2".to_owned()))),
            Said::Seat(receipt(PLAIN, 0, 1, 1), false),
        ),
        // Not so then, in the future, and before the start.
        (seat(PLAIN, 2), not_now("sold_out", 2)),
        (seat(PLAIN, 2), not_now("unknown", 2)),
        (seat(PLAIN, 2), not_now("sold_out", 10)),
        (seat("mug", 2), not_now("unknown", 0)),
        (seat(PLAIN, 2), Said::NotNow("sold_out".to_owned(), None)),
        (question("mug", 1, Wish::GiveBack), not_now("no_seat", 9)),
        (question(PLAIN, 0, Wish::Look), activity(2, 2)),
        (question(PLAIN, 0, Wish::Look), activity(1, 3)),
    ];
    for (question, said) in wrong {
        let told = [first.clone(), (question.clone(), said.clone())];
        assert!(!is_believed(&told), "{question:?}: {said:?}");
    }
}

#[test]
fn a_digest_and_a_number_of_seats_that_are_not_the_logs_are_noticed() {
    let mut witness = Witness::new(log());
    witness.read();
    let asked = |count: usize| -> BTreeSet<String> {
        USERS[..count].iter().map(ToString::to_string).collect()
    };
    witness.check_full(&asked(3));
    witness.check_full(&asked(2));
    let full = || witness.check_full(&asked(1));
    assert!(catch_unwind(AssertUnwindSafe(full)).is_err());
    let mut fold = pipeline::admission::Admission::new(0, 1);
    let mut witness = Witness::new(log());
    witness.read();
    let entries = log();
    entries.each(0, 0, 1, |record| drop(fold.fold(&record)));
    witness.folded(0, 0, (1, fold.digest()));
    // The record between is skipped.
    entries.each(0, 2, 3, |record| drop(fold.fold(&record)));
    let skipped = || witness.folded(0, 0, (3, fold.digest()));
    assert!(catch_unwind(AssertUnwindSafe(skipped)).is_err());
}
