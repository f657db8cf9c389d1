//! Requests that wait for the log, by partition, and whose turn it is.
//!
//! Of a partition one call is under way at a time, and takes with it all that has come meanwhile. librdkafka would batch by
//! itself, but its idempotent producer has at most five records of a partition under way in several requests, and spins until
//! it may send the others.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Where requests of type `T` wait.
pub(crate) struct Lanes<T> {
    all: Vec<Mutex<Lane<T>>>,
    /// Lanes of which something waits and nothing is under way: each is in it once at most.
    ready: Sender<usize>,
}

struct Lane<T> {
    waiting: VecDeque<T>,
    is_under_way: bool,
}

/// A call of a lane: when the last copy of it is dropped, the next has its turn.
pub(crate) struct Turn<T> {
    lanes: Arc<Lanes<T>>,
    lane: usize,
}

impl<T> Lanes<T> {
    /// So many, and where their numbers come when it is their turn. That ends with the lanes.
    pub(crate) fn new(count: usize) -> (Arc<Self>, Receiver<usize>) {
        let (ready, turns) = bounded(count);
        let lane = || {
            Mutex::new(Lane {
                waiting: VecDeque::new(),
                is_under_way: false,
            })
        };
        let all = (0..count).map(|_| lane()).collect();
        (Arc::new(Self { all, ready }), turns)
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// Waits in a lane; `false`: nobody takes anything any more.
    pub(crate) fn wait(&self, lane: usize, request: T) -> bool {
        let mut state = self.lane(lane);
        state.waiting.push_back(request);
        if state.is_under_way {
            return true;
        }
        state.is_under_way = true;
        self.ready.try_send(lane).is_ok()
    }

    /// What waits in a lane whose turn it is, at least one, as long as `has_room` for it.
    pub(crate) fn take(
        self: &Arc<Self>,
        lane: usize,
        mut has_room: impl FnMut(&T) -> bool,
    ) -> (Vec<T>, Arc<Turn<T>>) {
        let mut state = self.lane(lane);
        let mut taken = Vec::new();
        while let Some(next) = state.waiting.front() {
            if !has_room(next) && !taken.is_empty() {
                break;
            }
            taken.extend(state.waiting.pop_front());
        }
        drop(state);
        let lanes = Arc::clone(self);
        (taken, Arc::new(Turn { lanes, lane }))
    }

    fn lane(&self, lane: usize) -> MutexGuard<'_, Lane<T>> {
        self.all[lane]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        let mut state = self.lanes.lane(self.lane);
        state.is_under_way = !state.waiting.is_empty();
        if state.is_under_way {
            // It has a place for each lane; without anyone who takes them, nobody waits for long.
            let _ = self.lanes.ready.try_send(self.lane);
        }
    }
}
