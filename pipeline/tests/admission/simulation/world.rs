//! One schedule: gateways, clients, a network that loses, delays and doubles, and a log that puts all in one order.

use super::chance::Chance;
use super::gateway::{Ask, Flaw, Gateway};
use super::network::OnTheWay;
use super::witness::Witness;
use crate::acts::{START, Sent, defined};

/// Steps of a schedule, before everything comes to rest.
const STEPS: usize = 110;
/// Gateways. The first one's clock is right to within the margin, so that somebody asks the log at the opening.
pub const GATEWAYS: usize = 3;
pub const USERS: [&str; 5] = ["u1", "u2", "u3", "u4", "u5"];
pub const ACTIVITIES: [&str; 4] = ["a", "a", "a", "b"];

/// How often what happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub records: u64,
    pub yes: u64,
    pub no: u64,
    pub refused: u64,
    pub cancellations: u64,
    pub definitions: u64,
    pub crashes: u64,
    pub restarts: u64,
    pub lost: u64,
    pub doubled: u64,
    pub acknowledgements_lost: u64,
}

pub struct World {
    pub chance: Chance,
    pub log: Vec<Sent>,
    pub clock: i64,
    pub gateways: Vec<Gateway>,
    pub network: Vec<OnTheWay>,
    /// Acknowledgements that come late.
    pub late: Vec<(u64, (usize, u32, Ask))>,
    pub asked: Vec<Ask>,
    pub witness: Witness,
    pub counts: Counts,
    /// What happened, if anybody wants to know.
    pub story: Option<Vec<String>>,
}

impl World {
    pub fn new(seed: u64, flaw: Option<Flaw>, tell: bool) -> Self {
        let mut chance = Chance(seed);
        let skews = [0, 0, 1_500, -1_500, 3_600_000, -3_600_000];
        let mut skew = |n| *chance.pick(if n == 0 { &skews[..4] } else { &skews });
        let gateways = (0..GATEWAYS).map(|n| Gateway::new(skew(n), flaw)).collect();
        let mut world = Self {
            chance,
            log: Vec::new(),
            clock: START,
            gateways,
            network: Vec::new(),
            late: Vec::new(),
            asked: Vec::new(),
            witness: Witness::default(),
            counts: Counts::default(),
            story: tell.then(Vec::new),
        };
        for activity in ["a", "b"] {
            let capacity = 1 + world.chance.below(4) as u64;
            world.append(defined(activity, capacity, START + 2_500, None));
        }
        world
    }

    pub fn say(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.story.is_some() {
            let line = what(self);
            self.story
                .iter_mut()
                .for_each(|story| story.push(line.clone()));
        }
    }

    pub fn run(&mut self) {
        for _ in 0..STEPS {
            self.step();
        }
        self.rest();
    }

    fn step(&mut self) {
        let gateway = self.chance.below(GATEWAYS);
        match self.chance.below(100) {
            0..28 => self.ask(gateway),
            28..55 => self.deliver(),
            55..60 => self.acknowledge_late(),
            60..80 => {
                let records = 1 + self.chance.below(6);
                self.fold(gateway, records);
            }
            80..82 => self.crash(gateway),
            82..86 => self.restart(gateway),
            86..87 => self.gateways[gateway].keep(),
            87..93 => self.cancel(),
            93..95 => self.look(gateway),
            95..97 => self.define(),
            _ => self.clock += self.chance.below(2_000) as i64,
        }
    }

    pub fn fold(&mut self, gateway: usize, records: usize) {
        for _ in 0..records {
            let to = &mut self.gateways[gateway];
            let Some(sent) = self.log.get(to.fold.next_offset() as usize) else {
                return;
            };
            if !to.is_up {
                return;
            }
            let answered = to.fold(sent);
            let (next, digest) = (to.fold.next_offset(), to.fold.digest());
            self.witness.folded(next, digest);
            if let Some((ask, told)) = answered {
                self.tell(gateway, &ask, &told);
            }
        }
    }

    fn crash(&mut self, gateway: usize) {
        if self.gateways[gateway].is_up {
            self.counts.crashes += 1;
            self.say(|_| format!("gateway {gateway} crashes"));
            self.gateways[gateway].crash();
        }
    }

    fn restart(&mut self, gateway: usize) {
        if !self.gateways[gateway].is_up {
            let disk_lost = self.chance.is(20);
            self.counts.restarts += 1;
            self.gateways[gateway].restart(disk_lost, &self.log);
            self.say(|world| {
                format!(
                    "gateway {gateway} starts at {}",
                    world.gateways[gateway].fold.next_offset()
                )
            });
        }
    }

    /// What is on its way arrives or is lost, every gateway comes back, and enough people ask for what is left.
    fn rest(&mut self) {
        while let Some(OnTheWay { act, .. }) = self.network.pop() {
            if self.chance.is(50) {
                self.append(act);
            }
        }
        self.clock += 10_000;
        (0..GATEWAYS).for_each(|gateway| self.catch_up(gateway));
        for activity in ["a", "b"] {
            self.fill(activity);
        }
        (0..GATEWAYS).for_each(|gateway| self.catch_up(gateway));
        for ask in self.witness.asks() {
            for gateway in 0..GATEWAYS {
                if let Some(told) = self.gateways[gateway].look(&ask) {
                    self.tell(gateway, &ask, &told);
                }
            }
        }
    }

    fn catch_up(&mut self, gateway: usize) {
        self.restart(gateway);
        self.fold(gateway, usize::MAX);
    }
}
