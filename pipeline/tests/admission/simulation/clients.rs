//! What clients do: ask, ask again, cancel; and what an operator does.

use super::gateway::{Ask, Reply};
use super::network::OnTheWay;
use super::witness::Broken;
use super::world::{ACTIVITIES, USERS, World};
use crate::acts::{START, cancelled, defined, requested};
use crate::oracle::Told;

impl World {
    pub fn ask(&mut self, gateway: usize) {
        let again = !self.asked.is_empty() && self.chance.is(45);
        let ask = if again {
            // Mostly soon, sometimes long after.
            let recent = match self.chance.is(60) {
                true => self.asked.len().saturating_sub(8),
                false => 0,
            };
            self.chance.pick(&self.asked[recent..]).clone()
        } else {
            let (activity, user) = (*self.chance.pick(&ACTIVITIES), *self.chance.pick(&USERS));
            [activity, user, &format!("r{}", self.asked.len())].map(str::to_owned)
        };
        self.ask_for(gateway, ask);
    }

    pub fn ask_for(&mut self, gateway: usize, ask: Ask) {
        let to = &self.gateways[gateway];
        if !to.is_up {
            return;
        }
        let (reply, life) = (to.ask(&ask, self.clock), to.life);
        self.say(|_| format!("{ask:?} asks gateway {gateway}: {reply:?}"));
        match reply {
            Reply::Told(told) => self.witness.told(&ask, &told),
            Reply::Refused => self.counts.refused += 1,
            Reply::Append => {
                let act = requested(&ask[0], &ask[1], &ask[2]);
                let waits = Some((gateway, life, ask.clone()));
                self.network.push(OnTheWay { act, waits });
            }
        }
        self.asked.push(ask);
    }

    pub fn tell(&mut self, gateway: usize, ask: &Ask, told: &Told) {
        match told {
            Told::Seat(..) => self.counts.yes += 1,
            Told::No(..) => self.counts.no += 1,
        }
        self.say(|_| format!("gateway {gateway} tells {ask:?}: {told:?}"));
        self.witness.told(ask, told);
    }

    pub fn cancel(&mut self) {
        let receipts = self.witness.receipts(self.chance.is(60));
        if !receipts.is_empty() {
            let (activity, user, rank) = self.chance.pick(&receipts);
            let act = cancelled(activity, user, *rank);
            self.counts.cancellations += 1;
            self.network.push(OnTheWay { act, waits: None });
        }
    }

    pub fn look(&mut self, gateway: usize) {
        if !self.asked.is_empty() && self.gateways[gateway].is_up {
            let ask = self.chance.pick(&self.asked).clone();
            if let Some(told) = self.gateways[gateway].look(&ask) {
                self.tell(gateway, &ask, &told);
            }
        }
    }

    pub fn define(&mut self) {
        let activity = *self.chance.pick(&ACTIVITIES);
        let capacity = self.chance.below(6) as u64;
        let opens = START + self.chance.below(5_000) as i64;
        let closes = self
            .chance
            .is(15)
            .then(|| opens + 1 + self.chance.below(9_000) as i64);
        self.counts.definitions += 1;
        self.append(defined(activity, capacity, opens, closes));
    }

    /// People who never asked before ask the first gateway, one after the other.
    pub fn fill(&mut self, activity: &str) {
        let now = self.witness.oracle.activity(activity).unwrap();
        if now.closes_at_ms.is_some_and(|at| at <= self.clock) {
            return;
        }
        for n in 0..=now.capacity {
            let ask = [activity, &format!("late-{n}"), "r"].map(str::to_owned);
            self.ask_for(0, ask);
            if let Some(OnTheWay { act, waits }) = self.network.pop() {
                let offset = self.append(act);
                waits
                    .into_iter()
                    .for_each(|waits| self.acknowledge(offset, waits));
                self.fold(0, usize::MAX);
            }
        }
        let held = self.witness.oracle.held(activity);
        let full = held == now.capacity.max(now.held);
        self.witness.must(full, Broken::SeatsLeft);
    }
}
