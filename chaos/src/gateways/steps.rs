//! What gateways, people, and the way between gateways and the log may do next.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::gateway::Gateway;
use super::network::Fate;
use super::people::{Question, Said, Wish};
use super::{Asked, GATEWAYS, PLAIN};
use crate::traffic::AGENTS;
use crate::world::{PARTITIONS, World};

/// Where the choices of gateways lie, beside those of the steps themselves.
const CHOICES: u64 = 1 << 40;
/// Folders of kept folds.
const FOLDERS: usize = 2;
/// What is asked for; the last two are also written to by others than gateways.
const ACTIVITIES: [&str; 7] = [PLAIN, PLAIN, PLAIN, "mug", "mug", "bag", "hat"];
/// People who want seats.
const PEOPLE: u64 = 12;
/// Rounds after which whoever has no answer never gets one.
const ROUNDS: usize = 40;
/// What passes in one, milliseconds: a request that is not answered by then is told so.
const ROUND_MS: u64 = 2_500;

/// One kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Somebody asks for a seat, or tries again.
    Ask,
    /// Somebody asks many times at once.
    Storm,
    /// Somebody gives a seat back.
    GiveBack,
    /// Somebody wants to know.
    Know,
    /// An operator defines an activity anew.
    Define,
    /// Somebody waits no longer.
    GiveUp,
    /// An append comes to the log, or does not.
    Append,
    /// A gateway folds what it has not folded yet.
    Follow,
    /// A gateway keeps its folds.
    Keep,
    /// A gateway is killed, or stopped.
    Kill,
    /// A gateway starts.
    Start,
    /// What a gateway keeps is lost, damaged, or replaced by what was kept before.
    Disk,
}

/// How often each comes, in two hundred or so.
const WEIGHTS: [(Step, u64); 12] = [
    (Step::Ask, 30),
    (Step::Storm, 3),
    (Step::GiveBack, 6),
    (Step::Know, 6),
    (Step::Define, 3),
    (Step::GiveUp, 4),
    (Step::Append, 60),
    (Step::Follow, 70),
    (Step::Keep, 6),
    (Step::Kill, 3),
    (Step::Start, 7),
    (Step::Disk, 2),
];

impl World {
    /// All start.
    pub fn start_gateways(&mut self) {
        (0..GATEWAYS).for_each(|slot| self.start_gateway(slot));
    }

    /// What they and people do beside the step of this number.
    pub fn step_gateways(&mut self, number: u64) {
        self.gateways.dice.turn_to(CHOICES + number);
        self.hear();
        for _ in 0..self.gateways.dice.below(3) {
            self.step_gateway();
            self.carry_on();
        }
    }

    fn step_gateway(&mut self) {
        let all = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut left = self.gateways.dice.below(all);
        let step = WEIGHTS.iter().find(|(_, weight)| {
            let is_it = left < *weight;
            left = left.saturating_sub(*weight);
            is_it
        });
        let slot = self.gateways.dice.index(GATEWAYS);
        match step.unwrap().0 {
            Step::Ask => {
                for _ in 0..1 + self.gateways.dice.below(2) {
                    let question = self.seat();
                    let slot = self.gateways.dice.index(GATEWAYS);
                    self.put(slot, question);
                }
            }
            Step::Storm => self.storm(),
            Step::GiveBack => self.give_back(slot),
            Step::Know => self.know(slot),
            Step::Define => self.define(slot),
            Step::GiveUp => self.give_up(),
            Step::Append => {
                for _ in 0..1 + self.gateways.dice.below(3) {
                    self.append();
                }
            }
            Step::Follow => self.follow(slot),
            Step::Keep => self.keep(slot),
            Step::Kill => self.kill_gateway(slot),
            Step::Start => self.start_gateway(slot),
            Step::Disk => self.spoil(slot),
        }
    }

    /// Whatever was woken goes on until it waits, calls to the log are made, and answers are heard.
    fn carry_on(&mut self) {
        self.clock.settle();
        self.gateways.all.iter().flatten().for_each(Gateway::call);
        self.hear();
    }

