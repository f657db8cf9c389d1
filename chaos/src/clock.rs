//! Virtual time: of the processes, of tokio, and of the broker that says when records were appended.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use processor::moment::Moment;
use tokio::runtime::{Builder, Runtime};

/// 2026-11-22T09:00:00Z.
pub const START: i64 = 1_795_338_000_000;
/// Turns that everything which was woken gets, until it waits again.
const TURNS: usize = 6;

/// The clocks of a run, and the runtime whose tasks live by them.
pub struct Clock {
    runtime: Runtime,
    begin: Instant,
    passed: Duration,
    broker: Arc<AtomicI64>,
}

impl Clock {
    /// At the start.
    pub fn new() -> Self {
        let mut runtime = Builder::new_current_thread();
        Self {
            runtime: runtime.enable_time().start_paused(true).build().unwrap(),
            begin: Instant::now(),
            passed: Duration::ZERO,
            broker: Arc::new(AtomicI64::new(START)),
        }
    }

    /// Where calls to stores run.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The moment of this turn.
    pub fn now(&self) -> Moment {
        Moment {
            at: self.begin + self.passed,
            epoch_ms: START + self.passed.as_millis() as i64,
        }
    }

    /// When the broker appends what comes now, milliseconds since the epoch. It runs apart from the others and may stand.
    pub fn broker(&self) -> Arc<AtomicI64> {
        self.broker.clone()
    }

    /// The broker's clock goes on, or back.
    pub fn set_broker(&self, by: i64) {
        self.broker.fetch_add(by, Ordering::Relaxed);
    }

    /// Time passes for processes.
    pub fn pass(&mut self, time: Duration) {
        self.passed += time;
        self.runtime.block_on(tokio::time::advance(time));
        self.settle();
    }

    /// Lets every task that was woken run until it waits.
    pub fn settle(&self) {
        self.runtime.block_on(async {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        });
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
