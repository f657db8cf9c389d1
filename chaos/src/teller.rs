//! An emitter, a step at a time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use log::Producer;
use processor::emitter::{Loop, Settings};

use crate::topic::{Follower, Topic};

/// Tells the events topic of admissions.
pub struct Teller {
    looped: Loop,
    entries: Topic,
}

impl Teller {
    /// Keeps positions in a folder, after each step or never, and gets so many records a poll.
    pub fn new(
        folder: &Path,
        entries: Topic,
        events: Arc<dyn Producer>,
        keeps: bool,
        most: u64,
    ) -> Self {
        let settings = Settings {
            partitions: entries.partitions(),
            generation: 1,
            folder: folder.to_owned(),
            keep_every: if keeps { Duration::ZERO } else { Duration::MAX },
        };
        let topic = entries.clone();
        let join = |positions| Ok(Box::new(Follower::new(topic, positions, most)) as Box<_>);
        let looped = Loop::new(settings, events, join).unwrap();
        Self { looped, entries }
    }

    /// One step.
    pub fn step(&mut self) {
        self.looped.step().unwrap();
    }

    /// Whether everything in the log is told.
    pub fn is_done(&self) -> bool {
        let positions = self.looped.progress();
        (0..self.entries.partitions()).all(|partition| {
            let position = positions.get(&partition).map(|of| of.position);
            position == Some(self.entries.end(partition))
        })
    }
}
