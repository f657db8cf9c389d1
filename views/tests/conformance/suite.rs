//! The tests that every store passes.

use pipeline::calendar::Calendar;
use pipeline::row::{Facet, NamedCells};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use views::{AsOf, AsOfKind, Error, Question, Stamp, Stored};

use super::log::{Image, Log};
use super::{Back, questions};

/// Records of a partition's log.
const RECORDS: u64 = 250;

/// A log for each partition of the store.
pub fn logs(seed: u64, back: &dyn Back) -> Vec<Log> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let keeps = back.kind() == AsOfKind::AtLeast;
    (0..back.definition().partitions)
        .map(|partition| Log::random(&mut rng, back.definition(), partition, keeps, RECORDS))
        .collect()
}

/// Until every partition is there, nothing is answered; an empty one is there at offset 0.
pub async fn a_partition_that_is_missing_is_never_left_out_of_a_sum(back: &dyn Back) {
    let logs = logs(1, back);
    let last = logs.len() - 1;
    for log in &logs[..last] {
        assert_eq!(
            back.sink().apply(&log.change(0, 9)).await.unwrap(),
            Stored::At(9)
        );
    }
    back.settle().await;
    assert_eq!(
        back.sink().stored(last as u32).await.unwrap(),
        Stored::Missing
    );
    let refused = back.views().ask(&Question::Campaigns).await;
    assert!(
        matches!(refused, Err(Error::Incomplete { partition, .. }) if partition == last as u32),
        "{refused:?}"
    );
    assert!(matches!(
        back.views().dump().await,
        Err(Error::Incomplete { .. })
    ));
    let empty = logs[last].change(0, 0);
    assert_eq!(back.sink().apply(&empty).await.unwrap(), Stored::At(0));
    back.settle().await;
    let mut offsets = vec![9; last];
    offsets.push(0);
    judge(back, &logs, &offsets).await;
}

/// Changes of random sizes, each sent, then some sent again; after each the answers to all
/// questions are those of the prefixes.
pub async fn answers_are_those_of_the_prefix_after_every_change(back: &dyn Back) {
    let logs = logs(2, back);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut offsets = vec![0; logs.len()];
    for log in &logs {
        back.sink().apply(&log.change(0, 0)).await.unwrap();
    }
    while offsets.iter().zip(&logs).any(|(at, log)| *at < log.end()) {
        for (log, at) in logs.iter().zip(&mut offsets) {
            let to = (*at + rng.random_range(0..120)).min(log.end());
            let change = log.change(*at, to);
            let stored = back.sink().apply(&change).await.unwrap();
            assert_eq!(stored, Stored::At(to));
            if rng.random() {
                assert_eq!(back.sink().apply(&change).await.unwrap(), Stored::At(to));
            }
            *at = to;
        }
        back.settle().await;
        judge(back, &logs, &offsets).await;
    }
}

/// What was sent before, sent late and in any order, moves nothing back.
pub async fn late_and_repeated_changes_move_nothing_back(back: &dyn Back) {
    let logs = logs(3, back);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let offsets: Vec<u64> = logs.iter().map(Log::end).collect();
    for log in &logs {
        back.sink().apply(&log.change(0, log.end())).await.unwrap();
    }
    for _ in 0..20 {
        for log in &logs {
            let to = rng.random_range(1..log.end());
            let base = rng.random_range(0..to);
            let stored = back.sink().apply(&log.change(base, to)).await.unwrap();
            assert_eq!(stored, Stored::At(log.end()));
        }
    }
    back.settle().await;
    judge(back, &logs, &offsets).await;
}

/// Filling brings a store to an image, from nothing or from an older one; then changes go on.
pub async fn a_fill_brings_the_store_to_the_image(back: &dyn Back) {
    let logs = logs(4, back);
    for (from, to) in [(0, 40), (90, 200)] {
        for log in &logs {
            if from > 0 {
                back.sink().apply(&log.change(40, from)).await.unwrap();
            }
            assert_eq!(
                back.sink().fill(&log.whole(to)).await.unwrap(),
                Stored::At(to)
            );
        }
        back.settle().await;
        judge(back, &logs, &vec![to; logs.len()]).await;
    }
    for log in &logs {
        assert_eq!(
            back.sink().fill(&log.whole(60)).await.unwrap(),
            Stored::At(200)
        );
        let stored = back
            .sink()
            .apply(&log.change(200, log.end()))
            .await
            .unwrap();
        assert_eq!(stored, Stored::At(log.end()));
    }
    back.settle().await;
    let ends: Vec<u64> = logs.iter().map(Log::end).collect();
    judge(back, &logs, &ends).await;
}

/// Compares every answer and the dump with the prefixes up to `offsets`.
pub async fn judge(back: &dyn Back, logs: &[Log], offsets: &[u64]) {
    let calendar = Calendar::new(back.definition()).unwrap();
    let exact = back.kind() == AsOfKind::Exact;
    let images = logs.iter().zip(offsets).map(|(log, at)| log.image(*at));
    let images: Vec<&Image> = images.collect();
    let stamps = logs.iter().zip(offsets).enumerate();
    let as_of = AsOf {
        kind: back.kind(),
        partitions: stamps
            .map(|(partition, (log, at))| Stamp {
                partition: partition as u32,
                offset: *at,
                log_time: log.log_time(*at),
            })
            .collect(),
    };
    for (partition, at) in offsets.iter().enumerate() {
        let stored = back.sink().stored(partition as u32).await.unwrap();
        assert_eq!(stored, Stored::At(*at));
    }
    for question in questions::all(exact) {
        let expected = questions::answer(&question, &calendar, as_of.clone(), &images);
        let answer = back.views().ask(&question).await.unwrap();
        assert_eq!(answer, expected, "{question:?} at {offsets:?}");
    }
    let (dumped_as_of, cells) = back.views().dump().await.unwrap();
    assert_eq!(dumped_as_of, as_of);
    let mut expected = questions::cells(&images);
    expected.retain(|name, _| exact || name.facet != Facet::Minutes.as_str());
    assert_eq!(without_zeroes(cells), without_zeroes(expected));
}

/// A cell of zero is as good as none: documents of people name every member.
fn without_zeroes(mut cells: NamedCells) -> NamedCells {
    cells.retain(|_, value| *value != 0);
    cells
}
