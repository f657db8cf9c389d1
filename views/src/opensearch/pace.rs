//! Keeps bulk requests below a number of documents a second: indexing is dear, and analysts ask the same nodes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The documents that one store may write a second, over all partitions.
#[derive(Debug)]
pub(super) struct Pace {
    documents_per_second: u32,
    /// When those let through so far have used up their time.
    free_at: Mutex<Instant>,
}

impl Pace {
    /// At most so many documents a second; 0 is no limit.
    pub(super) fn new(documents_per_second: u32) -> Self {
        Self {
            documents_per_second,
            free_at: Mutex::new(Instant::now()),
        }
    }

    /// Waits until `documents` may be sent.
    pub(super) async fn wait(&self, documents: usize) {
        if self.documents_per_second == 0 {
            return;
        }
        let share = documents as f64 / f64::from(self.documents_per_second);
        let start = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let start = Instant::now().max(*free_at);
            *free_at = start + Duration::from_secs_f64(share);
            start
        };
        sleep_until(start).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds, of a clock that only waiting moves, until each of the bulks may be sent.
    async fn starts(per_second: u32, bulks: &[usize]) -> Vec<u64> {
        let (pace, begin) = (Pace::new(per_second), Instant::now());
        let mut starts = Vec::new();
        for documents in bulks {
            pace.wait(*documents).await;
            starts.push(begin.elapsed().as_secs());
        }
        starts
    }

    #[tokio::test(start_paused = true)]
    async fn bulks_start_when_those_before_have_had_their_time() {
        let bulks = [2_000, 2_000, 500, 500, 1];
        assert_eq!(starts(1_000, &bulks).await, [0, 2, 4, 4, 5]);
        assert_eq!(starts(0, &bulks).await, [0; 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_saves_nothing_up() {
        let pace = Pace::new(1_000);
        pace.wait(1_000).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begin = Instant::now();
        pace.wait(3_000).await;
        pace.wait(1).await;
        assert_eq!(begin.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn partitions_share_the_pace() {
        let (pace, begin) = (Pace::new(1_000), Instant::now());
        tokio::join!(pace.wait(5_000), pace.wait(5_000), pace.wait(1));
        assert_eq!(begin.elapsed().as_secs(), 10);
    }
}
