//! Random kills, zombies, restarts and store faults: every image is a prefix's, and in the end all is there.

use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use processor::Processor;
use tempfile::TempDir;
use views::Views;

use crate::random::Random;
use crate::traffic::Traffic;
use crate::world::World;

/// Seeds judged unless FOOTFALL_TEST_CASES says otherwise.
const CASES: u64 = 4;
const ROUNDS: u64 = 16;
const PARTITIONS: u32 = 2;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

#[test]
fn every_image_is_a_prefix_and_everything_arrives_whatever_fails() {
    let seeds = match number("FOOTFALL_TEST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("FOOTFALL_TEST_CASES").unwrap_or(CASES),
    };
    let (mut images, mut kills) = (0, 0);
    for seed in seeds {
        println!("FOOTFALL_TEST_SEED={seed}");
        let (judged, killed) = Run::new(seed).run();
        images += judged;
        kills += killed;
    }
    println!("{images} images, {kills} kills");
    assert!(images > 20 && kills > 0, "too little was judged");
}

/// One processor after the other, those before it as zombies for a while.
struct Run {
    world: World,
    random: Random,
    traffic: Traffic,
    state: TempDir,
    processor: Option<Processor>,
    zombies: Vec<(Processor, TempDir)>,
    stopping: Vec<JoinHandle<()>>,
    kills: u64,
    restarts: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let world = World::new(PARTITIONS, seed * 10);
        let state = tempfile::tempdir().unwrap();
        Self {
            processor: Some(world.start(state.path())),
            world,
            random: Random::new(seed),
            traffic: Traffic::new(seed, PARTITIONS, 30),
            state,
            zombies: Vec::new(),
            stopping: Vec::new(),
            kills: 0,
            restarts: 0,
        }
    }

    /// How many images were judged, and how many kills there were.
    fn run(mut self) -> (u64, u64) {
        for _ in 0..ROUNDS {
            self.append();
            match self.random.below(10) {
                0..=3 => self.kill(),
                4 => self.restart(),
                _ => {}
            }
            if self.random.chance(40) {
                self.stop_a_zombie();
            }
        }
        while !self.zombies.is_empty() {
            self.stop_a_zombie();
        }
        self.world.hot.calm();
        self.world.history.calm();
        for thread in self.stopping.drain(..) {
            thread.join().unwrap();
        }
        self.check()
    }

    /// Minutes or hours pass, and records come.
    fn append(&mut self) {
        for _ in 0..2 + self.random.below(5) {
            let pace = self.random.pick(&[1_000, 600_000, 6 * 3_600_000]);
            let passed = self.random.within(0, pace);
            let now = self.world.now.fetch_add(passed, Ordering::Relaxed) + passed;
            let count = 1 + self.random.below(40) as usize;
            self.world.append(self.traffic.take(count, now));
            std::thread::sleep(Duration::from_millis(self.random.below(25)));
        }
    }

    /// The processor is gone as by SIGKILL, but for what it still sends: it goes on as a zombie.
    fn kill(&mut self) {
        let left = self.world.left_by_a_kill(self.state.path());
        let zombie = self.processor.take().unwrap();
        self.processor = Some(self.world.start(left.path()));
        let folder = std::mem::replace(&mut self.state, left);
        self.zombies.push((zombie, folder));
        self.kills += 1;
    }

    fn restart(&mut self) {
        self.processor.take().unwrap().stop();
        self.processor = Some(self.world.start(self.state.path()));
        self.restarts += 1;
    }

    fn stop_a_zombie(&mut self) {
        if let Some((zombie, folder)) = self.zombies.pop() {
            self.stopping.push(std::thread::spawn(move || {
                zombie.stop();
                drop(folder);
            }));
        }
    }

    fn check(mut self) -> (u64, u64) {
        let processor = self.processor.take().unwrap();
        self.world.wait_until_done(&processor);
        self.world.wait_until_stored();
        for store in [&self.world.hot, &self.world.history] {
            assert_eq!(store.wrong(), Vec::<String>::new());
        }
        let dump = self.world.runtime.block_on(processor.views().dump());
        let (as_of, cells) = dump.unwrap();
        let offsets: Vec<_> = as_of.partitions.iter().map(|p| p.offset).collect();
        assert_eq!(offsets, self.world.ends());
        assert!(
            cells == self.world.judge.lock().unwrap().cells(),
            "the fold's own view"
        );
        processor.stop();
        self.world.check_checkpoints(self.state.path());
        let letters = self.world.check_letters();
        let (hot, history) = (self.world.hot.seen(), self.world.history.seen());
        println!(
            "{:?} records, {letters} letters, {} kills, {} restarts\n  {hot:?}\n  {history:?}",
            self.world.ends(),
            self.kills,
            self.restarts
        );
        assert!(letters > 5, "only {letters} letters");
        (hot.accepted + history.accepted, self.kills)
    }
}
