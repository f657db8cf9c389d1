//! Every choice of a run: by its seed and the number of the step, so that a step that is left out changes no other's.

use std::sync::{Arc, Mutex};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Shared by all parts of a run.
#[derive(Clone)]
pub struct Dice {
    seed: u64,
    rng: Arc<Mutex<ChaCha8Rng>>,
}

impl Dice {
    /// Before the first step.
    pub fn new(seed: u64) -> Self {
        let rng = Arc::new(Mutex::new(of(seed, 0)));
        Self { seed, rng }
    }

    /// From here on the choices are those of this step, from 1.
    pub fn turn_to(&self, step: u64) {
        *self.rng.lock().unwrap() = of(self.seed, step);
    }

    /// A number below `most`, which is not 0.
    pub fn below(&self, most: u64) -> u64 {
        self.rng.lock().unwrap().random_range(0..most)
    }

    /// As [`Dice::below`], to index a list.
    pub fn index(&self, most: usize) -> usize {
        self.below(most as u64) as usize
    }

    /// True so many times in a hundred.
    pub fn percent(&self, times: u64) -> bool {
        self.below(100) < times
    }

    /// One of them.
    pub fn one_of<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.index(of.len())]
    }

    /// The same of what is copied.
    pub fn pick<T: Copy>(&self, of: &[T]) -> T {
        of[self.index(of.len())]
    }
}

fn of(seed: u64, step: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(step);
    rng
}
