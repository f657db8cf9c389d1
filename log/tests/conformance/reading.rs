//! What reading promises.

use footfall_log::{Bounds, Error};

use super::tools::{append_numbered, number, read};
use super::{Harness, PARTITIONS};

pub fn a_reader_reads_exactly_the_range(harness: &dyn Harness) {
    let producer = harness.producer();
    append_numbered(producer.as_ref(), 1, 0, 9_000);
    append_numbered(producer.as_ref(), 2, 0, 10);
    let mut reader = harness.reader();
    assert_eq!(reader.partitions().expect("partitions"), PARTITIONS);
    let held = reader.bounds(1).expect("bounds");
    assert_eq!(
        held,
        Bounds {
            start: 0,
            end: 9_000
        }
    );
    let empty = reader.bounds(0).expect("bounds");
    assert_eq!(empty, Bounds { start: 0, end: 0 });

    for (from, to) in [
        (0, 9_000),
        (1, 8_999),
        (5_000, 5_001),
        (8_000, 9_000),
        (7, 7),
    ] {
        let numbers: Vec<u64> = read(reader.as_mut(), 1, from, to)
            .iter()
            .map(|kept| number(&kept.value))
            .collect();
        assert_eq!(numbers, (from..to).collect::<Vec<_>>(), "[{from}, {to})");
    }
    assert_eq!(read(reader.as_mut(), 2, 3, 10).len(), 7);
    assert_eq!(read(reader.as_mut(), 1, 9_000, 9_000), []);
    assert_eq!(read(reader.as_mut(), 0, 0, 0), []);
}

pub fn a_reader_stops_when_told(harness: &dyn Harness) {
    append_numbered(harness.producer().as_ref(), 1, 0, 20_000);
    let mut reader = harness.reader();
    let mut batches = 0;
    let mut records = 0;
    reader
        .read(1, 0, 20_000, &mut |batch| {
            batches += 1;
            records += batch.len();
            batches < 2
        })
        .expect("stopping is no error");
    assert_eq!(batches, 2);
    assert!(records < 20_000, "a batch is bounded");
    // What was left unread doesn't come into the next range.
    assert_eq!(read(reader.as_mut(), 1, 5, 10).len(), 5);
}

pub fn a_reader_refuses_a_range_that_is_not_held(harness: &dyn Harness) {
    append_numbered(harness.producer().as_ref(), 1, 0, 10);
    harness.trim(1, 4);
    let mut reader = harness.reader();
    for (from, to, offset) in [(3, 10, 3), (4, 11, 11), (12, 13, 12)] {
        let error = reader
            .read(1, from, to, &mut |_| true)
            .expect_err("the range is not held");
        assert!(
            matches!(error, Error::OutOfRange { partition: 1, offset: named, start: 4, end: 10 } if named == offset),
            "[{from}, {to}): {error:?}"
        );
    }
    assert_eq!(read(reader.as_mut(), 1, 4, 10).len(), 6);
    assert!(
        reader.bounds(PARTITIONS).is_err(),
        "there is no such partition"
    );
}
