//! Snapshots: what is read back is the fold that was written, or an error; and how large they are.

use pipeline::admission::{Admission, Error, Outcome};
use proptest::prelude::*;

use crate::acts::{START, Sent, defined, fold, histories, requested};
use crate::runner::hold;

#[test]
fn a_snapshot_at_any_offset_and_the_rest_of_the_log_give_the_whole_fold() {
    hold(300, (histories(), any::<u16>()), |(log, at)| {
        let at = usize::from(at) % (log.len() + 1);
        let (whole, outcomes) = fold(&log);
        let (part, _) = fold(&log[..at]);
        let mut restored = Admission::from_bytes(&part.to_bytes(), 0, 1).unwrap();
        prop_assert_eq!(restored.digest(), part.digest());
        if let Some(last) = log[..at].last() {
            prop_assert_eq!(restored.last_offset(), Some(last.offset));
            prop_assert!(restored.is_last(&last.record()));
            let other = Sent {
                appended_at: last.appended_at + 1,
                ..last.clone()
            };
            prop_assert!(!restored.is_last(&other.record()));
        }
        for (sent, outcome) in log[at..].iter().zip(&outcomes[at..]) {
            prop_assert_eq!(&restored.fold(&sent.record()), outcome);
        }
        prop_assert_eq!(restored.digest(), whole.digest());
        prop_assert_eq!(restored.to_bytes(), whole.to_bytes());
        Ok(())
    });
}

#[test]
fn records_that_are_delivered_again_change_nothing_so_that_batches_make_no_difference() {
    let batches = (histories(), prop::collection::vec(any::<(u8, u8)>(), 0..20));
    hold(300, batches, |(log, batches)| {
        let (whole, _) = fold(&log);
        let mut fold = Admission::new(0, 1);
        for (back, length) in batches.into_iter().chain([(255, 255)]) {
            let next = fold.next_offset() as usize;
            let from = next.saturating_sub(usize::from(back));
            for sent in log[from..].iter().take(next - from + usize::from(length)) {
                let outcome = fold.fold(&sent.record());
                prop_assert_eq!(
                    outcome == Outcome::FoldedBefore,
                    (sent.offset as usize) < next
                );
            }
        }
        prop_assert_eq!(fold.digest(), whole.digest());
        Ok(())
    });
}

#[test]
fn any_changed_or_missing_byte_is_refused() {
    hold(
        200,
        (histories(), any::<u32>(), 1..=255u8),
        |(log, place, change)| {
            let (fold, _) = fold(&log);
            let mut bytes = fold.to_bytes();
            let place = place as usize % bytes.len();
            prop_assert!(Admission::from_bytes(&bytes[..place], 0, 1).is_err());
            bytes[place] ^= change;
            // Some bytes can be written in more than one way; what they say is what counts.
            if let Ok(read) = Admission::from_bytes(&bytes, 0, 1) {
                prop_assert_eq!(read.to_bytes(), fold.to_bytes(), "byte {}", place);
            }
            Ok(())
        },
    );
}

#[test]
fn snapshots_of_others_are_refused_by_what_they_are() {
    let fold = Admission::new(1, 4);
    let bytes = fold.to_bytes();
    assert_eq!(
        Admission::from_bytes(&bytes, 1, 4).unwrap().digest(),
        fold.digest()
    );
    for wanted in [(0, 4), (1, 3)] {
        let refused = Admission::from_bytes(&bytes, wanted.0, wanted.1).unwrap_err();
        assert_eq!(
            refused,
            Error::Partition {
                found: (1, 4),
                wanted
            }
        );
    }
    for foreign in [&b""[..], b"SQLite format 3\0"] {
        assert_eq!(
            Admission::from_bytes(foreign, 1, 4).unwrap_err(),
            Error::Foreign
        );
    }
    let mut later = bytes.clone();
    // The head's first field, behind the format's name, the head's length and the field's tag.
    let version = b"footfall admission\n".len() + 2;
    later[version] += 1;
    let refused = Admission::from_bytes(&later, 1, 4).unwrap_err();
    assert_eq!(refused, Error::Version { found: 2 });
    let longer = [&bytes[..], b"x"].concat();
    assert!(matches!(
        Admission::from_bytes(&longer, 1, 4),
        Err(Error::Damaged(_))
    ));
}

#[test]
fn digests_tell_folds_apart_that_decided_for_another_user_or_request() {
    let log = |user, request| {
        [
            Sent::new(0, START, defined("a", 1, START, None)),
            Sent::new(1, START, requested("a", user, request)),
            Sent::new(2, START, requested("a", "last", "r")),
        ]
    };
    let digest = |user, request| fold(&log(user, request)).0.digest();
    let digests = [
        digest("u1", "r1"),
        digest("u2", "r1"),
        digest("u1", "r2"),
        digest("u", "1r1"),
    ];
    for (n, one) in digests.iter().enumerate() {
        assert!(digests[n + 1..].iter().all(|other| other != one));
    }
}
