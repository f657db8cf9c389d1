//! How far answers have gone: none after goes back because it came from a copy that lags.
//!
//! Copies of a shard are refreshed one after the other, and a node that was frozen answers from what it had until it
//! learns that the cluster went on without it.

use std::sync::{Mutex, PoisonError};

use crate::AsOf;

/// The furthest offsets answered, by partition.
#[derive(Debug)]
pub(super) struct Seen(Mutex<Vec<u64>>);

impl Seen {
    pub(super) fn new(partitions: u32) -> Self {
        Self(Mutex::new(vec![0; partitions as usize]))
    }

    /// Whether no partition of an answer is behind what was answered before; if so, it is the furthest from now on.
    pub(super) fn advance(&self, as_of: &AsOf) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pairs = as_of.partitions.iter().zip(seen.iter());
        if pairs.any(|(stamp, seen)| stamp.offset < *seen) {
            return false;
        }
        set(&mut seen, as_of);
        true
    }

    /// The store itself has gone back: its index was deleted and is being filled anew.
    pub(super) fn go_back(&self, as_of: &AsOf) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        set(&mut seen, as_of);
    }
}

fn set(seen: &mut [u64], as_of: &AsOf) {
    for (seen, stamp) in seen.iter_mut().zip(&as_of.partitions) {
        *seen = stamp.offset;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AsOfKind, Stamp};

    fn as_of(offsets: [u64; 2]) -> AsOf {
        let stamps = (0..).zip(offsets).map(|(partition, offset)| Stamp {
            partition,
            offset,
            log_time: 0,
        });
        AsOf {
            kind: AsOfKind::AtLeast,
            partitions: stamps.collect(),
        }
    }

    #[test]
    fn an_answer_that_is_behind_in_one_partition_is_seen() {
        let seen = Seen::new(2);
        assert!(seen.advance(&as_of([5, 5])));
        assert!(seen.advance(&as_of([5, 7])));
        assert!(!seen.advance(&as_of([9, 6])));
        // What is refused moves nothing.
        assert!(seen.advance(&as_of([5, 7])));
        seen.go_back(&as_of([1, 1]));
        assert!(seen.advance(&as_of([1, 2])));
    }
}
