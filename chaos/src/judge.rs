//! What every store must hold: the topic folded from its start, apart from all processors.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use pipeline::row::{Facet, NamedCells};
use pipeline::state::State;
use processor::verify::{Oracle, View, compare};

use crate::redis::Image;
use crate::topic::Topic;

/// Folds of the log's prefixes.
pub struct Judge {
    definition: Arc<Definition>,
    events: Topic,
    walkers: BTreeMap<u32, State>,
    images: BTreeMap<(u32, u64), Arc<Image>>,
}

impl Judge {
    /// Of that topic.
    pub fn new(definition: Arc<Definition>, events: Topic) -> Self {
        Self {
            definition,
            events,
            walkers: BTreeMap::new(),
            images: BTreeMap::new(),
        }
    }

    /// What Redis holds of log[0..to).
    pub fn image(&mut self, partition: u32, to: u64) -> Arc<Image> {
        if let Some(image) = self.images.get(&(partition, to)) {
            return image.clone();
        }
        let walker = self.walkers.remove(&partition);
        let mut state = walker
            .filter(|state| state.next_offset() <= to)
            .unwrap_or_else(|| self.empty(partition, &[Reader::Hot]));
        self.fold(&mut state, to);
        let image = Arc::new(views::redis::image(&state.take_all_rows(Reader::Hot)));
        self.walkers.insert(partition, state);
        self.images.insert((partition, to), image.clone());
        image
    }

    /// The digest of the fold of log[0..to).
    pub fn digest(&self, partition: u32, to: u64) -> u64 {
        let mut state = self.empty(partition, &[]);
        self.fold(&mut state, to);
        state.digest()
    }

    /// The fold of a whole partition, with all rows for the history.
    pub fn whole(&self, partition: u32) -> State {
        let mut state = self.empty(partition, &[Reader::History]);
        self.fold(&mut state, self.events.end(partition));
        state
    }

    fn empty(&self, partition: u32, readers: &[Reader]) -> State {
        State::with_readers(self.definition.clone(), partition, readers).unwrap()
    }

    fn fold(&self, state: &mut State, to: u64) {
        let (partition, from) = (state.partition(), state.next_offset());
        self.events.each(partition, from, to, |record| {
            state.apply(record);
        });
    }

    /// What an independent fold of the whole log, written a second time, finds otherwise than the fold and than these
    /// cells of Redis.
    pub fn differences(&self, wholes: &[State], mut found: NamedCells) -> Vec<String> {
        let (mut view, mut differences) = (View::default(), Vec::new());
        for whole in wholes {
            let partition = whole.partition();
            let mut oracle = Oracle::new(&self.definition, partition).unwrap();
            self.events
                .each(partition, 0, self.events.end(partition), |record| {
                    oracle.take(record).unwrap();
                });
            let (tally, expected) = (whole.tally(), oracle.tallies());
            let of_fold = (
                tally.applied,
                tally.duplicate,
                tally.late,
                tally.all_dead_lettered(),
            );
            let dead_lettered = expected.dead_lettered.values().sum::<u64>();
            let of_oracle = (
                expected.applied,
                expected.duplicate,
                expected.late,
                dead_lettered,
            );
            if of_fold != of_oracle {
                differences.push(format!(
                    "partition {partition}: applied, duplicate, late and dead-lettered are {of_fold:?}, not {of_oracle:?}"
                ));
            }
            view.add(oracle.hot_view().unwrap());
        }
        found.retain(|cell, _| cell.facet != Facet::Minutes.as_str());
        let cells = compare(&view.cells, &found);
        differences.extend(cells.listed.iter().map(ToString::to_string));
        differences
    }
}
