//! Who sees the log and all that clients are told, and says what must never be.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::admission::Receipt;
use schemas::v1::entry_record::Act;

use super::gateway::Ask;
use crate::acts::Sent;
use crate::oracle::{Oracle, Told};

/// What must never be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// A yes that is not in the log, neither held nor cancelled.
    YesNotInLog,
    /// A decided no that is not in the log.
    NoNotInLog,
    /// A yes and a decided no for one request.
    YesAndNo,
    /// A seat called cancelled that nobody cancelled by its rank.
    YesTakenBack,
    /// One rank on two receipts.
    RankTwice,
    /// More seats promised at once than there ever were.
    TooMany,
    /// Two seats promised to one user at once.
    TwoSeats,
    /// Two gateways differ at one offset.
    DigestsDiffer,
    /// Enough asked, and a seat is left.
    SeatsLeft,
}

#[derive(Default)]
pub struct Witness {
    pub oracle: Oracle,
    told: BTreeMap<Ask, Vec<Told>>,
    /// By activity and rank: offset and user.
    receipts: BTreeMap<(String, u64), (u64, String)>,
    cancelled: BTreeSet<(String, String, u64)>,
    /// The greatest capacity an activity ever had.
    capacity: BTreeMap<String, u64>,
    digests: BTreeMap<u64, u64>,
    pub broken: BTreeSet<Broken>,
}

impl Witness {
    /// The log took a record.
    pub fn appended(&mut self, sent: &Sent) {
        match sent.act.as_ref().unwrap() {
            Act::Defined(act) => {
                let most = self.capacity.entry(act.activity_id.clone()).or_default();
                *most = act.capacity.max(*most);
            }
            Act::Cancelled(act) => {
                let seat = (act.activity_id.clone(), act.user_id.clone(), act.rank);
                self.cancelled.insert(seat);
            }
            Act::Requested(_) => {}
        }
        self.oracle.take(sent);
    }

    /// A gateway has folded so far.
    pub fn folded(&mut self, next_offset: u64, digest: u64) {
        let known = *self.digests.entry(next_offset).or_insert(digest);
        self.must(known == digest, Broken::DigestsDiffer);
    }

    pub fn must(&mut self, holds: bool, or: Broken) {
        if !holds {
            self.broken.insert(or);
        }
    }

    /// A client was told a decision.
    pub fn told(&mut self, ask: &Ask, told: &Told) {
        let truth = self.oracle.decided(&ask[0], &ask[1], &ask[2]);
        match told {
            Told::No(..) => self.must(truth.as_ref() == Some(told), Broken::NoNotInLog),
            Told::Seat(receipt, gone) => {
                // A gateway may lag: what it calls held may be cancelled by now.
                let in_log =
                    matches!(&truth, Some(Told::Seat(of, now)) if of == receipt && now >= gone);
                self.must(in_log, Broken::YesNotInLog);
                self.promised(receipt, *gone);
            }
        }
        let said = self.told.entry(ask.clone()).or_default();
        said.push(told.clone());
        let yes = said.iter().any(|told| matches!(told, Told::Seat(..)));
        let no = said.iter().any(|told| matches!(told, Told::No(..)));
        self.must(!(yes && no), Broken::YesAndNo);
    }

    fn promised(&mut self, receipt: &Receipt, gone: bool) {
        let Receipt {
            activity_id,
            user_id,
            rank,
            offset,
            ..
        } = receipt;
        let known = self
            .receipts
            .entry((activity_id.clone(), *rank))
            .or_insert((*offset, user_id.clone()));
        let same = *known == (*offset, user_id.clone());
        self.must(same, Broken::RankTwice);
        let is_cancelled = |(rank, user): (u64, &str)| {
            self.cancelled
                .contains(&(activity_id.clone(), user.to_owned(), rank))
        };
        let called_cancelled = gone && !is_cancelled((*rank, user_id));
        let held: Vec<_> = self
            .receipts
            .iter()
            .filter(|((of, rank), (_, user))| of == activity_id && !is_cancelled((*rank, user)))
            .map(|(_, (_, user))| user.clone())
            .collect();
        let most = self.capacity.get(activity_id).copied().unwrap_or_default();
        let of_user = held.iter().filter(|user| *user == user_id).count();
        self.must(!called_cancelled, Broken::YesTakenBack);
        self.must(held.len() as u64 <= most, Broken::TooMany);
        self.must(of_user <= 1, Broken::TwoSeats);
    }

    /// Activity, user and rank of the seats that somebody was promised; with `held`, of those not cancelled since.
    pub fn receipts(&self, held: bool) -> Vec<(String, String, u64)> {
        let seats = self.receipts.iter();
        let seats =
            seats.map(|((activity, rank), (_, user))| (activity.clone(), user.clone(), *rank));
        seats
            .filter(|seat| !held || !self.cancelled.contains(seat))
            .collect()
    }

    /// Requests that somebody was told of.
    pub fn asks(&self) -> Vec<Ask> {
        self.told.keys().cloned().collect()
    }
}
