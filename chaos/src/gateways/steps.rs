//! What may happen next to gateways and people, how likely it is, and what it does to gateways and to appends on their way.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::GATEWAYS;
use super::gateway::Gateway;
use super::network::Fate;
use crate::world::{PARTITIONS, World};

/// Where the choices of gateways lie, beside those of the steps themselves.
const CHOICES: u64 = 1 << 40;
/// Folders of kept folds.
const FOLDERS: usize = 2;

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
    (Step::Ask, 36),
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
                let question = self.seat();
                self.put(slot, question);
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
    pub(super) fn carry_on(&mut self) {
        self.clock.settle();
        self.gateways.all.iter().flatten().for_each(Gateway::call);
        self.hear();
    }

    pub(super) fn append(&mut self) {
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

    pub(super) fn follow(&mut self, slot: usize) {
        let Some(gateway) = &mut self.gateways.all[slot] else {
            return;
        };
        gateway.follow();
        let folded: Vec<_> = (0..PARTITIONS).map(|of| gateway.folded(of)).collect();
        // A digest holds names of requests that no choice made: it is nothing to tell.
        let next: Vec<u64> = folded.iter().map(|(next, _)| *next).collect();
        self.say(|| format!("gateway {slot} has folded up to {next:?}"));
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
                bytes.truncate(dice.index(bytes.len().max(1)));
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
}
