//! A gateway: a fold of its own, a snapshot on its disk, a clock that is off, and requests that wait for their record.

use std::collections::BTreeMap;

use pipeline::admission::{Admission, Advice, Answer, Outcome, Receipt};
use schemas::v1::entry_record::Act;

use crate::acts::Sent;
use crate::oracle::{Told, told};

/// Activity, user and request.
pub type Ask = [String; 3];

/// What is broken on purpose, to see that it is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Ranks are the number of seats held, so that a freed one is given again.
    ReusesRanks,
    /// One seat more than there is.
    AdmitsOneTooMany,
    /// One seat less than there is.
    KeepsASeatBack,
    /// Each request is somebody else's.
    ForgetsWhoHolds,
    /// A cancellation frees whatever seat the user holds.
    CancelsWithoutRank,
    /// A no from memory is said to be decided.
    TakesARefusalForADecision,
    /// A user who holds a seat has every further request answered from memory.
    AnswersHoldersFromMemory,
    /// A yes is said when the log takes the request, from a fold that has not reached it.
    AnswersBeforeFolding,
    /// After a restart it goes on at the log's end.
    SkipsWhatItMissed,
}

/// What a gateway says at once.
#[derive(Debug, PartialEq)]
pub enum Reply {
    Told(Told),
    /// From memory, undecided.
    Refused,
    Append,
}

pub struct Gateway {
    pub fold: Admission,
    /// The snapshot on its disk.
    kept: Vec<u8>,
    /// By how much its clock is off.
    pub skew: i64,
    pub is_up: bool,
    /// Counts its starts: an acknowledgement for an earlier one reaches nobody.
    pub life: u32,
    waiting: Vec<(u64, Ask)>,
    flaw: Option<Flaw>,
    /// With [`Flaw::ReusesRanks`]: ranks as shown, by activity and rank.
    shown: BTreeMap<(String, u64), u64>,
}

impl Gateway {
    pub fn new(skew: i64, flaw: Option<Flaw>) -> Self {
        let fold = Admission::new(0, 1);
        Self {
            kept: fold.to_bytes(),
            fold,
            skew,
            is_up: true,
            life: 0,
            waiting: Vec::new(),
            flaw,
            shown: BTreeMap::new(),
        }
    }

    pub fn ask(&self, [activity, user, request]: &Ask, now: i64) -> Reply {
        if self.flaw == Some(Flaw::AnswersHoldersFromMemory)
            && let Some(seat) = self.fold.seat(activity, user)
            && self.fold.decided(activity, user, request).is_none()
        {
            return Reply::Told(Told::Seat(seat, false));
        }
        match self.fold.advise(activity, user, request, now + self.skew) {
            Advice::Append => Reply::Append,
            Advice::Answer(Answer::Decided(decision)) => Reply::Told(self.show(told(&decision))),
            Advice::Answer(Answer::Refused { refusal, folded })
                if self.flaw == Some(Flaw::TakesARefusalForADecision) =>
            {
                Reply::Told(Told::No(refusal.as_str(), folded))
            }
            Advice::Answer(Answer::Refused { .. }) => Reply::Refused,
        }
    }

    /// What it says to who asks again, without asking for a seat.
    pub fn look(&self, [activity, user, request]: &Ask) -> Option<Told> {
        let decision = self.fold.decided(activity, user, request)?;
        Some(self.show(told(&decision)))
    }

    /// The log took a request of this gateway at `offset`: its record is waited for, or answered if it was folded.
    pub fn acknowledged(&mut self, offset: u64, ask: Ask) -> Option<Told> {
        if offset < self.fold.next_offset() {
            return self.look(&ask);
        }
        if self.flaw == Some(Flaw::AnswersBeforeFolding) {
            return self.guess(offset, &ask);
        }
        self.waiting.push((offset, ask));
        None
    }

    fn guess(&self, offset: u64, [activity, user, _]: &Ask) -> Option<Told> {
        let of = self.fold.activity(activity)?;
        let receipt = Receipt {
            activity_id: activity.clone(),
            user_id: user.clone(),
            rank: of.admitted + 1,
            partition: 0,
            offset,
            admitted_at_ms: self.fold.log_time(),
        };
        (of.held < of.capacity).then_some(Told::Seat(receipt, false))
    }

    /// Folds the next record, and answers who waited for it.
    pub fn fold(&mut self, sent: &Sent) -> Option<(Ask, Told)> {
        let outcome = self.fold.fold(&self.read(sent).record());
        let Outcome::Decided(found) = outcome else {
            return None;
        };
        if let (true, Told::Seat(receipt, _)) = (found.is_new, told(&found.decision)) {
            let held = self
                .fold
                .activity(&receipt.activity_id)
                .map_or(0, |of| of.held);
            self.shown.insert((receipt.activity_id, receipt.rank), held);
        }
        let place = self.waiting.iter().position(|(at, _)| *at == sent.offset)?;
        let (_, ask) = self.waiting.swap_remove(place);
        Some((ask, self.show(told(&found.decision))))
    }

    /// The record as this gateway takes it.
    fn read(&self, sent: &Sent) -> Sent {
        let mut act = sent.act.clone().unwrap();
        match (&mut act, self.flaw) {
            (Act::Defined(act), Some(Flaw::AdmitsOneTooMany)) => act.capacity += 1,
            (Act::Defined(act), Some(Flaw::KeepsASeatBack)) => {
                act.capacity = act.capacity.saturating_sub(1);
            }
            (Act::Requested(act), Some(Flaw::ForgetsWhoHolds)) => {
                act.user_id = format!("{}/{}", act.user_id, act.request_id);
            }
            (Act::Cancelled(act), Some(Flaw::CancelsWithoutRank)) => {
                let seat = self.fold.seat(&act.activity_id, &act.user_id);
                act.rank = seat.map_or(act.rank, |seat| seat.rank);
            }
            _ => return sent.clone(),
        }
        Sent::new(sent.offset, sent.appended_at, act)
    }

    fn show(&self, told: Told) -> Told {
        match (told, self.flaw) {
            (Told::Seat(mut receipt, gone), Some(Flaw::ReusesRanks)) => {
                let shown = self.shown.get(&(receipt.activity_id.clone(), receipt.rank));
                receipt.rank = *shown.unwrap_or(&receipt.rank);
                Told::Seat(receipt, gone)
            }
            (Told::Seat(mut receipt, gone), Some(Flaw::ForgetsWhoHolds)) => {
                let end = receipt.user_id.find('/').unwrap_or(receipt.user_id.len());
                receipt.user_id.truncate(end);
                Told::Seat(receipt, gone)
            }
            (told, _) => told,
        }
    }

    pub fn keep(&mut self) {
        self.kept = self.fold.to_bytes();
    }

    pub fn crash(&mut self) {
        self.is_up = false;
        self.waiting.clear();
    }

    /// Starts from its snapshot, or without one where the disk was lost.
    pub fn restart(&mut self, disk_lost: bool, log: &[Sent]) {
        self.fold = match disk_lost {
            true => Admission::new(0, 1),
            false => Admission::from_bytes(&self.kept, 0, 1).unwrap(),
        };
        self.is_up = true;
        self.life += 1;
        if let (Some(Flaw::SkipsWhatItMissed), Some(last)) = (self.flaw, log.last())
            && last.offset >= self.fold.next_offset()
        {
            self.fold.fold(&last.record());
        }
    }
}
