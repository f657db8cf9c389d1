//! What people do: ask, ask again, give back, look up, wait no longer; and what they hear.

use super::people::{Question, Said, Wish};
use super::{Asked, GATEWAYS, PLAIN};
use crate::traffic::AGENTS;
use crate::world::World;

/// What is asked for; the last two are also written to by others than gateways.
const ACTIVITIES: [&str; 7] = [PLAIN, PLAIN, PLAIN, "mug", "mug", "bag", "hat"];
/// People who want seats.
const PEOPLE: u64 = 12;

impl World {
    pub(super) fn somebody(&mut self, slot: usize, wish: Wish) {
        let dice = &self.gateways.dice;
        let question = Question {
            activity: dice.pick(&ACTIVITIES),
            user: format!("user-{}", dice.below(PEOPLE)),
            agent: dice.pick(&AGENTS),
            wish,
        };
        self.put(slot, question);
    }

    /// Somebody who asked gives back what they may have. What the plain activity gives is for keeps.
    pub(super) fn give_back(&mut self, slot: usize) {
        let past = self.gateways.past.iter();
        let asked: Vec<_> = past.filter(|of| of.activity != PLAIN).collect();
        if !asked.is_empty() {
            let mut question = asked[self.gateways.dice.index(asked.len())].clone();
            question.wish = Wish::GiveBack;
            self.put(slot, question);
        }
    }

    /// Somebody's question for a seat: one of before, by the same name, or a new one.
    pub(super) fn seat(&mut self) -> Question {
        let gateways = &mut self.gateways;
        let (dice, past) = (&gateways.dice, &gateways.past);
        if !past.is_empty() && dice.percent(40) {
            // Mostly soon after, sometimes long after.
            let from = past
                .len()
                .saturating_sub(if dice.percent(60) { 6 } else { past.len() });
            return past[from + dice.index(past.len() - from)].clone();
        }
        gateways.numbers += 1;
        // Names of requests as the acts of others have them, too.
        let name = match dice.below(10) {
            0 => None,
            1 => Some(format!("r{}", dice.below(3))),
            _ => Some(format!("n{}", gateways.numbers)),
        };
        Question {
            activity: dice.pick(&ACTIVITIES),
            user: format!("user-{}", dice.below(PEOPLE)),
            agent: dice.pick(&AGENTS),
            wish: Wish::Seat(name),
        }
    }

    pub(super) fn storm(&mut self) {
        let first = self.seat();
        let is_one = self.gateways.dice.percent(50);
        for number in 0..2 + self.gateways.dice.below(3) {
            let mut question = first.clone();
            if let (false, Wish::Seat(Some(name))) = (is_one, &mut question.wish) {
                name.push_str(&format!("-{number}"));
            }
            let slot = self.gateways.dice.index(GATEWAYS);
            self.put(slot, question);
        }
    }

    pub(super) fn know(&mut self, slot: usize) {
        let dice = &self.gateways.dice;
        match dice.below(3) {
            0 => self.somebody(slot, Wish::Look),
            1 => self.somebody(slot, Wish::Know(None)),
            _ if self.gateways.past.is_empty() => {}
            _ => {
                let mut question = dice.one_of(&self.gateways.past).clone();
                if let Wish::Seat(name) = question.wish {
                    question.wish = Wish::Know(name);
                }
                self.put(slot, question);
            }
        }
    }

    pub(super) fn define(&mut self, slot: usize) {
        let (now, dice) = (self.broker_now(), &self.gateways.dice);
        let opens = now + dice.pick(&[-1, -1, 1_000, 5_000, 60_000]);
        let closes = dice
            .percent(20)
            .then(|| opens + dice.pick(&[1, 3_000, 1_000_000]));
        let question = Question {
            activity: dice.pick(&["mug", "mug", "bag"]),
            user: "operator".to_owned(),
            agent: "",
            wish: Wish::Define {
                capacity: dice.below(4),
                opens,
                closes,
            },
        };
        self.put(slot, question);
    }

    /// A gateway is asked something; where there is none, nobody answers.
    pub(super) fn put(&mut self, slot: usize, question: Question) {
        if let Wish::Seat(_) = question.wish {
            if question.activity == PLAIN {
                self.gateways.plain.insert(question.user.clone());
            }
            if !self.gateways.unanswered.contains(&question) {
                self.gateways.unanswered.push(question.clone());
            }
            self.gateways.past.push(question.clone());
        }
        self.say(|| format!("gateway {slot} is asked by {question}"));
        self.count("questions");
        let Some(gateway) = &self.gateways.all[slot] else {
            return;
        };
        self.gateways.numbers += 1;
        let number = self.gateways.numbers;
        let answering = gateway.answering(question.request(), number, &self.gateways.mailbox);
        let partition = self.gateways.witness.partition_of(question.activity);
        let asked = Asked {
            least: gateway.begun_at(partition),
            question,
            gateway: slot,
            task: self.clock.runtime().spawn(answering).abort_handle(),
        };
        self.gateways.asked.insert(number, asked);
    }

    /// Takes what came, and holds it against the log.
    pub(super) fn hear(&mut self) {
        let came = std::mem::take(&mut *self.gateways.mailbox.lock().unwrap());
        for (number, answer) in came {
            // Who gave up hears nothing.
            let Some(Asked {
                question,
                gateway,
                least,
                ..
            }) = self.gateways.asked.remove(&number)
            else {
                continue;
            };
            let said = question.heard(&answer);
            self.say(|| format!("gateway {gateway} answers {question}: {said:?}"));
            self.count(match said {
                Said::Seat(..) => "told yes",
                Said::No(..) => "told no",
                Said::NotNow(..) => "told no from memory",
                Said::GivenBack(_) => "told of a seat given back",
                Said::Activity { .. } => "told of an activity",
                Said::Unknown(_) => "told nothing for sure",
            });
            self.gateways.witness.hear(&question, &said, least);
            if !matches!(said, Said::Unknown(_)) {
                self.gateways.unanswered.retain(|of| *of != question);
            }
        }
    }

    /// Somebody waits no longer, and hears nothing.
    pub(super) fn give_up(&mut self) {
        let numbers: Vec<u64> = self.gateways.asked.keys().copied().collect();
        if numbers.is_empty() {
            return;
        }
        let number = self.gateways.dice.pick(&numbers);
        if let Some(asked) = self.gateways.asked.remove(&number) {
            asked.task.abort();
            self.say(|| format!("nobody waits any more: {}", asked.question));
        }
    }
}
