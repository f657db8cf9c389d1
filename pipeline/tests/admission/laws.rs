//! I5 and I6: what holds of every history, at every offset.

use std::collections::BTreeMap;

use pipeline::admission::{Admission, Decision, MAX_REQUESTS, Outcome};
use proptest::prelude::*;
use schemas::v1::entry_record::Act;

use crate::acts::{START, Sent, cancelled, defined, fold, histories, requested, written};
use crate::oracle::{Oracle, Told, told};
use crate::runner::hold;

#[test]
fn the_fold_decides_as_a_naive_one_does_at_every_offset() {
    hold(400, histories(), |log| {
        let (mut fold, mut oracle) = (Admission::new(0, 1), Oracle::default());
        for sent in &log {
            let found = match fold.fold(&sent.record()) {
                Outcome::Decided(found) => Some(told(&found.decision)),
                _ => None,
            };
            prop_assert_eq!(found, oracle.take(sent), "at {}", sent.offset);
            prop_assert_eq!(fold.log_time(), oracle.time);
            prop_assert_eq!(fold.next_offset(), sent.offset + 1);
            for id in ["a", "b", "c"] {
                prop_assert_eq!(fold.activity(id).cloned(), oracle.activity(id));
                for user in ["u1", "u2", "u3", "u4", "u5"] {
                    prop_assert_eq!(fold.seat(id, user), oracle.seat(id, user).cloned());
                }
            }
        }
        for [activity, user, request] in oracle.requests() {
            let found = fold.decided(activity, user, request);
            prop_assert_eq!(
                found.as_ref().map(told),
                oracle.decided(activity, user, request)
            );
        }
        Ok(())
    });
}

#[test]
fn a_seat_is_given_below_capacity_only_and_ranks_go_on_by_one_for_ever() {
    hold(400, histories(), |log| {
        let mut fold = Admission::new(0, 1);
        let mut ranks: BTreeMap<String, u64> = BTreeMap::new();
        for sent in &log {
            let Outcome::Decided(found) = fold.fold(&sent.record()) else {
                continue;
            };
            let Some(activity) = fold.activity(&found.activity_id) else {
                prop_assert!(!found.is_new);
                continue;
            };
            match &found.decision {
                Decision::Admitted(receipt) if found.is_new => {
                    let rank = ranks.entry(found.activity_id.clone()).or_default();
                    *rank += 1;
                    prop_assert_eq!(receipt.rank, *rank);
                    prop_assert_eq!(receipt.offset, sent.offset);
                    prop_assert_eq!(receipt.admitted_at_ms, sent.appended_at);
                    prop_assert!(activity.held <= activity.capacity);
                    prop_assert!(fold.log_time() >= activity.opens_at_ms);
                    prop_assert!(activity.closes_at_ms.is_none_or(|at| fold.log_time() < at));
                }
                _ => prop_assert!(!found.is_new),
            }
        }
        Ok(())
    });
}

#[test]
fn what_was_decided_stays_and_a_yes_changes_only_by_being_cancelled() {
    hold(400, histories(), |log| {
        let mut fold = Admission::new(0, 1);
        let mut known: BTreeMap<[String; 3], Told> = BTreeMap::new();
        for sent in &log {
            let ended = match fold.fold(&sent.record()) {
                Outcome::Cancelled(ended) => Some(ended.receipt),
                Outcome::Decided(found) => {
                    let id = [found.activity_id, found.user_id, found.request_id];
                    let now = told(&found.decision);
                    prop_assert!(known.get(&id).is_none_or(|before| *before == now));
                    known.insert(id, now);
                    None
                }
                _ => None,
            };
            for (id, before) in &mut known {
                let now = told(&fold.decided(&id[0], &id[1], &id[2]).unwrap());
                if now != *before {
                    let Told::Seat(receipt, false) = &*before else {
                        panic!("{before:?} became {now:?}");
                    };
                    prop_assert_eq!(&now, &Told::Seat(receipt.clone(), true));
                    prop_assert_eq!(Some(receipt), ended.as_ref());
                    *before = now;
                }
            }
        }
        Ok(())
    });
}

/// Who has had which rank, and whether they hold it, without offsets.
fn seats(log: &[Sent]) -> Vec<(String, String, u64, bool)> {
    let (fold, outcomes) = fold(log);
    let given = outcomes.into_iter().filter_map(|outcome| match outcome {
        Outcome::Decided(found) if found.is_new => match found.decision {
            Decision::Admitted(receipt) => Some(receipt),
            _ => None,
        },
        _ => None,
    });
    given
        .map(|of| {
            let holds = fold.seat(&of.activity_id, &of.user_id) == Some(of.clone());
            (of.activity_id, of.user_id, of.rank, holds)
        })
        .collect()
}

