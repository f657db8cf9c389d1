//! The end of a run for gateways: nothing fails any more, and everyone must get an answer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::GATEWAYS;
use super::network::Fate;
use crate::seats::admitted;
use crate::world::World;

/// Rounds after which whoever has no answer never gets one.
const ROUNDS: usize = 40;
/// What passes in one: a request that is not answered by then is told so.
const ROUND: Duration = Duration::from_millis(2_500);

impl World {
    /// Nothing fails any more: everyone who has no answer yet asks again until they have one.
    pub fn finish_gateways(&mut self) {
        self.gateways.dice.turn_to(u64::MAX);
        for skew in &self.gateways.skews {
            skew.store(0, Ordering::Relaxed);
        }
        self.start_gateways();
        let rounds = (0..ROUNDS).find(|_| {
            self.round_of_gateways();
            self.gateways.unanswered.is_empty()
        });
        assert!(
            rounds.is_some(),
            "these have no answer: {:?}",
            self.gateways.unanswered
        );
        self.gateways.witness.check_full(&self.gateways.plain);
        let (counted, folded) = (self.gateways.witness.admitted(), admitted(&self.entries));
        assert!(
            counted == folded,
            "admitted are {counted:?}, and by the fold {folded:?}"
        );
    }

    fn round_of_gateways(&mut self) {
        self.follow_all();
        for question in self.gateways.unanswered.clone() {
            let slot = self.gateways.dice.index(GATEWAYS);
            self.put(slot, question);
        }
        self.carry_on();
        while !self.gateways.network.is_empty() {
            self.gateways.network.deliver(0, Fate::Good);
            self.carry_on();
        }
        self.follow_all();
        self.carry_on();
        // Who is still not answered is told so.
        if !self.gateways.unanswered.is_empty() {
            self.clock.pass(ROUND);
            self.hear();
        }
    }

    fn follow_all(&mut self) {
        for slot in 0..GATEWAYS {
            while self.gateways.all[slot]
                .as_ref()
                .is_some_and(|of| !of.is_done())
            {
                self.follow(slot);
            }
        }
    }
}
