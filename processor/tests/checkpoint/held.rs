//! A file has one owner.

use processor::checkpoint::{Checkpoint, Error};

use crate::killed::{self, Child};
use crate::partition::{Worker, definition, load, log, open};

#[test]
fn a_second_open_is_refused_while_the_file_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let file = open(folder.path()).unwrap();
    for _ in 0..2 {
        let error = open(folder.path()).err().expect("it was opened twice");
        assert!(matches!(error, Error::Held(_)), "{error}");
        assert!(error.to_string().contains("another process"), "{error}");
    }
    // Another partition is another file.
    Checkpoint::open(folder.path(), &definition(), 1).unwrap();
    drop(file);
    open(folder.path()).unwrap();
}

#[test]
fn another_process_is_kept_out_until_the_owner_dies() {
    let folder = tempfile::tempdir().unwrap();
    let child = Child::start(folder.path());
    killed::wait_for(|| folder.path().join("started").exists());
    let error = open(folder.path()).err().expect("it was opened twice");
    assert!(matches!(error, Error::Held(_)), "{error}");
    child.kill();
    open(folder.path()).unwrap();
}

#[test]
fn a_file_that_does_not_exist_is_not_made_by_looking_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let look = || Checkpoint::open_existing(folder.path(), &definition(), 0).unwrap();
    assert!(look().is_none());
    assert!(!Checkpoint::path(folder.path(), &definition(), 0).exists());
    let mut file = open(folder.path()).unwrap();
    assert_eq!(file.position().unwrap(), None);
    let mut worker = Worker::empty();
    worker.fold(&log(1, 10, 5), 10);
    worker.write(&mut file).unwrap();
    drop(file);
    let file = look().expect("it exists");
    assert_eq!(file.position().unwrap(), Some((10, worker.last)));
    assert_eq!(load(&file).unwrap().state.next_offset(), 10);
}