#[test]
fn copies_of_requests_and_of_cancellations_harm_nothing_however_late_they_come() {
    let copied = (
        histories(),
        prop::collection::vec(any::<(u16, u16)>(), 1..6),
    );
    hold(400, copied, |(log, copies)| {
        let (_, outcomes) = fold(&log);
        let mut with_copies: Vec<(Sent, bool)> = log.iter().map(|of| (of.clone(), false)).collect();
        for (which, place) in copies {
            let which = usize::from(which) % log.len();
            // A cancellation that found no seat was no cancellation: its copy may be the first that is one.
            if !matches!(outcomes[which], Outcome::Decided(_) | Outcome::Cancelled(_)) {
                continue;
            }
            let original = with_copies
                .iter()
                .position(|(of, copy)| !copy && of.offset == which as u64);
            let after = original.unwrap() + 1;
            let place = after + usize::from(place) % (with_copies.len() + 1 - after);
            // The log's clock stands still meanwhile: time is no part of this law.
            let copy = Sent {
                appended_at: START,
                ..log[which].clone()
            };
            with_copies.insert(place, (copy, true));
        }
        let mut written: Vec<_> = with_copies.into_iter().map(|(of, _)| of).collect();
        for (offset, sent) in written.iter_mut().enumerate() {
            sent.offset = offset as u64;
        }
        prop_assert_eq!(seats(&written), seats(&log));
        Ok(())
    });
}

#[test]
fn a_freed_seat_goes_to_a_later_request_with_a_new_rank_and_the_old_request_stays_cancelled() {
    let log = written(&[
        (0, Some(defined("a", 1, START, None))),
        (1, Some(requested("a", "minji", "r1"))),
        (1, Some(requested("a", "jun", "r1"))),
        (1, Some(cancelled("a", "minji", 1))),
        (1, Some(requested("a", "minji", "r1"))),
        (1, Some(requested("a", "minji", "r2"))),
        // A copy of the first cancellation: the second seat stays.
        (1, Some(cancelled("a", "minji", 1))),
        (1, Some(requested("a", "minji", "r3"))),
    ]);
    let (fold, _) = fold(&log);
    let seat = fold.seat("a", "minji").unwrap();
    assert_eq!((seat.rank, seat.offset), (2, 5));
    let decided = |user, request| fold.decided("a", user, request).unwrap();
    assert!(matches!(decided("minji", "r1"), Decision::Cancelled(of) if of.rank == 1));
    assert_eq!(decided("jun", "r1"), Decision::SoldOut { offset: 2 });
    assert_eq!(decided("minji", "r2"), Decision::Admitted(seat.clone()));
    assert_eq!(decided("minji", "r3"), Decision::Admitted(seat));
}

#[test]
fn a_user_can_have_so_many_requests_decided_and_no_more() {
    let request = |n: usize| requested("a", "u", &format!("r{n}"));
    let mut steps = vec![(0, Some(defined("a", 1, START, None)))];
    steps.extend((0..=MAX_REQUESTS).map(|n| (0, Some(request(n)))));
    steps.push((0, Some(request(0))));
    steps.push((0, Some(requested("a", "v", "r"))));
    let (_, outcomes) = fold(&written(&steps));
    let name = |outcome: &Outcome| match outcome {
        Outcome::Decided(found) => found.decision.as_str(),
        Outcome::TooManyRequests { .. } => "too many",
        _ => "other",
    };
    let names: Vec<_> = outcomes.iter().map(name).collect();
    let mut expected = vec!["other"];
    expected.extend(["admitted"; MAX_REQUESTS]);
    expected.extend(["too many", "admitted", "sold_out"]);
    assert_eq!(names, expected);
}

#[test]
fn lowering_the_capacity_takes_no_seat_and_gives_none_until_enough_are_free() {
    let log = written(&[
        (0, Some(defined("a", 2, START, None))),
        (0, Some(requested("a", "u1", "r"))),
        (0, Some(requested("a", "u2", "r"))),
        (0, Some(defined("a", 1, START, None))),
        (0, Some(cancelled("a", "u1", 1))),
        (0, Some(requested("a", "u3", "r1"))),
        (0, Some(cancelled("a", "u2", 2))),
        (0, Some(requested("a", "u3", "r2"))),
    ]);
    let (whole, _) = fold(&log);
    let (lowered, _) = fold(&log[..4]);
    assert_eq!(lowered.activity("a").unwrap().held, 2);
    assert_eq!(
        whole.decided("a", "u3", "r1"),
        Some(Decision::SoldOut { offset: 5 })
    );
    assert_eq!(whole.seat("a", "u3").unwrap().rank, 3);
    assert!(matches!(log[3].act, Some(Act::Defined(_))));
}
