//! Random schedules: owners that fail, die, lose their files and come back, several at once.

use proptest::test_runner::{RngAlgorithm, TestRng};

use super::world::{Fate, Owner, PARTITIONS, World};

const SCHEDULES: u64 = 100;
const FOLDERS: [&str; 3] = ["one", "two", "three"];

/// Choices by a seed.
struct Dice(TestRng);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    fn below(&mut self, most: u64) -> u64 {
        use proptest::prelude::Rng;
        self.0.next_u64() % most
    }

    fn fate(&mut self, gaps: bool) -> Fate {
        match self.below(8) {
            0 => Fate::Refused,
            1 => Fate::Unheard,
            2 if gaps => Fate::Gap(self.below(3) as usize),
            2 | 3 => Fate::Cut([(); PARTITIONS as usize].map(|()| self.below(4) as usize)),
            _ => Fate::Good,
        }
    }
}

fn owner(world: &World, dice: &mut Dice, gaps: bool) -> Owner {
    let folder = FOLDERS[dice.below(3) as usize];
    let owner = world.owner(folder, dice.below(2) == 0, 1 + dice.below(7) as usize);
    let fates: Vec<Fate> = (0..dice.below(12)).map(|_| dice.fate(gaps)).collect();
    owner.script(&fates);
    owner
}

/// Whether each admission counted once at the end of a schedule.
fn holds(seed: u64, gaps: bool) -> bool {
    let mut dice = Dice::new(seed);
    let world = World::new();
    world.define("bag", 6);
    world.define("hat", 3);
    let mut owners = vec![owner(&world, &mut dice, gaps)];
    for number in 0..60 {
        let activity = ["bag", "hat"][dice.below(2) as usize];
        match dice.below(12) {
            0..4 => {
                let user = format!("user-{}", dice.below(20));
                world.request(activity, &user, &format!("r{}", dice.below(2)));
            }
            4 => {
                let user = format!("user-{}", dice.below(20));
                world.cancel(activity, &user, 1 + dice.below(8));
            }
            5 => owners.push(owner(&world, &mut dice, gaps)),
            6 if owners.len() > 1 => {
                let gone = dice.below(owners.len() as u64) as usize;
                owners.swap_remove(gone);
            }
            7 if number % 5 == 0 => {
                let folder = world.path(FOLDERS[dice.below(3) as usize]);
                let _ = std::fs::remove_dir_all(folder);
            }
            _ => {
                let one = dice.below(owners.len() as u64) as usize;
                owners[one].step();
            }
        }
    }
    owners.iter_mut().for_each(|owner| owner.finish(&world));
    world.entered() == world.admitted()
}

#[test]
fn every_schedule_ends_with_each_admission_counted_once() {
    let broken: Vec<u64> = (0..SCHEDULES).filter(|seed| !holds(*seed, false)).collect();
    assert_eq!(broken, [] as [u64; 0], "seeds of {SCHEDULES} schedules");
}

#[test]
fn a_producer_that_leaves_gaps_is_caught() {
    assert!((0..SCHEDULES).any(|seed| !holds(seed, true)));
}
