//! A second fold of entries, as plain as it can be: lists that are searched from their start.

use std::collections::BTreeMap;

use pipeline::admission::{Activity, Decision, MAX_REQUESTS, Receipt};
use schemas::v1::ActivityDefined;
use schemas::v1::entry_record::Act;

use crate::acts::Sent;

/// What a request is told: a receipt and whether its seat was cancelled, or the name of a no and its offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Seat(Receipt, bool),
    No(&'static str, u64),
}

pub fn told(decision: &Decision) -> Told {
    match decision {
        Decision::Admitted(receipt) => Told::Seat(receipt.clone(), false),
        Decision::Cancelled(receipt) => Told::Seat(receipt.clone(), true),
        Decision::SoldOut { offset }
        | Decision::NotOpen { offset, .. }
        | Decision::Closed { offset }
        | Decision::Unknown { offset } => Told::No(decision.as_str(), *offset),
    }
}

/// Everything that was ever decided, in order.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    pub time: i64,
    pub activities: BTreeMap<String, ActivityDefined>,
    pub seats: Vec<(Receipt, bool)>,
    /// Activity, user, request, and a place among the seats or a no.
    requests: Vec<([String; 3], Result<usize, Told>)>,
}

impl Oracle {
    /// Takes the next record, and says what a request in it is told.
    pub fn take(&mut self, sent: &Sent) -> Option<Told> {
        self.time = self.time.max(sent.appended_at);
        match sent.act.clone()? {
            Act::Defined(act) => {
                self.activities.insert(act.activity_id.clone(), act);
                None
            }
            Act::Cancelled(act) => {
                let whose = |of: &Receipt| {
                    (of.activity_id == act.activity_id) && (of.user_id == act.user_id)
                };
                let seat = self
                    .seats
                    .iter_mut()
                    .find(|(of, _)| whose(of) && of.rank == act.rank);
                seat.into_iter().for_each(|seat| seat.1 = true);
                None
            }
            Act::Requested(act) => {
                let id = [act.activity_id, act.user_id, act.request_id];
                if self.decided(&id[0], &id[1], &id[2]).is_none() {
                    let found = self.judge(&id, sent)?;
                    self.requests.push((id.clone(), found));
                }
                self.decided(&id[0], &id[1], &id[2])
            }
        }
    }

    fn judge(&mut self, id: &[String; 3], sent: &Sent) -> Option<Result<usize, Told>> {
        if self
            .requests
            .iter()
            .filter(|(of, _)| of[..2] == id[..2])
            .count()
            >= MAX_REQUESTS
        {
            return None;
        }
        let no = |name| Some(Err(Told::No(name, sent.offset)));
        let of_activity = |(of, _): &&(Receipt, bool)| of.activity_id == id[0];
        if let Some(place) = self
            .seats
            .iter()
            .position(|(of, gone)| of.activity_id == id[0] && of.user_id == id[1] && !gone)
        {
            return Some(Ok(place));
        }
        let Some(activity) = self.activities.get(&id[0]) else {
            return no("unknown");
        };
        if self.time < activity.opens_at_ms {
            return no("not_open");
        }
        if activity.closes_at_ms.is_some_and(|at| at <= self.time) {
            return no("closed");
        }
        if self.held(&id[0]) >= activity.capacity {
            return no("sold_out");
        }
        let receipt = Receipt {
            activity_id: id[0].clone(),
            user_id: id[1].clone(),
            rank: self.seats.iter().filter(of_activity).count() as u64 + 1,
            partition: 0,
            offset: sent.offset,
            admitted_at_ms: sent.appended_at,
        };
        self.seats.push((receipt, false));
        Some(Ok(self.seats.len() - 1))
    }

    pub fn decided(&self, activity: &str, user: &str, request: &str) -> Option<Told> {
        let (_, found) = self
            .requests
            .iter()
            .find(|(of, _)| *of == [activity, user, request])?;
        Some(match found {
            Ok(place) => Told::Seat(self.seats[*place].0.clone(), self.seats[*place].1),
            Err(no) => no.clone(),
        })
    }

    pub fn held(&self, activity: &str) -> u64 {
        self.seats
            .iter()
            .filter(|(of, gone)| of.activity_id == activity && !gone)
            .count() as u64
    }

    /// The seat that a user holds.
    pub fn seat(&self, activity: &str, user: &str) -> Option<&Receipt> {
        let mut held = self
            .seats
            .iter()
            .filter(|(_, gone)| !gone)
            .map(|(of, _)| of);
        held.find(|of| of.activity_id == activity && of.user_id == user)
    }

    /// Requests that were decided.
    pub fn requests(&self) -> impl Iterator<Item = &[String; 3]> {
        self.requests.iter().map(|(id, _)| id)
    }

    /// The activity as the fold should show it.
    pub fn activity(&self, id: &str) -> Option<Activity> {
        let of = self.activities.get(id)?.clone();
        Some(Activity {
            campaign_id: of.campaign_id,
            name: of.name,
            capacity: of.capacity,
            held: self.held(id),
            admitted: self
                .seats
                .iter()
                .filter(|(of, _)| of.activity_id == id)
                .count() as u64,
            opens_at_ms: of.opens_at_ms,
            closes_at_ms: of.closes_at_ms,
        })
    }
}
