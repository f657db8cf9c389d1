//! Who comes and with which device: a person keeps a first and a second device for good.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Real User-Agents with their shares: parts per million and text, separated by a tab.
const SHARED: &str = include_str!("../../data/user-agents.tsv");
/// Own additions: person or bot, parts per million of their kind, text.
const OWN: &str = include_str!("../../data/own-user-agents.tsv");
/// Of a hundred people's devices, so many are of the own list: Korean apps are rare in the shared one.
const OWN_PERCENT: u64 = 18;
/// Of a hundred visits, so many are made with the person's second device.
const SECOND_DEVICE_PERCENT: u64 = 15;
/// How many crawlers there are.
const CRAWLERS: u32 = 40;
/// Models that browsers name in a hint alone.
const MODELS: [&str; 6] = [
    "SM-S938N",
    "SM-A556S",
    "SM-F741N",
    "SM-X716N",
    "Pixel 9",
    "24117RN76G",
];

/// A User-Agent, and the client hints sent with it.
#[derive(Debug)]
pub(super) struct Agent {
    pub text: &'static str,
    pub hints: Option<Hints>,
}

/// Client hints of one kind of browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hints {
    pub mobile: bool,
    pub platform: &'static str,
    /// Whether the person's model is sent.
    pub model: bool,
}

/// Somebody with a device in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Visitor {
    /// A person's or a crawler's number.
    pub number: u32,
    pub is_bot: bool,
    agent: u16,
    model: u8,
}

/// Everybody who may come.
#[derive(Debug)]
pub(super) struct People {
    users: u32,
    agents: Vec<Agent>,
    /// Running sums of the weights of people's agents, then of bots', each with the agent's position.
    people: Vec<(u64, u16)>,
    bots: Vec<(u64, u16)>,
}

impl People {
    /// So many people, and a few crawlers.
    pub(super) fn new(users: u32) -> Self {
        let mut all = Self {
            users,
            agents: Vec::new(),
            people: Vec::new(),
            bots: Vec::new(),
        };
        for line in SHARED.lines() {
            if let Some((weight, text)) = line.split_once('\t') {
                all.add(false, weight, 100 - OWN_PERCENT, text);
            }
        }
        for line in OWN.lines() {
            match line.splitn(3, '\t').collect::<Vec<_>>()[..] {
                ["person", weight, text] => all.add(false, weight, OWN_PERCENT, text),
                ["bot", weight, text] => all.add(true, weight, 1, text),
                _ => {}
            }
        }
        all
    }

    fn add(&mut self, is_bot: bool, weight: &str, factor: u64, text: &'static str) {
        let agent = self.agents.len() as u16;
        let table = if is_bot {
            &mut self.bots
        } else {
            &mut self.people
        };
        let before = table.last().map_or(0, |(sum, _)| *sum);
        // A test holds that every weight is a number.
        table.push((before + weight.parse().unwrap_or(0) * factor, agent));
        self.agents.push(Agent {
            text,
            hints: hints(text),
        });
    }

    /// A person: few come often, most seldom.
    pub(super) fn person(&self, rng: &mut ChaCha8Rng) -> Visitor {
        let draw = u64::from(rng.random_range(0..self.users));
        let number = (draw * draw / u64::from(self.users)) as u32;
        let second = rng.random_range(0..100) < SECOND_DEVICE_PERCENT;
        let kept = mixed(u64::from(number) << 1 | u64::from(second));
        Visitor {
            number,
            is_bot: false,
            agent: weighted(&self.people, kept),
            model: (kept >> 56) as u8 % MODELS.len() as u8,
        }
    }

    /// A crawler.
    pub(super) fn bot(&self, rng: &mut ChaCha8Rng) -> Visitor {
        let number = rng.random_range(0..CRAWLERS);
        Visitor {
            number,
            is_bot: true,
            agent: weighted(&self.bots, mixed(u64::from(number))),
            model: 0,
        }
    }

    /// The visitor's User-Agent.
    pub(super) fn agent(&self, visitor: Visitor) -> &Agent {
        &self.agents[usize::from(visitor.agent)]
    }

    /// The model the visitor's browser names.
    pub(super) fn model(visitor: Visitor) -> &'static str {
        MODELS[usize::from(visitor.model)]
    }

    /// Whether this person makes an account when they first come: three in ten do.
    pub(super) fn signs_up(number: u32) -> bool {
        mixed(u64::from(number) ^ 0x5163_6e75) % 10 < 3
    }
}

