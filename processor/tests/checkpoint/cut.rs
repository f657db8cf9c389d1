//! A write-ahead log cut anywhere, as by a crash while it grew, leaves an earlier checkpoint.

use std::fs;
use std::path::Path;

use processor::checkpoint::Checkpoint;

use crate::partition::{Worker, check, definition, load, log, open};
use crate::random::Random;
use crate::seed;

const STEP: usize = 60;
const CHECKPOINTS: usize = 8;
/// Bytes of a frame: a page and its header.
const FRAME: usize = 4_096 + 24;

/// Opens a copy of the file with this much of its write-ahead log; the offset it holds, checked.
fn opened(db: &[u8], wal: &[u8], log: &[(i64, log::NewRecord)]) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let path = Checkpoint::path(folder.path(), &definition(), 0);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, db).unwrap();
    fs::write(wal_of(&path), wal).unwrap();
    check(&load(&open(folder.path()).unwrap()).unwrap(), log, STEP)
}

fn wal_of(path: &Path) -> std::path::PathBuf {
    path.with_extension("sqlite-wal")
}

#[test]
fn a_write_ahead_log_cut_anywhere_leaves_a_checkpoint_before() {
    let mut random = Random::new(seed());
    let log = log(seed(), STEP * CHECKPOINTS, 60);
    let folder = tempfile::tempdir().unwrap();
    let mut file = open(folder.path()).unwrap();
    let mut worker = Worker::empty();
    for number in 1..=CHECKPOINTS {
        worker.fold(&log, number * STEP);
        worker.write(&mut file).unwrap();
    }
    let path = Checkpoint::path(folder.path(), &definition(), 0);
    // Still open: nothing was moved from the one into the other.
    let (db, wal) = (fs::read(&path).unwrap(), fs::read(wal_of(&path)).unwrap());
    let frames = wal.len() / FRAME;
    assert!(frames > 2 * CHECKPOINTS, "only {frames} frames");
    let mut lengths: Vec<_> = (0..60)
        .map(|_| random.below(wal.len() as u64) as usize)
        .collect();
    lengths.extend((0..60).map(|_| 32 + FRAME * random.below(frames as u64) as usize));
    lengths.extend([0, 1, 31, 32, wal.len()]);
    lengths.sort_unstable();
    let mut found = Vec::new();
    for length in lengths {
        let offset = opened(&db, &wal[..length], &log);
        assert!(
            found.last().is_none_or(|last| *last <= offset),
            "{length} bytes"
        );
        found.push(offset);
    }
    assert_eq!(found.first(), Some(&0));
    assert_eq!(found.last(), Some(&((STEP * CHECKPOINTS) as u64)));
    found.dedup();
    assert!(found.len() > CHECKPOINTS / 2, "only {found:?} were seen");
    // A frame damaged in the middle ends the log there.
    for _ in 0..20 {
        let mut wal = wal.clone();
        let place = 32 + random.below(wal.len() as u64 - 32) as usize;
        wal[place] ^= 0x10;
        opened(&db, &wal, &log);
    }
}
