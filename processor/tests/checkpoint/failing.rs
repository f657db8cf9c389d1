//! A checkpoint in which a statement fails is not written at all, and can be written again.

use processor::checkpoint::Error;
use rusqlite::Connection;

use crate::partition::{Worker, check, definition, load, log, open};
use crate::seed;

/// What SQLite is told to refuse: each kind of statement a checkpoint makes, at its first row and later.
const REFUSED: [&str; 13] = [
    "BEFORE INSERT ON names",
    "AFTER INSERT ON names WHEN NEW.id % 5 = 0",
    "BEFORE INSERT ON rows",
    "AFTER INSERT ON rows WHEN NEW.id % 7 = 0",
    "BEFORE INSERT ON users",
    "AFTER INSERT ON users WHEN NEW.shard > 40",
    "BEFORE INSERT ON ids",
    "BEFORE DELETE ON ids",
    "BEFORE INSERT ON outbox",
    "AFTER DELETE ON outbox",
    "BEFORE INSERT ON head",
    "AFTER INSERT ON head",
    // Minutes leave after 48 hours of log time.
    "BEFORE DELETE ON rows",
];
const STEP: usize = 40;

#[test]
fn a_checkpoint_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(seed(), STEP * 2 * REFUSED.len(), 50);
    let mut file = open(folder.path()).unwrap();
    let saboteur = {
        let path = processor::checkpoint::Checkpoint::path(folder.path(), &definition(), 0);
        Connection::open(path).unwrap()
    };
    let mut worker = Worker::empty();
    let mut failed = 0;
    for (number, what) in REFUSED.into_iter().enumerate() {
        let before = number * 2 * STEP;
        let trigger =
            format!("CREATE TRIGGER refuse {what} BEGIN SELECT RAISE(ABORT, 'refused'); END");
        saboteur.execute_batch(&trigger).unwrap();
        worker.fold(&log, before + STEP);
        let change = worker.state.take_change_set();
        let outcome = file.write(&change, worker.last, &worker.outbox);
        saboteur.execute_batch("DROP TRIGGER refuse").unwrap();
        if let Err(error) = outcome {
            assert!(matches!(error, Error::Sqlite(..)), "{what}: {error}");
            failed += 1;
            let restored = load(&file).unwrap();
            assert_eq!(check(&restored, &log, STEP), before as u64, "{what}");
            file.write(&change, worker.last, &worker.outbox).unwrap();
        }
        let restored = load(&file).unwrap();
        assert_eq!(
            check(&restored, &log, STEP),
            (before + STEP) as u64,
            "{what}"
        );
        worker.fold(&log, before + 2 * STEP);
        worker.write(&mut file).unwrap();
    }
    // A checkpoint need not make each kind of statement, but most do.
    assert!(failed >= REFUSED.len() - 3, "only {failed} failed");
}
