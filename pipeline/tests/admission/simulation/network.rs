//! What becomes of an append on its way to the log, and of the word that it is there.

use schemas::v1::entry_record::Act;

use super::gateway::Ask;
use super::world::World;
use crate::acts::{START, Sent};

/// An append on its way to the log; with the gateway, its life and the request that wait for it.
pub struct OnTheWay {
    pub act: Act,
    pub waits: Option<(usize, u32, Ask)>,
}

impl World {
    /// Something happens to an append that is on its way, or nothing yet.
    pub fn deliver(&mut self) {
        if self.network.is_empty() {
            return;
        }
        let place = self.chance.below(self.network.len());
        match self.chance.below(100) {
            0..10 => {
                self.counts.lost += 1;
                self.network.swap_remove(place);
            }
            10..20 => {
                self.counts.doubled += 1;
                // It is written, and a copy stays on its way. The first is not heard of.
                let act = self.network[place].act.clone();
                self.append(act);
            }
            _ => {
                let OnTheWay { act, waits } = self.network.swap_remove(place);
                let offset = self.append(act);
                match (waits, self.chance.below(100)) {
                    (Some(_), 0..15) => self.counts.acknowledgements_lost += 1,
                    (Some(waits), 15..40) => self.late.push((offset, waits)),
                    (Some(waits), _) => self.acknowledge(offset, waits),
                    (None, _) => {}
                }
            }
        }
    }

    pub fn append(&mut self, act: Act) -> u64 {
        let offset = self.log.len() as u64;
        // Another leader's clock may lie behind.
        let back = if self.chance.is(5) {
            self.chance.below(50) as i64
        } else {
            0
        };
        let sent = Sent::new(offset, self.clock - back, act);
        self.witness.appended(&sent);
        self.say(|_| format!("{offset} at {} is {:?}", sent.appended_at - START, sent.act));
        self.log.push(sent);
        self.counts.records += 1;
        offset
    }

    pub fn acknowledge_late(&mut self) {
        if !self.late.is_empty() {
            let place = self.chance.below(self.late.len());
            let (offset, waits) = self.late.swap_remove(place);
            self.acknowledge(offset, waits);
        }
    }

    pub fn acknowledge(&mut self, offset: u64, (gateway, life, ask): (usize, u32, Ask)) {
        let to = &mut self.gateways[gateway];
        if to.is_up && to.life == life {
            let told = to.acknowledged(offset, ask.clone());
            told.into_iter()
                .for_each(|told| self.tell(gateway, &ask, &told));
        }
    }
}