/// Which people were there: a bit each.
#[derive(Debug)]
pub(super) struct Seen(Vec<u64>);

impl Seen {
    /// None of so many.
    pub(super) fn new(users: u32) -> Self {
        Self(vec![0; (users as usize).div_ceil(64)])
    }

    /// Adds a person; whether they are new.
    pub(super) fn add(&mut self, number: u32) -> bool {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        let is_new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        is_new
    }
}

/// What Chrome and its descendants send beside a User-Agent that hides the model.
fn hints(text: &str) -> Option<Hints> {
    if !text.contains("Chrome/") || text.contains("; wv)") || text.contains("iPhone") {
        return None;
    }
    let mobile = text.contains(" Mobile ");
    let of = |platform, model| {
        Some(Hints {
            mobile,
            platform,
            model,
        })
    };
    match text {
        _ if text.contains("Android 10; K)") => of("Android", true),
        _ if text.contains("Windows NT") => of("Windows", false),
        _ if text.contains("Macintosh") => of("macOS", false),
        _ => None,
    }
}

/// The position whose share holds `draw`.
fn weighted(sums: &[(u64, u16)], draw: u64) -> u16 {
    let total = sums.last().map_or(1, |(sum, _)| *sum);
    let place = draw % total.max(1);
    let at = sums.partition_point(|(sum, _)| *sum <= place);
    sums.get(at).map_or(0, |(_, agent)| *agent)
}

/// Bits that look random, always the same for one number (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use pipeline::device::{DeviceClass, classify};
    use rand::SeedableRng;

    use super::*;

    fn class(text: &str) -> DeviceClass {
        classify(text, pipeline::device::Hints::default()).class
    }

    #[test]
    fn every_row_of_the_data_is_read() {
        assert!(
            SHARED
                .lines()
                .all(|line| line.split_once('\t').unwrap().0.parse::<u64>().is_ok())
        );
        assert!(
            OWN.lines()
                .all(|line| line.split('\t').nth(1).unwrap().parse::<u64>().is_ok())
        );
        let people = People::new(10);
        assert_eq!(
            people.people.len() + people.bots.len(),
            SHARED.lines().count() + OWN.lines().count()
        );
        assert!(SHARED.lines().count() <= 200);
    }

    #[test]
    fn what_is_listed_as_a_bot_is_told_as_one_and_nothing_else_is() {
        let people = People::new(10);
        for (_, agent) in &people.bots {
            let text = people.agents[usize::from(*agent)].text;
            assert_eq!(class(text), DeviceClass::Bot, "{text}");
        }
        for (_, agent) in &people.people {
            let text = people.agents[usize::from(*agent)].text;
            assert_ne!(class(text), DeviceClass::Bot, "{text}");
        }
    }

    #[test]
    fn a_person_has_at_most_two_devices_and_few_come_often() {
        let people = People::new(1000);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut seen: HashMap<u32, Vec<Visitor>> = HashMap::new();
        for _ in 0..20_000 {
            let visitor = people.person(&mut rng);
            seen.entry(visitor.number).or_default().push(visitor);
        }
        for visits in seen.values() {
            let mut agents: Vec<_> = visits.iter().map(|visitor| visitor.agent).collect();
            agents.sort_unstable();
            agents.dedup();
            assert!(agents.len() <= 2);
        }
        let visits = |range: std::ops::Range<u32>| {
            range
                .filter_map(|n| seen.get(&n))
                .map(Vec::len)
                .sum::<usize>()
        };
        assert!(visits(0..100) > 4 * visits(900..1000));
    }

    #[test]
    fn devices_come_in_their_shares() {
        let people = People::new(1_000_000);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut classes: HashMap<DeviceClass, u32> = HashMap::new();
        for _ in 0..20_000 {
            let agent = people.agent(people.person(&mut rng)).text;
            *classes.entry(class(agent)).or_default() += 1;
        }
        // Of the shared list 52 % are mobile and 48 % desktop; of the own list 89 % are mobile.
        let share = |class| f64::from(classes[&class]) / 20_000.0;
        assert!(
            (0.54..0.64).contains(&share(DeviceClass::Mobile)),
            "{classes:?}"
        );
        assert!(
            (0.34..0.45).contains(&share(DeviceClass::Desktop)),
            "{classes:?}"
        );
        assert!(share(DeviceClass::Tablet) > 0.003, "{classes:?}");
    }
}
