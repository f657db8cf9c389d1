//! A limit shared by waits that follow one another.
//!
//! Partitions are assigned one after the other while the group waits for all of them: what one may wait, all may
//! wait together.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Waits that begin this long after the last one ended are another assignment's.
const NEXT: Duration = Duration::from_secs(20);

/// How long may be waited, all together.
pub struct Patience {
    most: Duration,
    spent: Mutex<Option<(Duration, Instant)>>,
}

impl Patience {
    /// So long.
    pub fn new(most: Duration) -> Self {
        Self {
            most,
            spent: Mutex::default(),
        }
    }

    /// Does something that may wait for as long as it is told.
    pub fn spend<T>(&self, wait: impl FnOnce(Duration) -> T) -> T {
        let before = {
            let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
            spent.filter(|(_, at)| at.elapsed() < NEXT)
        };
        let before = before.map_or(Duration::ZERO, |(spent, _)| spent);
        let start = Instant::now();
        let outcome = wait(self.most.saturating_sub(before));
        let now = Instant::now();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        *spent = Some((before + (now - start), now));
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_that_follow_one_another_share_the_limit() {
        let patience = Patience::new(Duration::from_secs(10));
        let pause = Duration::from_millis(20);
        let first = patience.spend(|left| {
            std::thread::sleep(pause);
            left
        });
        let second = patience.spend(|left| left);
        assert_eq!(first, Duration::from_secs(10));
        assert!(second <= first - pause, "{second:?}");
    }
}
