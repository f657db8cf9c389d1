//! What a gateway answers from memory is what the log would have decided.

use pipeline::admission::{Admission, Advice, Answer, OPENING_MARGIN_MS, Outcome, Refusal};
use proptest::prelude::*;

use crate::acts::{START, Sent, cancelled, defined, fold, histories, requested, written};
use crate::oracle::told;
use crate::runner::hold;

/// What the log would tell the request now.
fn appended(fold: &Admission, at: i64, activity: &str, user: &str, request: &str) -> Outcome {
    let sent = Sent::new(fold.next_offset(), at, requested(activity, user, request));
    fold.clone().fold(&sent.record())
}

#[test]
fn an_answer_from_memory_is_what_the_log_would_have_said() {
    let asked = (
        histories(),
        prop::sample::select(vec!["a", "b", "c", "never"]),
        prop::sample::select(vec!["u1", "u2", "u9"]),
        prop::sample::select(vec!["r1", "r2", "r9"]),
        -OPENING_MARGIN_MS..OPENING_MARGIN_MS,
    );
    hold(600, asked, |(log, activity, user, request, ahead)| {
        let (fold, _) = fold(&log);
        let now = fold.log_time() + ahead;
        let outcome = appended(&fold, now, activity, user, request);
        match (fold.advise(activity, user, request, now), outcome) {
            (Advice::Answer(Answer::Decided(decision)), Outcome::Decided(found)) => {
                prop_assert_eq!(told(&decision), told(&found.decision));
                prop_assert!(!found.is_new);
            }
            (Advice::Answer(Answer::Refused { refusal, folded }), Outcome::Decided(found)) => {
                prop_assert_eq!(folded, fold.next_offset());
                // An activity that sold out may have closed since the last record.
                let closed = found.decision.as_str() == "closed";
                prop_assert!(closed || found.decision.as_str() == refusal.as_str());
                prop_assert!(!found.is_new);
            }
            (Advice::Append, Outcome::Decided(_)) => {}
            (advice, outcome) => prop_assert!(false, "{advice:?} but {outcome:?}"),
        }
        Ok(())
    });
}

fn refusal(fold: &Admission, user: &str, request: &str, now: i64) -> Option<Refusal> {
    match fold.advise("a", user, request, now) {
        Advice::Answer(Answer::Refused { refusal, .. }) => Some(refusal),
        Advice::Answer(Answer::Decided(decision)) => panic!("decided: {decision:?}"),
        Advice::Append => None,
    }
}

#[test]
fn around_the_opening_the_log_is_asked_and_after_it_the_gateways_clock_counts_no_more() {
    let opens = START + 60_000;
    let mut log = written(&[(0, Some(defined("a", 1, opens, None)))]);
    let (before, _) = fold(&log);
    let not_open = Some(Refusal::NotOpen { opens_at_ms: opens });
    assert_eq!(
        refusal(&before, "u", "r", opens - OPENING_MARGIN_MS - 1),
        not_open
    );
    assert_eq!(refusal(&before, "u", "r", opens - OPENING_MARGIN_MS), None);
    assert_eq!(refusal(&before, "u", "r", opens + 3_600_000), None);
    log.push(Sent::new(1, opens, cancelled("a", "nobody", 1)));
    let (open, _) = fold(&log);
    assert_eq!(refusal(&open, "u", "r", START), None);
}

#[test]
fn a_user_who_holds_a_seat_is_never_refused_from_memory() {
    let closes = START + 10;
    let log = written(&[
        (0, Some(defined("a", 1, START, Some(closes)))),
        (0, Some(requested("a", "u", "r1"))),
        (20, Some(cancelled("a", "nobody", 1))),
    ]);
    let (sold_out, _) = fold(&log[..2]);
    let (closed, _) = fold(&log);
    assert_eq!(
        refusal(&sold_out, "other", "r", START),
        Some(Refusal::SoldOut)
    );
    assert_eq!(refusal(&closed, "other", "r", START), Some(Refusal::Closed));
    for fold in [sold_out, closed] {
        assert_eq!(refusal(&fold, "u", "r2", START), None);
        let again = fold.advise("a", "u", "r1", START);
        assert!(matches!(again, Advice::Answer(Answer::Decided(_))));
    }
}
