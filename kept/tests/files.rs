//! What is read back is what was kept, or an error that says why not.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use kept::{Error, Files};
use pipeline::admission::Admission;
use pipeline::record::{Headers, Record};

/// A fold of so many records.
fn folded(records: u64) -> Admission {
    let mut fold = Admission::new(1, 3);
    for offset in 0..records {
        fold.fold(&Record {
            offset,
            appended_at: 1_795_323_600_000,
            key: b"raffle",
            value: b"nothing of use",
            headers: Headers::default(),
        });
    }
    fold
}

#[test]
fn the_last_fold_that_was_kept_is_read_back_and_only_its_owner_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path(), 1, 3);
    assert!(files.read(1).unwrap().is_none());
    for records in [2, 5] {
        let kept = folded(records);
        let bytes = files.keep(&kept).unwrap();
        assert_eq!(bytes, files.path(1).metadata().unwrap().len());
        let read = files.read(1).unwrap().unwrap();
        assert_eq!(
            (read.next_offset(), read.digest()),
            (records, kept.digest())
        );
    }
    assert!(Files::new(folder.path(), 2, 3).read(1).unwrap().is_none());
    let mode = files.folder().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(fs::read_dir(files.folder()).unwrap().count(), 1);
}

#[test]
fn a_file_that_is_cut_changed_or_of_another_topic_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path(), 1, 3);
    files.keep(&folded(4)).unwrap();
    let whole = fs::read(files.path(1)).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    for bytes in [&whole[..whole.len() - 1], &changed, b"", b"another file"] {
        fs::write(files.path(1), bytes).unwrap();
        let error = files.read(1).unwrap_err();
        assert!(matches!(error, Error::Unusable { .. }), "{error}");
    }
    fs::write(files.path(1), &whole).unwrap();
    fs::copy(files.path(1), files.path(2)).unwrap();
    assert!(files.read(1).is_ok());
    assert!(files.read(2).is_err(), "of partition 1");
    assert!(Files::new(folder.path(), 1, 4).read(1).is_err(), "of 3");
}

#[test]
fn what_a_killed_writer_left_is_removed_when_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path(), 1, 3);
    files.keep(&folded(1)).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(7_200);
    let [old, new] = ["old", "new"].map(|name| files.folder().join(format!("0001.{name}")));
    for path in [&old, &new, &files.path(1)] {
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        if path != &new {
            file.set_modified(long_ago).unwrap();
        }
    }
    let again = Files::new(folder.path(), 1, 3);
    assert!(!old.exists());
    assert!(new.exists(), "somebody may be writing it");
    assert!(again.read(1).unwrap().is_some());
}
