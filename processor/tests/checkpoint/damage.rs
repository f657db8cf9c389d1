//! A damaged file is refused with a sentence that says what to do; it is never used silently.

use std::fs;
use std::path::{Path, PathBuf};

use processor::checkpoint::{Checkpoint, Error, Restored};

use crate::partition::{Worker, check, definition, load, log, open};
use crate::random::Random;
use crate::seed;

const STEP: usize = 50;
const RECORDS: usize = 400;
/// Bytes flipped, unless FOOTFALL_TEST_CASES says how many.
const CASES: usize = 1_000;

/// A whole file, without a write-ahead log.
fn written(log: &[(i64, log::NewRecord)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut file = open(folder.path()).unwrap();
    let mut worker = Worker::empty();
    for to in (STEP..=RECORDS).step_by(STEP) {
        worker.fold(log, to);
        worker.write(&mut file).unwrap();
    }
    drop(file);
    fs::read(path(folder.path())).unwrap()
}

fn path(folder: &Path) -> PathBuf {
    Checkpoint::path(folder, &definition(), 0)
}

/// What a worker would start from.
fn restored(bytes: &[u8]) -> Result<Restored, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = path(folder.path());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    let file = open(folder.path())?;
    file.position()?;
    load(&file)
}

fn is_refused(error: &Error, what: &str) {
    assert!(matches!(error, Error::Damaged { .. }), "{what}: {error}");
    let sentence = error.to_string();
    assert!(
        sentence.contains("0000.sqlite") && sentence.contains("move the file away"),
        "{what}: {sentence}"
    );
}

#[test]
fn a_byte_flipped_anywhere_is_found_or_means_nothing() {
    let log = log(seed(), RECORDS, 40);
    let whole = written(&log);
    check(&restored(&whole).unwrap(), &log, STEP);
    let mut random = Random::new(seed());
    let cases = std::env::var("FOOTFALL_TEST_CASES").map_or(CASES, |cases| cases.parse().unwrap());
    let mut refused = 0;
    for case in 0..cases {
        // The first page says what the rest is: a tenth of the flips go there.
        let end = if case % 10 == 0 { 4_096 } else { whole.len() };
        let place = random.below(end as u64) as usize;
        let bit = random.below(8);
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << bit;
        match restored(&bytes) {
            Ok(restored) => {
                let to = check(&restored, &log, STEP);
                assert_eq!(to, RECORDS as u64, "byte {place}, bit {bit}");
            }
            Err(error) => {
                is_refused(&error, &format!("byte {place}, bit {bit}"));
                refused += 1;
            }
        }
    }
    println!(
        "{refused} of {cases} flips in {} bytes refused",
        whole.len()
    );
    assert!(refused > cases / 4, "only {refused} of {cases}");
}

#[test]
fn a_file_cut_short_is_refused() {
    let log = log(seed(), RECORDS, 40);
    let whole = written(&log);
    let mut random = Random::new(seed());
    let mut lengths: Vec<_> = (0..60)
        .map(|_| 1 + random.below(whole.len() as u64 - 1))
        .collect();
    lengths.extend((1..whole.len() as u64 / 4_096).map(|pages| pages * 4_096));
    for length in lengths {
        let what = format!("{length} of {} bytes", whole.len());
        match restored(&whole[..length as usize]) {
            Ok(_) => panic!("{what} were used"),
            Err(error) => is_refused(&error, &what),
        }
    }
}

#[test]
fn a_file_of_something_else_is_refused() {
    is_refused(&restored(&[b'x'; 5_000]).err().unwrap(), "text");
    let other = tempfile::tempdir().unwrap();
    let path = other.path().join("other.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("CREATE TABLE other (id INTEGER)")
        .unwrap();
    drop(connection);
    is_refused(
        &restored(&fs::read(path).unwrap()).err().unwrap(),
        "a database",
    );
}

#[test]
fn a_row_taken_out_or_put_in_is_found() {
    let log = log(seed(), RECORDS, 40);
    let whole = written(&log);
    for change in [
        "DELETE FROM names WHERE id = (SELECT max(id) FROM names)",
        "UPDATE names SET activity = 'x' WHERE id = 1",
        "UPDATE names SET id = -id",
        "DELETE FROM rows WHERE id = (SELECT min(id) FROM rows)",
        "UPDATE rows SET changed_at = changed_at + 1 WHERE id = (SELECT min(id) FROM rows)",
        "DELETE FROM users WHERE seq = (SELECT max(seq) FROM users)",
        "UPDATE users SET shard = (shard + 1) % 64 WHERE seq = (SELECT max(seq) FROM users)",
        "UPDATE users SET seq = 1000000 - seq",
        "DELETE FROM ids WHERE seq = (SELECT max(seq) FROM ids)",
        "UPDATE ids SET slot = slot - 1",
        "DELETE FROM outbox",
        "UPDATE outbox SET reason = 'late'",
        "UPDATE outbox SET value = x'00'",
        "UPDATE head SET last = NULL",
        "UPDATE head SET head = replace(head, 'removed_before\":', 'removed_before\":1')",
        "DELETE FROM head",
        "DROP TABLE head",
        "DROP TABLE outbox",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = 2",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changed");
        fs::write(&path, &whole).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        match restored(&fs::read(path).unwrap()) {
            Ok(_) => panic!("{change}: it was used"),
            Err(error) => is_refused(&error, change),
        }
    }
}
