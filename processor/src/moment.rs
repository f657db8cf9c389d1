//! The time of one turn, by both clocks. It is handed in, so that a simulator may make it up.

use std::time::Instant;

use crate::metrics;

/// One moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// To measure how long something takes.
    pub at: Instant,
    /// Milliseconds since the epoch, to compare with log time.
    pub epoch_ms: i64,
}

impl Moment {
    /// By the machine's clocks.
    pub fn now() -> Self {
        Self {
            at: Instant::now(),
            epoch_ms: metrics::now_ms(),
        }
    }
}
