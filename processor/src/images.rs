//! Prefix images (I3): what a store held of a partition at an instant, and whether it was fold(log[0..offset)).
//!
//! An image is kept as a digest of its rows, so that many a second can be read for long; they are judged afterwards, in
//! the order of their offsets, by one fold of the log from its start.

use std::collections::HashMap;
use std::hash::Hasher;
use std::sync::Arc;

use pipeline::aggregate::Reader;
use pipeline::definition::{self, Definition};
use pipeline::record::Record;
use pipeline::row::{FrozenRow, Row, RowKey};
use pipeline::state::State;
use siphasher::sip::SipHasher13;

/// The rows of one partition at one offset, as a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Image {
    /// How many rows.
    pub rows: u64,
    /// The wrapping sum of the rows' hashes: rows in any order give the same.
    pub digest: u64,
}

impl Image {
    /// The image of these rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>) -> Self {
        let mut image = Self::default();
        for (key, row) in rows {
            image.add(hash(key, row));
        }
        image
    }

    fn add(&mut self, hash: u64) {
        self.rows += 1;
        self.digest = self.digest.wrapping_add(hash);
    }

    fn remove(&mut self, hash: u64) {
        self.rows -= 1;
        self.digest = self.digest.wrapping_sub(hash);
    }
}

fn hash(key: &RowKey, row: &Row) -> u64 {
    let mut hasher = SipHasher13::new();
    std::hash::Hash::hash(key, &mut hasher);
    hasher.write(&row.encode());
    hasher.finish()
}

/// Folds one partition of the log from its start and knows the image of every prefix it has come to.
pub struct Prefixes {
    state: State,
    /// The hash of every row held.
    held: HashMap<RowKey, u64>,
    image: Image,
}

impl Prefixes {
    /// Of one partition's hot views.
    ///
    /// # Errors
    /// When the definition can't be used.
    pub fn new(definition: Arc<Definition>, partition: u32) -> Result<Self, definition::Error> {
        Ok(Self {
            state: State::with_readers(definition, partition, &[Reader::Hot])?,
            held: HashMap::new(),
            image: Image::default(),
        })
    }

    /// The first offset not folded.
    pub fn next_offset(&self) -> u64 {
        self.state.next_offset()
    }

    /// Folds the next record.
    pub fn take(&mut self, record: Record<'_>) {
        self.state.apply(record);
        self.state.take_letters();
    }

    /// The image of log[0..[`Self::next_offset`]).
    pub fn image(&mut self) -> Image {
        for FrozenRow { key, row, .. } in self.state.take_rows(Reader::Hot) {
            let new = row.map(|row| hash(&key, &row));
            let old = match new {
                Some(hash) => self.held.insert(key, hash),
                None => self.held.remove(&key),
            };
            if let Some(old) = old {
                self.image.remove(old);
            }
            if let Some(new) = new {
                self.image.add(new);
            }
        }
        self.image
    }

    /// The same image from all rows there are: what changes would add up to, had one been missed.
    pub fn whole_image(&mut self) -> Image {
        let rows = self.state.take_all_rows(Reader::Hot);
        Image::of(
            rows.iter()
                .filter_map(|of| Some((&of.key, of.row.as_ref()?))),
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pipeline::record::Headers;
    use prost::Message;
    use schemas::v1::{Event, Kind};

    use super::*;

    const HOUR: i64 = 3_600_000;
    /// 2026-03-10.
    const START: i64 = 1_773_100_800_000;

    fn prefixes() -> Prefixes {
        let definition = Definition {
            partitions: 1,
            hash_key: "0".repeat(32),
            hot_days: Some(3),
            ..Definition::default()
        };
        Prefixes::new(Arc::new(definition), 0).unwrap()
    }

    /// A visit of an hour, appended in it.
    fn visit(prefixes: &mut Prefixes, hour: i64) {
        let event = Event {
            event_id: format!("visit-{hour}"),
            user_id: format!("user-{}", hour % 7),
            kind: Kind::Visit as i32,
            occurred_at_ms: START + hour * HOUR,
            campaign_id: "spring".to_owned(),
            ..Event::default()
        };
        prefixes.take(Record {
            offset: prefixes.next_offset(),
            appended_at: START + hour * HOUR,
            key: event.user_id.as_bytes(),
            value: &event.encode_to_vec(),
            headers: Headers::default(),
        });
    }

    #[test]
    fn what_changes_add_up_to_is_the_image_of_all_rows_also_when_minutes_and_days_leave() {
        let mut prefixes = prefixes();
        let mut rows = Vec::new();
        for hour in 0..200 {
            visit(&mut prefixes, hour);
            let image = prefixes.image();
            assert_eq!(prefixes.whole_image(), image, "after hour {hour}");
            rows.push(image.rows);
        }
        let most = rows.iter().max().unwrap();
        assert!(rows.last().unwrap() < most, "nothing ever left: {rows:?}");
    }

    #[test]
    fn an_image_differs_from_that_of_any_other_prefix() {
        let mut prefixes = prefixes();
        let mut seen = Vec::new();
        for hour in 0..100 {
            visit(&mut prefixes, hour);
            let image = prefixes.image();
            assert!(!seen.contains(&image), "hour {hour}");
            seen.push(image);
        }
    }
}
