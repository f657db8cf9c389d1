//! Holds the rules and the snapshot's bytes down: one fixed history, its digest kept for ever.

use pipeline::admission::Admission;
use sha2::{Digest, Sha256};

use crate::acts::{START, Sent, cancelled, defined, requested};

/// What version 1 gives. If other decisions or other bytes are meant, raise VERSION in src/admission/snapshot.rs and put
/// the values of the failure here; otherwise mend the fold.
const DIGEST: &str = "b6ffecd307806e7d";
const BYTES: &str = "6ed5141568ddf645b067f5a2cf0b2449d4a657544c41e29ab382a464239661bf";

#[test]
fn a_fixed_history_has_the_digest_and_the_snapshot_it_always_had() {
    let mut fold = Admission::new(0, 1);
    for n in 0..400u64 {
        let activity = ["draw", "쿠폰", "never-defined"][(n * 5 % 7 % 3) as usize];
        let user = format!("user-{}", n * 7 % 23);
        let act = match n % 11 {
            0 if activity != "never-defined" => {
                let opens = START + (n % 4) as i64 * 10;
                let closes = (n % 3 == 0).then_some(opens + 2_500);
                defined(activity, 3 + n % 5, opens, closes)
            }
            4 | 9 => cancelled(activity, &user, n % 13),
            _ => requested(activity, &user, &format!("request-{}", n % 5)),
        };
        fold.fold(&Sent::new(n, START - 20 + n as i64 * 7, act).record());
    }
    let digest = format!("{:016x}", fold.digest());
    let bytes = hex::encode(Sha256::digest(fold.to_bytes()));
    assert_eq!((digest.as_str(), bytes.as_str()), (DIGEST, BYTES));
}
