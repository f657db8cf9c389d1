//! What consuming promises.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use footfall_log::{Bounds, Delivery, Error, NoStart, Positions};

use super::tools::{CAP, Delivered, POLL, Starts, append_numbered};
use super::{Harness, PARTITIONS};

pub fn a_consumer_starts_where_the_positions_say(harness: &dyn Harness) {
    let producer = harness.producer();
    for partition in 0..PARTITIONS {
        append_numbered(producer.as_ref(), partition, 0, 100);
    }
    let mut consumer = harness.consumer(Starts::at(1, Ok(60)));
    let mut delivered = Delivered::default();
    delivered.poll_until(consumer.as_mut(), |so_far| so_far.records.len() >= 340);

    assert_eq!(delivered.numbers(1), (60..100).collect::<Vec<_>>());
    assert_eq!(delivered.numbers(0), (0..100).collect::<Vec<_>>());
    delivered.assigned.sort_unstable();
    assert_eq!(delivered.assigned, (0..PARTITIONS).collect::<Vec<_>>());
    assert_eq!(
        consumer.bounds(1).expect("bounds"),
        Bounds { start: 0, end: 100 }
    );
    consumer.leave();

    // Where the last one stopped is nobody's business: the positions alone decide.
    let mut again = harness.consumer(Starts::at(1, Ok(100)));
    let mut delivered = Delivered::default();
    delivered.poll_until(again.as_mut(), |so_far| so_far.records.len() >= 300);
    append_numbered(producer.as_ref(), 1, 100, 1);
    delivered.poll_until(again.as_mut(), |so_far| so_far.records.len() >= 301);
    assert_eq!(delivered.numbers(1), [100]);
    again.leave();
}

pub fn a_consumer_that_waits_is_woken_by_an_append(harness: &dyn Harness) {
    let mut consumer = harness.consumer(Starts::zero());
    let mut delivered = Delivered::default();
    delivered.poll_until(consumer.as_mut(), |so_far| !so_far.assigned.is_empty());
    let (about_to_wait, waits) = mpsc::channel();
    let producer = harness.producer();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            waits.recv().expect("the consumer is about to wait");
            append_numbered(producer.as_ref(), 3, 0, 1);
        });
        about_to_wait.send(()).expect("the thread listens");
        let started = Instant::now();
        while delivered.records.is_empty() && started.elapsed() < CAP {
            delivered.poll(consumer.as_mut(), CAP);
        }
    });
    assert_eq!(delivered.numbers(3), [0]);
    consumer.leave();
}

