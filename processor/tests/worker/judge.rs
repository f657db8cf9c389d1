//! What a store must hold: the log, read again and folded from its start.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use pipeline::row::{Facet, FrozenRow, NamedCells, RowKey, add_row};
use pipeline::state::State;

/// A store's rows: the offset of the last change and the bytes of each.
pub type Image = BTreeMap<RowKey, (u64, Vec<u8>)>;

/// Folds of the log's prefixes.
pub struct Judge {
    definition: Arc<Definition>,
    log: Box<dyn log::Reader>,
    /// By partition, and whether for the hot views.
    walkers: BTreeMap<(u32, bool), State>,
    images: BTreeMap<(u32, bool, u64), Arc<Image>>,
}

/// Whether a store of that reader holds such rows: nothing tells the history of minutes that leave.
pub fn holds(reader: Reader, key: &RowKey) -> bool {
    reader == Reader::Hot || key.facet != Facet::Minutes
}

/// A row as an image holds it.
pub fn bytes(row: &FrozenRow) -> Option<(u64, Vec<u8>)> {
    Some((row.changed_at, row.row.as_ref()?.encode()))
}

impl Judge {
    pub fn new(definition: Arc<Definition>, log: Box<dyn log::Reader>) -> Self {
        Self {
            definition,
            log,
            walkers: BTreeMap::new(),
            images: BTreeMap::new(),
        }
    }

    /// One past the last record of a partition.
    pub fn end(&mut self, partition: u32) -> u64 {
        self.log.bounds(partition).unwrap().end
    }

    /// What a store of that reader holds of log[0..to).
    pub fn image(&mut self, reader: Reader, partition: u32, to: u64) -> Arc<Image> {
        let key = (partition, reader == Reader::Hot);
        if let Some(image) = self.images.get(&(key.0, key.1, to)) {
            return image.clone();
        }
        let walker = self.walkers.remove(&key).filter(|s| s.next_offset() <= to);
        let mut state = walker.unwrap_or_else(|| self.empty(partition, &[reader]));
        fold(self.log.as_mut(), &mut state, to);
        let rows = state.take_all_rows(reader);
        let held = rows.iter().filter(|row| holds(reader, &row.key));
        let image: Image = held
            .filter_map(|row| Some((row.key.clone(), bytes(row)?)))
            .collect();
        self.walkers.insert(key, state);
        let image = Arc::new(image);
        self.images.insert((key.0, key.1, to), image.clone());
        image
    }

    fn empty(&self, partition: u32, readers: &[Reader]) -> State {
        State::with_readers(self.definition.clone(), partition, readers).unwrap()
    }

    /// The fold of a whole partition.
    pub fn whole(&mut self, partition: u32) -> State {
        let end = self.end(partition);
        let mut state = self.empty(partition, &[]);
        fold(self.log.as_mut(), &mut state, end);
        state
    }

    /// The view of all partitions, added up by name.
    pub fn cells(&mut self) -> NamedCells {
        let mut cells = NamedCells::new();
        for partition in 0..self.definition.partitions {
            for frozen in self.whole(partition).all_rows() {
                add_row(&mut cells, &frozen.key, &frozen.row.unwrap());
            }
        }
        cells
    }
}

fn fold(log: &mut dyn log::Reader, state: &mut State, to: u64) {
    let from = state.next_offset();
    log.read(state.partition(), from, to, &mut |batch| {
        for record in batch.records() {
            state.apply(record);
        }
        true
    })
    .unwrap();
}
