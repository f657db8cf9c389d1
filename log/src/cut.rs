//! Tells a log that was made anew from one that is quiet (I9). librdkafka can't always: where the new topic's leader has a
//! lower epoch than the old one's, it takes the news for stale and fetches nothing, without a word.

use std::collections::BTreeMap;

use crate::{Bounds, Error};

/// After so many answers in a row by which the log ends before what was folded, it is not the log any more: one may be
/// that of a leader which is behind.
pub const SHORT_ANSWERS: u32 = 10;

/// What was last heard of each partition's end.
#[derive(Debug, Default)]
pub struct Cut {
    /// How many answers in a row ended too early.
    short: BTreeMap<u32, u32>,
}

impl Cut {
    /// Takes an answer: what a partition holds, asked after everything before `next_offset` was folded.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] once the log ends before that, and stays so.
    pub fn hear(&mut self, partition: u32, bounds: Bounds, next_offset: u64) -> Result<(), Error> {
        if bounds.end >= next_offset {
            self.short.remove(&partition);
            return Ok(());
        }
        let short = self.short.entry(partition).or_default();
        *short += 1;
        if *short < SHORT_ANSWERS {
            return Ok(());
        }
        bounds.check(partition, next_offset)
    }

    /// Forgets the partitions that are not ours.
    pub fn retain(&mut self, is_ours: impl Fn(u32) -> bool) {
        self.short.retain(|partition, _| is_ours(*partition));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_ends_before_what_was_folded_is_another_once_it_says_so_again_and_again() {
        let mut cut = Cut::default();
        let mut hear = |end, times| {
            let bounds = Bounds { start: 0, end };
            for _ in 1..times {
                assert!(cut.hear(3, bounds, 7).is_ok());
            }
            cut.hear(3, bounds, 7)
        };
        assert!(hear(7, 20).is_ok());
        assert!(hear(4, SHORT_ANSWERS - 1).is_ok());
        assert!(hear(8, 1).is_ok(), "a leader that was behind");
        assert!(hear(4, SHORT_ANSWERS - 1).is_ok());
        for _ in 0..2 {
            assert!(matches!(
                hear(4, 1),
                Err(Error::OutOfRange {
                    partition: 3,
                    offset: 7,
                    start: 0,
                    end: 4
                })
            ));
        }
    }

    #[test]
    fn who_had_a_partition_before_hears_of_it_from_the_start() {
        let mut cut = Cut::default();
        let bounds = Bounds { start: 0, end: 4 };
        for _ in 1..SHORT_ANSWERS {
            assert!(cut.hear(3, bounds, 7).is_ok());
        }
        cut.retain(|partition| partition != 3);
        assert!(cut.hear(3, bounds, 7).is_ok());
    }
}
