//! First come, first served: the fold of one partition of `footfall.entries`, by which everybody decides alike.
//!
//! A request is admitted if, at its offset, the activity is open by log time, fewer seats are held than its capacity,
//! and the user holds none. A yes is never taken back and never one too many (I5): it is a function of the log, and
//! whoever folds the log finds the same (I6). Users and request ids are kept whole, for a hash that two share would
//! give one of them the other's answer.

mod act;
mod advice;
mod decision;
mod digest;
mod ledger;
mod rules;
mod snapshot;

use std::collections::BTreeMap;

pub use self::act::{MAX_ACTIVITY_ID, MAX_NAME};
pub use self::advice::{Advice, Answer, OPENING_MARGIN_MS, Refusal};
pub use self::decision::{Activity, Cancelled, Decided, Decision, Outcome, Receipt};
pub use self::rules::MAX_REQUESTS;
pub use self::snapshot::Error;

use schemas::v1::{ActivityDefined, EntryCancelled, EntryRequested};

use self::act::Act;
use self::ledger::Ledger;
use self::rules::Verdict;
use crate::record::Record;
use crate::rejection::Rejection;

/// The checks that every fold makes of a record of `partition`, among `partitions`.
///
/// # Errors
/// Why it would be rejected.
pub fn check(record: &Record<'_>, partition: u32, partitions: u32) -> Result<(), Rejection> {
    act::decode(record, partition, partitions).map(drop)
}

/// What the records of one partition have decided up to `next_offset`.
#[derive(Debug, Clone)]
pub struct Admission {
    partition: u32,
    partitions: u32,
    next_offset: u64,
    log_time: i64,
    /// Offset and fingerprint of the last record folded.
    last: Option<(u64, u64)>,
    activities: BTreeMap<String, Ledger>,
    /// The sum of the digests of everything kept.
    sum: u64,
}

impl Admission {
    /// Before the first record of `partition`, of `partitions` that the topic has.
    pub fn new(partition: u32, partitions: u32) -> Self {
        Self {
            partition,
            partitions,
            next_offset: 0,
            log_time: 0,
            last: None,
            activities: BTreeMap::new(),
            sum: 0,
        }
    }

    /// Folds the next record in. Log time moves first, whatever the record turns out to be.
    ///
    /// A record below [`Admission::next_offset`] was folded before and changes nothing.
    pub fn fold(&mut self, record: &Record<'_>) -> Outcome {
        if record.offset < self.next_offset {
            return Outcome::FoldedBefore;
        }
        self.log_time = self.log_time.max(record.appended_at);
        self.next_offset = record.offset + 1;
        self.last = Some((record.offset, digest::of_record(record)));
        match act::decode(record, self.partition, self.partitions) {
            Ok(Act::Defined(act)) => self.define(act),
            Ok(Act::Requested(act)) => self.decide(act, record),
            Ok(Act::Cancelled(act)) => self.cancel(act),
            Err(rejection) => Outcome::Rejected(rejection),
        }
    }

    fn define(&mut self, act: ActivityDefined) -> Outcome {
        let id = act.activity_id.clone();
        let ledger = self.activities.entry(act.activity_id.clone()).or_default();
        ledger.define(act, &mut self.sum);
        Outcome::Defined { activity_id: id }
    }

    fn decide(&mut self, act: EntryRequested, record: &Record<'_>) -> Outcome {
        let EntryRequested {
            activity_id,
            user_id,
            request_id,
            user_agent,
            client_hints,
        } = act;
        let ledger = match self.activities.get_mut(&activity_id) {
            Some(ledger) => ledger,
            None => self.activities.entry(activity_id.clone()).or_default(),
        };
        let mut is_new = false;
        let kept = match ledger.judge(&user_id, &request_id, self.log_time, record.offset) {
            Verdict::Before(kept) => kept,
            Verdict::TooMany => {
                return Outcome::TooManyRequests {
                    activity_id,
                    user_id,
                    request_id,
                };
            }
            Verdict::Keep(kept) => {
                ledger.keep(&activity_id, &user_id, &request_id, kept, &mut self.sum)
            }
            Verdict::Admit => {
                is_new = true;
                let at = (record.offset, record.appended_at);
                ledger.admit(&activity_id, &user_id, &request_id, at, &mut self.sum)
            }
        };
        let activity = ledger.activity.as_ref();
        Outcome::Decided(Decided {
            campaign_id: activity.map_or_else(String::new, |of| of.campaign_id.clone()),
            decision: ledger.decision(kept, (&activity_id, &user_id, self.partition)),
            is_new,
            activity_id,
            user_id,
            request_id,
            user_agent,
            client_hints,
        })
    }

    fn cancel(&mut self, act: EntryCancelled) -> Outcome {
        let EntryCancelled {
            activity_id,
            user_id,
            rank,
        } = act;
        let ledger = self.activities.get_mut(&activity_id);
        let cancelled = ledger.and_then(|ledger| {
            let is_new = ledger.cancel(&activity_id, &user_id, rank, &mut self.sum)?;
            let receipt = ledger.receipt(rank, (&activity_id, &user_id, self.partition));
            Some(Cancelled { receipt, is_new })
        });
        match cancelled {
            Some(cancelled) => Outcome::Cancelled(cancelled),
            None => Outcome::NoSeat {
                activity_id,
                user_id,
                rank,
            },
        }
    }

    /// The partition.
    pub fn partition(&self) -> u32 {
        self.partition
    }

    /// The first offset not yet folded.
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// The greatest append time folded, milliseconds since the epoch; 0 before the first record.
    pub fn log_time(&self) -> i64 {
        self.log_time
    }

    /// The offset of the last record folded: there a log is asked whether it is still the same one.
    pub fn last_offset(&self) -> Option<u64> {
        self.last.map(|(offset, _)| offset)
    }

    /// Whether the record is the last one folded, byte for byte.
    pub fn is_last(&self, record: &Record<'_>) -> bool {
        self.last == Some((record.offset, digest::of_record(record)))
    }

    /// The activity of that id, if one was defined.
    pub fn activity(&self, id: &str) -> Option<&Activity> {
        self.activities.get(id)?.activity.as_ref()
    }

    /// Every activity that was defined, in the order of ids.
    pub fn activities(&self) -> impl Iterator<Item = (&str, &Activity)> {
        self.activities
            .iter()
            .filter_map(|(id, ledger)| Some((id.as_str(), ledger.activity.as_ref()?)))
    }

    /// The seat that the user holds.
    pub fn seat(&self, activity: &str, user: &str) -> Option<Receipt> {
        let ledger = self.activities.get(activity)?;
        let rank = ledger.held_by(user)?;
        Some(ledger.receipt(rank, (activity, user, self.partition)))
    }

    /// What was decided for a request; `None` while nothing was.
    pub fn decided(&self, activity: &str, user: &str, request: &str) -> Option<Decision> {
        let ledger = self.activities.get(activity)?;
        let kept = ledger.decided(user, request)?;
        Some(ledger.decision(kept, (activity, user, self.partition)))
    }

    /// A digest of all that was decided, of the offset and of log time: equal logs, equal digests (I6).
    pub fn digest(&self) -> u64 {
        digest::of_admission(self)
    }
}