pub fn a_start_beyond_the_end_halts_the_partition(harness: &dyn Harness) {
    let producer = harness.producer();
    for partition in 0..PARTITIONS {
        append_numbered(producer.as_ref(), partition, 0, 10);
    }
    let delivered = halted(harness, 2, Ok(11));
    let [(2, error)] = delivered.halted.as_slice() else {
        panic!("not halted: {:?}", delivered.halted);
    };
    let Error::OutOfRange {
        partition: 2,
        offset: 11,
        start: 0,
        end: 10,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(delivered.of(2).len(), 0);
}

pub fn a_start_before_the_start_halts_the_partition(harness: &dyn Harness) {
    let producer = harness.producer();
    for partition in 0..PARTITIONS {
        append_numbered(producer.as_ref(), partition, 0, 10);
    }
    harness.trim(2, 4);
    let delivered = halted(harness, 2, Ok(3));
    let [(2, error)] = delivered.halted.as_slice() else {
        panic!("not halted: {:?}", delivered.halted);
    };
    let Error::OutOfRange {
        partition: 2,
        offset: 3,
        start: 4,
        end: 10,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(delivered.of(2).len(), 0);

    let mut consumer = harness.consumer(Starts::at(2, Ok(4)));
    let mut delivered = Delivered::default();
    delivered.poll_until(consumer.as_mut(), |so_far| so_far.of(2).len() >= 7);
    assert_eq!(delivered.numbers(2), (4..11).collect::<Vec<_>>());
    consumer.leave();
}

pub fn an_error_of_the_positions_halts_only_its_partition(harness: &dyn Harness) {
    let producer = harness.producer();
    for partition in 0..PARTITIONS {
        append_numbered(producer.as_ref(), partition, 0, 10);
    }
    let delivered = halted(
        harness,
        0,
        Err(NoStart::Fatal("the checkpoint can't be read".into())),
    );
    let [(0, error)] = delivered.halted.as_slice() else {
        panic!("not halted: {:?}", delivered.halted);
    };
    assert!(error.to_string().contains("the checkpoint can't be read"));
    assert_eq!(delivered.of(0).len(), 0);
}

/// The first partition has no start until it has been asked for three times.
#[derive(Default)]
struct Late(AtomicU32);

impl Positions for Late {
    fn start(&self, partition: u32) -> Result<u64, NoStart> {
        match partition {
            0 if self.0.fetch_add(1, Ordering::SeqCst) < 2 => {
                Err(NoStart::Passing("the disk is full".into()))
            }
            0 => Ok(4),
            _ => Ok(0),
        }
    }
}

pub fn a_partition_whose_start_comes_later_is_consumed_from_there(harness: &dyn Harness) {
    let producer = harness.producer();
    for partition in 0..PARTITIONS {
        append_numbered(producer.as_ref(), partition, 0, 10);
    }
    let mut consumer = harness.consumer(Arc::new(Late::default()));
    let mut delivered = Delivered::default();
    let others = (PARTITIONS as usize - 1) * 10;
    delivered.poll_until(consumer.as_mut(), |so_far| so_far.records.len() >= others);
    assert_eq!(delivered.of(0).len(), 0);
    delivered.poll_until(consumer.as_mut(), |so_far| so_far.of(0).len() == 6);
    append_numbered(producer.as_ref(), 0, 10, 1);
    delivered.poll_until(consumer.as_mut(), |so_far| so_far.of(0).len() == 7);
    let first: Vec<u64> = (4..11).collect();
    assert_eq!(delivered.numbers(0), first);
    let why = (0, "the disk is full".to_owned());
    assert_eq!(delivered.delayed, [why.clone(), why]);
    assert!(delivered.halted.is_empty());
    consumer.leave();
}

/// Consumes with a start of `partition` that halts it, until all others are read, and some polls more.
fn halted(harness: &dyn Harness, partition: u32, start: Result<u64, NoStart>) -> Delivered {
    let mut consumer = harness.consumer(Starts::at(partition, start));
    let mut delivered = Delivered::default();
    let others = (PARTITIONS as usize - 1) * 10;
    delivered.poll_until(consumer.as_mut(), |so_far| {
        so_far.records.len() >= others && !so_far.halted.is_empty()
    });
    assert!(delivered.assigned.contains(&partition));
    // Only a decision outside starts it again.
    consumer.resume(partition);
    append_numbered(harness.producer().as_ref(), partition, 10, 1);
    for _ in 0..5 {
        delivered.poll(consumer.as_mut(), POLL);
    }
    consumer.leave();
    delivered
}

pub fn a_paused_partition_stands_still_and_goes_on_without_loss_or_repetition(
    harness: &dyn Harness,
) {
    const RECORDS: u64 = 20_000;
    let producer = harness.producer();
    for first in (0..RECORDS).step_by(1_000) {
        append_numbered(producer.as_ref(), 1, first, 1_000);
        append_numbered(producer.as_ref(), 3, first, 1_000);
    }
    let mut consumer = harness.consumer(Starts::zero());
    let mut delivered = Delivered::default();
    // Paused in the middle of what was fetched, again and again.
    for part in 1..=4 {
        delivered.poll_until(consumer.as_mut(), |so_far| {
            so_far.of(1).len() as u64 >= part * RECORDS / 5
        });
        consumer.pause(1);
        for delivery in consumer.poll(POLL).expect("polled") {
            if let Delivery::Batch(batch) = delivery {
                delivered.records.extend(super::tools::keep(&batch));
            }
        }
        let before = delivered.of(1).len();
        for _ in 0..3 {
            delivered.poll(consumer.as_mut(), POLL);
        }
        assert_eq!(
            delivered.of(1).len(),
            before,
            "records of a paused partition came"
        );
        consumer.resume(1);
    }
    delivered.poll_until(consumer.as_mut(), |so_far| {
        so_far.records.len() as u64 >= 2 * RECORDS
    });
    delivered.poll(consumer.as_mut(), POLL);
    assert_eq!(delivered.numbers(1), (0..RECORDS).collect::<Vec<_>>());
    assert_eq!(delivered.numbers(3), (0..RECORDS).collect::<Vec<_>>());
    consumer.leave();
}