    fn somebody(&mut self, slot: usize, wish: Wish) {
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
    fn give_back(&mut self, slot: usize) {
        let past = self.gateways.past.iter();
        let asked: Vec<_> = past.filter(|of| of.activity != PLAIN).collect();
        if !asked.is_empty() {
            let mut question = asked[self.gateways.dice.index(asked.len())].clone();
            question.wish = Wish::GiveBack;
            self.put(slot, question);
        }
    }

    /// Somebody's question for a seat: one of before, by the same name, or a new one.
    fn seat(&mut self) -> Question {
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

    fn storm(&mut self) {
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

    fn know(&mut self, slot: usize) {
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

    fn define(&mut self, slot: usize) {
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
    fn put(&mut self, slot: usize, question: Question) {
        if let Wish::Seat(_) = question.wish {
            if question.activity == PLAIN {
                self.gateways.plain.insert(question.user.clone());
            }
            if !self.gateways.unanswered.contains(&question) {
                self.gateways.unanswered.push(question.clone());
            }
            self.gateways.past.push(question.clone());
        }
        self.say(|| format!("gateway {slot} is asked {question:?}"));
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
    fn hear(&mut self) {
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
            self.say(|| format!("gateway {gateway} answers {question:?}: {said:?}"));
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
    fn give_up(&mut self) {
        let numbers: Vec<u64> = self.gateways.asked.keys().copied().collect();
        if numbers.is_empty() {
            return;
        }
        let number = self.gateways.dice.pick(&numbers);
        if let Some(asked) = self.gateways.asked.remove(&number) {
            asked.task.abort();
            self.say(|| format!("nobody waits for {:?} any more", asked.question));
        }
    }

    fn append(&mut self) {
        let waiting = self.gateways.network.len();
        if waiting == 0 {
            return;
        }
        let dice = &self.gateways.dice;
        let place = dice.index(waiting);
        let fate = match dice.below(30) {
            0 | 1 => Fate::Lost,
            2 | 3 => Fate::Unheard,
            4 | 5 => Fate::Late,
            6 | 7 => Fate::Twice,
            8 => Fate::Refused,
            _ => Fate::Good,
        };
        let done = self.gateways.network.deliver(place, fate);
        self.say(|| format!("an append of a gateway: {done}"));
        self.count("appends of gateways");
        self.carry_on();
    }

    fn follow(&mut self, slot: usize) {
        let Some(gateway) = &mut self.gateways.all[slot] else {
            return;
        };
        gateway.follow();
        let folded: Vec<_> = (0..PARTITIONS).map(|of| gateway.folded(of)).collect();
        self.say(|| format!("gateway {slot} has folded {folded:?}"));
        self.gateways.witness.read();
        for (partition, folded) in (0..PARTITIONS).zip(folded) {
            self.gateways.witness.folded(slot, partition, folded);
        }
    }

    fn keep(&mut self, slot: usize) {
        let now = self.clock.now().at;
        if let Some(gateway) = &mut self.gateways.all[slot] {
            gateway.keep(now);
            self.say(|| format!("gateway {slot} keeps what is due"));
        }
    }

    fn kill_gateway(&mut self, slot: usize) {
        let Some(gateway) = self.gateways.all[slot].take() else {
            return;
        };
        self.gateways.asked.retain(|_, asked| {
            if asked.gateway == slot {
                asked.task.abort();
            }
            asked.gateway != slot
        });
        if self.gateways.dice.percent(25) {
            gateway.stop();
            self.count("gateways stopped");
            self.say(|| format!("gateway {slot} is stopped, and keeps its folds"));
        } else {
            self.count("gateways killed");
            self.say(|| format!("gateway {slot} is killed"));
        }
    }

    fn start_gateway(&mut self, slot: usize) {
        if self.gateways.all[slot].is_some() {
            return;
        }
        let dice = &self.gateways.dice;
        let skew = dice.pick(&[0, 0, 1_500, -1_500, 3_600_000, -3_600_000]);
        self.gateways.skews[slot].store(skew, Ordering::Relaxed);
        let (skew, broker) = (self.gateways.skews[slot].clone(), self.clock.broker());
        let clock = move || broker.load(Ordering::Relaxed) + skew.load(Ordering::Relaxed);
        let most = 1 + dice.below(9);
        self.gateways.starts += 1;
        let gateway = Gateway::new(
            &self.gateway_folder(slot),
            &self.entries,
            self.gateways.network.line(self.gateways.starts),
            Arc::new(clock),
            most,
            self.clock.now().at,
        );
        self.gateways.all[slot] = Some(gateway);
        self.count("gateways started");
        self.say(|| format!("gateway {slot} starts, and folds {most} records at a time"));
    }

    fn gateway_folder(&self, slot: usize) -> PathBuf {
        self.place_for_copy(&format!("gateways-{}", slot % FOLDERS))
    }

    /// Any of it leaves nothing wrong: a file carries its digest, and is held against the log.
    fn spoil(&mut self, slot: usize) {
        let (folder, dice) = (slot % FOLDERS, &self.gateways.dice);
        let partition = dice.below(PARTITIONS.into()) as u32;
        let files = kept::Files::new(&self.gateway_folder(slot), 1, PARTITIONS);
        let path = files.path(partition);
        let Ok(mut bytes) = std::fs::read(&path) else {
            return;
        };
        let what = match dice.below(4) {
            0 => {
                std::fs::remove_file(&path).unwrap();
                "is lost"
            }
            1 => {
                bytes.truncate(dice.index(bytes.len()));
                std::fs::write(&path, &bytes).unwrap();
                "is cut short"
            }
            _ => match self.gateways.old_files.remove(&(folder, partition)) {
                Some(old) => {
                    std::fs::write(&path, &old).unwrap();
                    "is an old one again"
                }
                None => {
                    self.gateways.old_files.insert((folder, partition), bytes);
                    "is copied"
                }
            },
        };
        self.count("files of gateways");
        self.say(|| format!("what folder {folder} of gateways keeps of {partition} {what}"));
    }

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
            self.clock.pass(std::time::Duration::from_millis(ROUND_MS));
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
