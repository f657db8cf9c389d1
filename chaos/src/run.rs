//! One run of one seed, and what became of it.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::world::{Counts, World};

/// Steps of a run.
pub const STEPS: u64 = 200;

thread_local! {
    /// What the first panic said since a run began: also of tasks, whose panics their runtime keeps.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// A run that went wrong.
#[derive(Debug, Clone)]
pub struct Broken {
    /// What was found.
    pub what: String,
    /// What was done, where that was asked for.
    pub trace: Vec<String>,
}

impl Broken {
    /// Where it was found: by this, two runs fail alike.
    pub fn place(&self) -> &str {
        self.what.lines().next().unwrap_or_default()
    }
}

/// All steps of a run.
pub fn all_steps() -> Vec<u64> {
    (1..=STEPS).collect()
}

/// Runs these steps of a seed to their end.
///
/// # Errors
/// What was found to be wrong.
pub fn run(seed: u64, steps: &[u64], is_traced: bool) -> Result<(Counts, Vec<String>), Broken> {
    listen_to_panics();
    PANIC.take();
    IS_RUNNING.set(true);
    let mut world = World::new(seed, is_traced);
    let done = catch_unwind(AssertUnwindSafe(|| {
        world.open_activities();
        world.start_gateways();
        for step in steps {
            world.step(*step);
            if PANIC.with_borrow(Option::is_some) {
                return;
            }
        }
        world.say(|| "nothing fails any more".to_owned());
        world.finish();
    }));
    let trace = world.trace.take().unwrap_or_default();
    let counts = std::mem::take(&mut world.counts);
    // What is on its way ends with its world, and may complain.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(world)));
    IS_RUNNING.set(false);
    match (done, PANIC.take()) {
        (Ok(()), None) => Ok((counts, trace)),
        (_, what) => Err(Broken {
            what: what.unwrap_or_default(),
            trace,
        }),
    }
}

/// Panics of a run are kept, not printed.
fn listen_to_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_RUNNING.get() {
                return before(info);
            }
            let said = format!("{info}");
            PANIC.with_borrow_mut(|panic| {
                panic.get_or_insert(said);
            });
        }));
    });
}
