//! What following promises: every record to each follower, from where it says, without a group.

use std::sync::mpsc;
use std::time::Instant;

use footfall_log::{Bounds, Error};

use super::tools::{CAP, Delivered, POLL, Starts, append_numbered};
use super::{Harness, PARTITIONS};

const ALL: usize = 10 * PARTITIONS as usize;

fn append_ten_each(harness: &dyn Harness, first: u64) {
    let producer = harness.producer();
    for partition in 0..PARTITIONS {
        append_numbered(producer.as_ref(), partition, first, 10);
    }
}

pub fn each_of_several_followers_reads_everything_beside_a_consumer(harness: &dyn Harness) {
    append_ten_each(harness, 0);
    let mut all = [
        harness.consumer(Starts::zero()),
        harness.follower(Starts::zero()),
        harness.follower(Starts::zero()),
        harness.follower(Starts::zero()),
    ];
    let mut delivered = [(); 4].map(|()| Delivered::default());
    for (consumer, delivered) in all.iter_mut().zip(&mut delivered) {
        delivered.poll_until(consumer.as_mut(), |so_far| so_far.records.len() >= ALL);
    }
    append_ten_each(harness, 10);
    for (consumer, delivered) in all.iter_mut().zip(&mut delivered) {
        delivered.poll_until(consumer.as_mut(), |so_far| so_far.records.len() >= 2 * ALL);
        delivered.poll(consumer.as_mut(), POLL);
        delivered.assigned.sort_unstable();
        assert_eq!(delivered.assigned, (0..PARTITIONS).collect::<Vec<_>>());
        for partition in 0..PARTITIONS {
            assert_eq!(delivered.numbers(partition), (0..20).collect::<Vec<_>>());
        }
    }
    all.into_iter().for_each(footfall_log::Consumer::leave);
}

pub fn a_follower_starts_where_the_positions_say_and_goes_on(harness: &dyn Harness) {
    append_ten_each(harness, 0);
    // What another one has read is nobody's business.
    for start in [4, 10, 0] {
        let mut follower = harness.follower(Starts::at(1, Ok(start)));
        let mut delivered = Delivered::default();
        let expected = ALL - start as usize;
        delivered.poll_until(follower.as_mut(), |so_far| {
            so_far.records.len() >= expected && !so_far.assigned.is_empty()
        });
        assert_eq!(delivered.numbers(1), (start..10).collect::<Vec<_>>());
        let held = Bounds { start: 0, end: 10 };
        assert_eq!(follower.bounds(1).expect("bounds"), held);
        follower.leave();
    }
}

pub fn a_follower_that_waits_is_woken_by_an_append(harness: &dyn Harness) {
    let mut follower = harness.follower(Starts::zero());
    let mut delivered = Delivered::default();
    delivered.poll_until(follower.as_mut(), |so_far| !so_far.assigned.is_empty());
    let (about_to_wait, waits) = mpsc::channel();
    let producer = harness.producer();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            waits.recv().expect("the follower is about to wait");
            append_numbered(producer.as_ref(), 3, 0, 1);
        });
        about_to_wait.send(()).expect("the thread listens");
        let started = Instant::now();
        while delivered.records.is_empty() && started.elapsed() < CAP {
            delivered.poll(follower.as_mut(), CAP);
        }
    });
    assert_eq!(delivered.numbers(3), [0]);
    follower.leave();
}

pub fn a_follower_says_which_offset_is_not_there(harness: &dyn Harness) {
    append_ten_each(harness, 0);
    harness.trim(2, 4);
    for missing in [3, 11] {
        let mut follower = harness.follower(Starts::at(2, Ok(missing)));
        let mut delivered = Delivered::default();
        delivered.poll_until(follower.as_mut(), |so_far| {
            so_far.records.len() >= ALL - 10 && !so_far.halted.is_empty()
        });
        let [(2, error)] = delivered.halted.as_slice() else {
            panic!("not halted: {:?}", delivered.halted);
        };
        assert!(
            matches!(error, Error::OutOfRange { partition: 2, offset, start: 4, end: 10 } if *offset == missing),
            "{error:?}"
        );
        assert_eq!(delivered.of(2).len(), 0);
        follower.leave();
    }
}
