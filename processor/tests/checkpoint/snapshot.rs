//! A snapshot comes from a store that others write: whatever was changed in it, no wrong state is taken from it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use log::NewRecord;
use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use processor::checkpoint::Restored;
use processor::snapshots::{Error, Name, image};

use crate::partition::{Worker, check, definition, log, open};
use crate::seed;

const STEP: usize = 40;
const RECORDS: usize = 80;
const NAME: Name = Name {
    partition: 0,
    offset: RECORDS as u64,
};
/// Of the bytes, and of the lengths, every so many are tried, unless FOOTFALL_TEST_EVERY says 1. A prime: over the pages
/// of a file every place within a page has its turn.
const EVERY: usize = 47;
const PAGE: usize = 4_096;

fn every() -> usize {
    std::env::var("FOOTFALL_TEST_EVERY").map_or(EVERY, |every| every.parse().unwrap())
}

/// A snapshot, as it is put into a store.
fn taken(log: &[(i64, NewRecord)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut file = open(folder.path()).unwrap();
    let mut worker = Worker::empty();
    for to in (STEP..=RECORDS).step_by(STEP) {
        worker.fold(log, to);
        worker.write(&mut file).unwrap();
    }
    let copy = folder.path().join("copy");
    image::copy(file.file(), &copy, &definition(), 0).unwrap();
    fs::read(copy).unwrap()
}

/// What a processor would go on from.
fn restored(path: &Path, definition: &Arc<Definition>) -> Result<Restored, Error> {
    let readers = [Reader::Checkpoint];
    image::check_named(path, definition, NAME, &readers).map(|(_, restored)| restored)
}

/// Tries each of the changed copies; whatever is not refused is the fold of the whole log. How many were refused.
fn try_all(
    log: &[(i64, NewRecord)],
    copies: impl Iterator<Item = (String, Vec<u8>)>,
) -> [usize; 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fetched");
    let (mut refused, mut cases) = (0, 0);
    for (what, bytes) in copies {
        fs::write(&path, bytes).unwrap();
        match restored(&path, &definition()) {
            Ok(restored) => assert_eq!(check(&restored, log, STEP), NAME.offset, "{what}"),
            Err(Error::Checkpoint(_) | Error::Foreign { .. }) => refused += 1,
            Err(error) => panic!("{what}: not refused as what it is: {error}"),
        }
        cases += 1;
        // SQLite may have made files beside it.
        for ending in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(path.with_file_name(format!("fetched{ending}")));
        }
    }
    [refused, cases]
}

#[test]
fn a_snapshot_with_a_byte_changed_is_refused_or_the_byte_means_nothing() {
    let log = log(seed(), RECORDS, 10);
    let whole = taken(&log);
    let changed = (0..whole.len()).step_by(every()).map(|place| {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        (format!("byte {place}"), bytes)
    });
    let [refused, cases] = try_all(&log, changed);
    println!(
        "{refused} of {cases} flips in {} bytes refused",
        whole.len()
    );
    assert!(refused > cases / 10, "only {refused} of {cases}");
}

#[test]
fn a_snapshot_cut_short_anywhere_is_refused() {
    let log = log(seed(), RECORDS, 10);
    let whole = taken(&log);
    let pages = (0..whole.len()).step_by(PAGE);
    let lengths = (0..whole.len()).step_by(every()).chain(pages);
    let cut = lengths.map(|length| (format!("{length} bytes"), whole[..length].to_vec()));
    let [refused, cases] = try_all(&log, cut);
    println!("{refused} of {cases} lengths below {} refused", whole.len());
    assert_eq!(refused, cases);
}

#[test]
fn a_snapshot_of_any_other_definition_partition_or_offset_is_foreign() {
    let log = log(seed(), RECORDS, 10);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fetched");
    fs::write(&path, taken(&log)).unwrap();
    restored(&path, &definition()).unwrap();
    type Change = fn(&mut Definition);
    let changes: [(&str, Change); 7] = [
        ("hash key", |of| of.hash_key = "ff".repeat(16)),
        ("partitions", |of| of.partitions = 2),
        ("time zone", |of| of.time_zone = "Europe/Berlin".to_owned()),
        ("dedup window", |of| of.dedup_slot_ms += 1),
        ("lateness", |of| of.lateness_ms = Some(1)),
        ("days", |of| of.hot_days = None),
        ("names", |of| of.limits.names -= 1),
    ];
    for (what, change) in changes {
        let mut other = (*definition()).clone();
        change(&mut other);
        let error = restored(&path, &Arc::new(other)).err().expect(what);
        assert!(matches!(error, Error::Foreign { .. }), "{what}: {error}");
    }
    for (partition, offset) in [(1, NAME.offset), (0, NAME.offset + 1), (0, 0)] {
        let name = Name { partition, offset };
        let error = image::check_named(&path, &definition(), name, &[]).err();
        assert!(
            matches!(error, Some(Error::Foreign { .. })),
            "{name:?}: {error:?}"
        );
    }
}
