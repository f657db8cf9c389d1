//! What appending promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use footfall_log::{Caller, NewRecord};
use pipeline::record::Headers;
use schemas::partition::partition_of;

use super::tools::{CAP, Delivered, Starts, append_numbered, number, numbered, read_all, record};
use super::{Harness, PARTITIONS};

pub fn acknowledged_records_are_read_back_once_and_in_order(harness: &dyn Harness) {
    const RECORDS: usize = 10_000;
    const A_CALL: usize = 97;
    let producer = harness.producer();
    let mut acknowledged = BTreeMap::new();
    let all: Vec<NewRecord> = (0..RECORDS)
        .map(|n| record(&format!("user-{}", n % 500), &n.to_string()))
        .collect();
    for call in all.chunks(A_CALL) {
        let appended = producer.append(call.to_vec()).expect("acknowledged");
        assert_eq!(appended.len(), call.len());
        for (at, record) in appended.iter().zip(call) {
            let before = acknowledged.insert((at.partition, at.offset), number(&record.value));
            assert_eq!(before, None, "two records were given one place: {at:?}");
        }
    }

    let mut consumer = harness.consumer(Starts::zero());
    let mut delivered = Delivered::default();
    delivered.poll_until(consumer.as_mut(), |so_far| so_far.records.len() >= RECORDS);
    consumer.leave();

    let read: BTreeMap<(u32, u64), u64> = delivered
        .records
        .iter()
        .map(|kept| ((kept.partition, kept.offset), number(&kept.value)))
        .collect();
    assert_eq!(delivered.records.len(), RECORDS, "a record came twice");
    assert_eq!(read, acknowledged);
    for partition in 0..PARTITIONS {
        let offsets: Vec<u64> = delivered
            .of(partition)
            .iter()
            .map(|kept| kept.offset)
            .collect();
        assert!(
            offsets.is_sorted_by(|a, b| a < b),
            "offsets of {partition} don't rise"
        );
        assert!(
            delivered
                .numbers(partition)
                .is_sorted_by(|before, after| before < after),
            "records of {partition} are not in the order of their appends"
        );
    }
}

pub fn the_key_decides_the_partition_by_murmur2(harness: &dyn Harness) {
    let keys = [
        "",
        "a",
        "user-1",
        "user-22",
        "고객-7",
        "a-longer-key-than-one-word",
    ];
    let producer = harness.producer();
    for key in keys {
        let appended = producer
            .append(vec![record(key, "v")])
            .expect("acknowledged");
        assert_eq!(
            appended[0].partition,
            partition_of(key.as_bytes(), PARTITIONS),
            "key {key:?}"
        );
    }
    let spread: BTreeSet<u32> = (0..1_000)
        .map(|n| record(&format!("user-{n}"), ""))
        .flat_map(|record| producer.append(vec![record]))
        .map(|appended| appended[0].partition)
        .collect();
    assert_eq!(spread.len() as u32, PARTITIONS);
}

pub fn an_explicit_partition_is_honoured(harness: &dyn Harness) {
    let producer = harness.producer();
    for partition in 0..PARTITIONS {
        let new = NewRecord {
            partition: Some(partition),
            ..record("the same key", "v")
        };
        let appended = producer.append(vec![new]).expect("acknowledged");
        assert_eq!(appended[0].partition, partition);
        assert_eq!(read_all(harness.reader().as_mut(), partition).len(), 1);
    }
}

pub fn an_unknown_partition_is_refused(harness: &dyn Harness) {
    let refused = harness
        .producer()
        .append(numbered(PARTITIONS, 0, 1))
        .expect_err("there is no such partition");
    assert!(!refused.to_string().is_empty());
}

pub fn an_empty_append_is_acknowledged(harness: &dyn Harness) {
    let appended = harness.producer().append(Vec::new());
    assert_eq!(appended.expect("nothing to refuse"), Vec::new());
}

