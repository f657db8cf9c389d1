//! How many documents a bulk holds now: half as many when the cluster refuses some, more again while it takes all.

use std::sync::{Mutex, PoisonError};

use metrics::gauge;

use crate::metrics::BULK_DOCUMENTS;

/// Documents in one bulk request: enough that the request's own cost no longer counts.
const MOST: usize = 2_000;
/// The least: fewer only make more requests, of which a full queue has too many.
const LEAST: usize = 50;
/// Bulks taken whole, one after the other, before the next holds twice as many.
const TAKEN_TO_GROW: u32 = 4;

/// What the cluster takes, over all partitions.
#[derive(Debug)]
pub(super) struct Pressure(Mutex<Size>);

#[derive(Debug)]
struct Size {
    documents: usize,
    taken: u32,
}

impl Pressure {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Size {
            documents: MOST,
            taken: 0,
        }))
    }

    /// The most documents that the next bulk shall hold.
    pub(super) fn documents(&self) -> usize {
        self.change(|_| {})
    }

    /// The cluster had too much to do for a bulk, or for some of it.
    pub(super) fn refused(&self) {
        self.change(|size| {
            size.documents = (size.documents / 2).max(LEAST);
            size.taken = 0;
        });
    }

    /// The cluster takes nothing: what asks it again shall be small.
    pub(super) fn closed(&self) {
        self.change(|size| {
            size.documents = LEAST;
            size.taken = 0;
        });
    }

    /// The cluster took a bulk whole.
    pub(super) fn taken(&self) {
        self.change(|size| {
            size.taken += 1;
            if size.taken >= TAKEN_TO_GROW {
                size.documents = (size.documents * 2).min(MOST);
                size.taken = 0;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Size)) -> usize {
        let mut size = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut size);
        gauge!(BULK_DOCUMENTS).set(size.documents as f64);
        size.documents
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulks_shrink_to_a_least_size_and_grow_back() {
        let pressure = Pressure::new();
        assert_eq!(pressure.documents(), MOST);
        pressure.refused();
        assert_eq!(pressure.documents(), MOST / 2);
        for _ in 0..20 {
            pressure.refused();
        }
        assert_eq!(pressure.documents(), LEAST);
        for _ in 0..TAKEN_TO_GROW {
            assert_eq!(pressure.documents(), LEAST);
            pressure.taken();
        }
        assert_eq!(pressure.documents(), 2 * LEAST);
        for _ in 0..100 {
            pressure.taken();
        }
        assert_eq!(pressure.documents(), MOST);
    }

    #[test]
    fn a_refusal_starts_the_count_anew() {
        let pressure = Pressure::new();
        pressure.closed();
        for _ in 0..10 {
            pressure.taken();
            pressure.refused();
        }
        assert_eq!(pressure.documents(), LEAST);
    }
}
