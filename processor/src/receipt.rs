//! Whether a receipt is true: its partition of the entries topic is folded again, by nobody's leave.

use log::{Error, Reader};
use pipeline::admission::{Admission, Decided, Decision, Outcome, Receipt};
use serde::{Deserialize, Serialize};

/// What somebody says of a seat. Partition and offset are its record; what is left out is not compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Claim {
    /// The partition of the request.
    pub partition: u32,
    /// Its offset.
    pub offset: u64,
    /// The activity.
    pub activity_id: Option<String>,
    /// Who got the seat.
    pub user_id: Option<String>,
    /// The how manieth of the activity.
    pub rank: Option<u64>,
    /// When the log took the request, milliseconds since the epoch.
    pub admitted_at_ms: Option<i64>,
}

/// What the log says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The record gave this seat.
    True {
        /// The seat.
        receipt: Receipt,
        /// Whether it was given back by a later record.
        cancelled_since: bool,
    },
    /// It did not.
    False {
        /// What the log says instead.
        why: String,
    },
    /// The log lacks what would tell.
    Unverifiable {
        /// What is missing.
        why: String,
    },
}

/// Folds the claim's partition, of `partitions` that the topic has, from its first record to its last.
///
/// # Errors
/// When the log can't be read.
pub fn verify(log: &mut dyn Reader, partitions: u32, claim: &Claim) -> Result<Verdict, Error> {
    let no = |why| Ok(Verdict::False { why });
    let (partition, offset) = (claim.partition, claim.offset);
    if partition >= partitions {
        return no(format!(
            "the topic has no partition {partition}, only {partitions}"
        ));
    }
    let held = log.bounds(partition)?;
    if held.start > 0 {
        return Ok(Verdict::Unverifiable {
            why: format!(
                "partition {partition} begins at offset {}: what decided before is gone; restore it",
                held.start
            ),
        });
    }
    if offset >= held.end {
        return no(format!(
            "partition {partition} ends at offset {}: there is no record {offset}",
            held.end
        ));
    }
    let mut fold = Admission::new(partition, partitions);
    let mut met = None;
    log.read(partition, 0, held.end, &mut |batch| {
        for record in batch.records() {
            let outcome = fold.fold(&record);
            if record.offset == offset {
                met = Some(outcome);
            }
        }
        true
    })?;
    let decided = match met {
        Some(Outcome::Decided(decided)) => decided,
        Some(_) => {
            return no(format!(
                "record {partition}/{offset} gives no seat to anybody"
            ));
        }
        None => return no(format!("there is no record at {partition}/{offset}")),
    };
    let Decided {
        activity_id,
        user_id,
        request_id,
        ..
    } = &decided;
    let now = fold.decided(activity_id, user_id, request_id);
    let cancelled_since = matches!(now, Some(Decision::Cancelled(_)));
    Ok(match judge(claim, decided) {
        Ok(receipt) => Verdict::True {
            receipt,
            cancelled_since,
        },
        Err(why) => Verdict::False { why },
    })
}

/// The seat that the record gave, where it is the one claimed.
fn judge(claim: &Claim, decided: Decided) -> Result<Receipt, String> {
    let place = format!("record {}/{}", claim.partition, claim.offset);
    let receipt = match decided.decision {
        Decision::Admitted(receipt) if decided.is_new => receipt,
        Decision::Admitted(before) | Decision::Cancelled(before) => {
            return Err(format!(
                "{place} asks again for the seat that record {}/{} gave",
                before.partition, before.offset
            ));
        }
        refused => return Err(format!("{place} was given no seat: {}", refused.as_str())),
    };
    let differs = |what: &str, is: &dyn std::fmt::Display| {
        Err(format!("{place} gave a seat, but its {what} is {is}"))
    };
    if claim
        .activity_id
        .as_ref()
        .is_some_and(|of| *of != receipt.activity_id)
    {
        return differs("activity", &receipt.activity_id);
    }
    // Whose it is instead is nobody's business.
    if claim
        .user_id
        .as_ref()
        .is_some_and(|of| *of != receipt.user_id)
    {
        return differs("user", &"another one");
    }
    if claim.rank.is_some_and(|of| of != receipt.rank) {
        return differs("rank", &receipt.rank);
    }
    if claim
        .admitted_at_ms
        .is_some_and(|of| of != receipt.admitted_at_ms)
    {
        return differs("time", &receipt.admitted_at_ms);
    }
    Ok(receipt)
}
