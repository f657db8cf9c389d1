//! Records of one partition, copied once into one buffer: no allocation a record.

use std::ops::Range;

use pipeline::record::{Headers, Record};

/// Records a batch holds at most: enough that what is done once a batch costs little a record.
pub const BATCH_RECORDS: usize = 4_096;

/// Bytes after which a batch takes no further record, so that it holds at most these and one record.
pub const BATCH_BYTES: usize = 4 << 20;

/// Consecutive records of one partition. Offsets rise; they may have gaps.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The partition.
    pub partition: u32,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    offset: u64,
    appended_at: i64,
    /// Ends of key, value and headers in `bytes`; each starts where the one before ends.
    start: usize,
    key_end: usize,
    value_end: usize,
    end: usize,
}

impl Batch {
    /// How many records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// One past the last record's offset; `None` when empty.
    pub fn next_offset(&self) -> Option<u64> {
        self.entries.last().map(|entry| entry.offset + 1)
    }

    /// The records in order.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.entries.iter().map(|entry| Record {
            offset: entry.offset,
            appended_at: entry.appended_at,
            key: self.slice(entry.start..entry.key_end),
            value: self.slice(entry.key_end..entry.value_end),
            headers: Headers(self.slice(entry.value_end..entry.end)),
        })
    }

    fn slice(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }
}

/// Fills a [`Batch`].
#[derive(Debug, Default)]
pub struct BatchBuilder {
    batch: Batch,
}

impl BatchBuilder {
    /// An empty batch of `partition`.
    pub fn new(partition: u32) -> Self {
        Self {
            batch: Batch {
                partition,
                ..Batch::default()
            },
        }
    }

    /// Copies a record in; `headers` pushes packed headers onto the buffer it is given.
    pub fn push(
        &mut self,
        offset: u64,
        appended_at: i64,
        key: &[u8],
        value: &[u8],
        headers: impl FnOnce(&mut Vec<u8>),
    ) {
        let bytes = &mut self.batch.bytes;
        let start = bytes.len();
        bytes.extend_from_slice(key);
        let key_end = bytes.len();
        bytes.extend_from_slice(value);
        let value_end = bytes.len();
        headers(bytes);
        let end = bytes.len();
        self.batch.entries.push(Entry {
            offset,
            appended_at,
            start,
            key_end,
            value_end,
            end,
        });
    }

    /// Records so far.
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Whether it holds as much as a batch may: [`BATCH_RECORDS`] or [`BATCH_BYTES`].
    pub fn is_full(&self) -> bool {
        self.batch.len() >= BATCH_RECORDS || self.batch.bytes() >= BATCH_BYTES
    }

    /// The batch.
    pub fn build(self) -> Batch {
        self.batch
    }

    /// The batch, and begins the partition's next with room for as much: it need not grow step by step.
    pub fn take(&mut self) -> Batch {
        let next = Batch {
            partition: self.batch.partition,
            bytes: Vec::with_capacity(self.batch.bytes.len()),
            entries: Vec::with_capacity(self.batch.entries.len()),
        };
        std::mem::replace(&mut self.batch, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were_pushed() {
        let mut builder = BatchBuilder::new(3);
        builder.push(5, 100, b"key", b"value", |packed| {
            Headers::push(packed, "name", b"header");
        });
        builder.push(6, 100, b"", b"", |_| ());
        builder.push(9, 101, b"k", b"", |packed| Headers::push(packed, "", b""));
        let batch = builder.build();

        assert_eq!((batch.partition, batch.len()), (3, 3));
        assert_eq!(batch.next_offset(), Some(10));
        let records: Vec<Record<'_>> = batch.records().collect();
        let fields: Vec<_> = records
            .iter()
            .map(|record| (record.offset, record.appended_at, record.key, record.value))
            .collect();
        assert_eq!(
            fields,
            [
                (5, 100, &b"key"[..], &b"value"[..]),
                (6, 100, b"", b""),
                (9, 101, b"k", b""),
            ]
        );
        assert_eq!(records[0].headers.get("name"), Some(&b"header"[..]));
        assert_eq!(records[1].headers.iter().count(), 0);
        assert_eq!(records[2].headers.iter().count(), 1);
    }

    #[test]
    fn an_empty_batch_has_no_next_offset() {
        let batch = BatchBuilder::new(0).build();
        assert!(batch.is_empty());
        assert_eq!(batch.next_offset(), None);
        assert_eq!(batch.bytes(), 0);
    }

    #[test]
    fn a_batch_is_full_by_records_or_by_bytes() {
        let mut by_records = BatchBuilder::new(0);
        for offset in 0..BATCH_RECORDS as u64 {
            assert!(!by_records.is_full());
            by_records.push(offset, 0, b"", b"", |_| ());
        }
        assert!(by_records.is_full());

        let mut by_bytes = BatchBuilder::new(0);
        by_bytes.push(0, 0, b"", &vec![0; BATCH_BYTES - 1], |_| ());
        assert!(!by_bytes.is_full());
        by_bytes.push(1, 0, b"k", b"", |_| ());
        assert!(by_bytes.is_full());
    }
}