pub fn headers_and_empty_keys_and_values_round_trip(harness: &dyn Harness) {
    let mut headers = Vec::new();
    Headers::push(&mut headers, "name", b"value");
    Headers::push(&mut headers, "empty", b"");
    Headers::push(&mut headers, "bytes", &[0, 255, 10]);
    Headers::push(&mut headers, "name", b"again");
    Headers::push(&mut headers, "\u{c774}\u{b984}", b"\xed\x95\x9c");
    let new = |key: &[u8], value: &[u8], headers: &[u8]| NewRecord {
        partition: Some(1),
        key: key.to_vec(),
        value: value.to_vec(),
        headers: headers.to_vec(),
    };
    let appended = vec![
        new(b"key", b"value", &headers),
        new(b"", b"value", &[]),
        new(b"key", b"", &[]),
        new(b"", b"", &headers),
        new(&[0, 159, 146], &[255; 300], &[]),
    ];
    harness
        .producer()
        .append(appended.clone())
        .expect("acknowledged");

    let read = read_all(harness.reader().as_mut(), 1);
    let mut consumer = harness.consumer(Starts::zero());
    let mut delivered = Delivered::default();
    delivered.poll_until(consumer.as_mut(), |so_far| {
        so_far.records.len() >= appended.len()
    });
    consumer.leave();
    assert_eq!(read, delivered.records);
    let back: Vec<NewRecord> = read
        .into_iter()
        .map(|kept| new(&kept.key, &kept.value, &kept.headers))
        .collect();
    assert_eq!(back, appended);
}

pub fn append_times_never_go_back_within_a_partition(harness: &dyn Harness) {
    let producer = harness.producer();
    for call in 0..50 {
        append_numbered(producer.as_ref(), 2, call * 10, 10);
    }
    let times: Vec<i64> = read_all(harness.reader().as_mut(), 2)
        .iter()
        .map(|kept| kept.appended_at)
        .collect();
    assert_eq!(times.len(), 500);
    assert!(times.is_sorted());
    assert!(
        times[0] > 1_600_000_000_000,
        "not milliseconds: {}",
        times[0]
    );
}

pub fn concurrent_producers_lose_nothing(harness: &dyn Harness) {
    const THREADS: u64 = 4;
    const CALLS: u64 = 50;
    const A_CALL: u64 = 20;
    let shared = harness.producer();
    let own = harness.producer();
    let places: Vec<(u32, u64)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let producer = Arc::clone(if thread % 2 == 0 { &shared } else { &own });
                scope.spawn(move || {
                    (0..CALLS)
                        .flat_map(|call| {
                            let first = (thread * CALLS + call) * A_CALL;
                            let partition = (call % u64::from(PARTITIONS)) as u32;
                            producer
                                .append(numbered(partition, first, A_CALL))
                                .expect("acknowledged")
                        })
                        .map(|at| (at.partition, at.offset))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("the thread ends"))
            .collect()
    });

    let mut reader = harness.reader();
    let read: Vec<_> = (0..PARTITIONS)
        .flat_map(|partition| read_all(reader.as_mut(), partition))
        .collect();
    let numbers: BTreeSet<u64> = read.iter().map(|kept| number(&kept.value)).collect();
    let held: BTreeSet<(u32, u64)> = read
        .iter()
        .map(|kept| (kept.partition, kept.offset))
        .collect();
    let all = THREADS * CALLS * A_CALL;
    assert_eq!(read.len() as u64, all);
    assert_eq!(numbers, (0..all).collect());
    assert_eq!(held, places.into_iter().collect());
}

pub fn each_of_several_callers_is_told_where_its_own_records_stand(harness: &dyn Harness) {
    const CALLERS: u64 = 500;
    let producer = harness.producer();
    let (tell, told) = std::sync::mpsc::channel();
    // Of no, one, two or three records each.
    let callers = (0..CALLERS).map(|caller| {
        let tell = tell.clone();
        Caller {
            records: numbered(
                (caller % u64::from(PARTITIONS)) as u32,
                10 * caller,
                caller % 4,
            ),
            told: Box::new(move |appended| {
                tell.send((caller, appended)).expect("somebody listens")
            }),
        }
    });
    let (mut first, second): (Vec<Caller>, Vec<Caller>) =
        callers.partition(|of| of.records.len() % 2 == 0);
    first.extend(second);
    producer.append_each(first);

    let mut stands = BTreeMap::new();
    for _ in 0..CALLERS {
        let (caller, appended) = told.recv_timeout(CAP).expect("each is told");
        let appended = appended.expect("acknowledged");
        assert_eq!(appended.len() as u64, caller % 4, "of caller {caller}");
        for (number, at) in (10 * caller..).zip(appended) {
            stands.insert((at.partition, at.offset), number);
        }
    }
    let mut reader = harness.reader();
    let read: BTreeMap<(u32, u64), u64> = (0..PARTITIONS)
        .flat_map(|partition| read_all(reader.as_mut(), partition))
        .map(|kept| ((kept.partition, kept.offset), number(&kept.value)))
        .collect();
    assert_eq!(read, stands);
}
