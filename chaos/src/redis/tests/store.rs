//! Changes, fills and sweeps.

use std::collections::BTreeMap;

use pipeline::aggregate::Reader;
use pipeline::row::{NamedCells, add_row};
use views::redis::Progress;
use views::{Change, Error, Sink, Stored, Views};

use super::world::{SMALL, World, fold, store};
use crate::redis::Fate;

#[tokio::test(start_paused = true)]
async fn a_change_is_applied_and_its_repeat_is_refused() {
    let world = World::new(0);
    assert_eq!(world.store.stored(0).await.unwrap(), Stored::Missing);
    assert_eq!(world.held(0), None);
    assert_eq!(world.apply(0, 12).await, Stored::At(12));
    world.assert_holds(12);
    assert_eq!(world.apply(12, 20).await, Stored::At(20));
    world.assert_holds(20);
    let before = world.network.servers(|servers| servers.data(0).clone());
    assert_eq!(world.apply(12, 20).await, Stored::At(20));
    // A gap, and an owner that is behind.
    assert_eq!(world.apply(21, 22).await, Stored::At(20));
    assert_eq!(world.apply(0, 15).await, Stored::At(20));
    assert_eq!(world.store.stored(0).await.unwrap(), Stored::At(20));
    let after = world.network.servers(|servers| servers.data(0).clone());
    assert_eq!(before, after);
}

#[tokio::test(start_paused = true)]
async fn after_each_record_the_image_is_the_fold_also_where_rows_leave() {
    let world = World::new(0);
    let mut state = world.state(0);
    let mut deletes = 0;
    for to in 1..=260 {
        fold(&mut state, to);
        let change = Change {
            partition: 0,
            base: to - 1,
            to,
            log_time: state.log_time(),
            rows: state.take_rows(Reader::Hot),
        };
        deletes += change.rows.iter().filter(|row| row.row.is_none()).count();
        assert_eq!(world.store.apply(&change).await.unwrap(), Stored::At(to));
        world.assert_holds(to);
    }
    assert!(deletes > 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_through_the_store_is_the_image_in_memory() {
    let world = World::new(0);
    world.apply(0, 40).await;
    let (stamp, rows) = world.store.dump_partition(0).await.unwrap();
    let (stored, _) = world.held(0).unwrap();
    assert_eq!(stamp.offset, stored);
    let expected = world.rows(40).into_iter();
    let expected: BTreeMap<_, _> = expected.map(|row| (row.key, row.row.unwrap())).collect();
    assert_eq!(rows.into_iter().collect::<BTreeMap<_, _>>(), expected);
    let (as_of, cells) = world.store.dump().await.unwrap();
    assert_eq!(as_of.partitions, [stamp]);
    let mut added = NamedCells::new();
    for (key, row) in &expected {
        add_row(&mut added, key, row);
    }
    assert_eq!(cells, added);
}

#[tokio::test(start_paused = true)]
async fn the_library_is_loaded_where_it_is_missing_and_not_again() {
    let world = World::new(0);
    let loading = ["footfall_1_apply", "FUNCTION", "footfall_1_apply"];
    world.apply(0, 1).await;
    assert_eq!(world.names(), loading);
    world.store.stored(0).await.unwrap();
    world.settle().await;
    world.names();
    world.apply(1, 2).await;
    assert_eq!(world.names(), loading[..1]);
    world.network.servers(|servers| servers.wipe());
    assert_eq!(world.apply(2, 3).await, Stored::Missing);
    assert_eq!(world.names(), loading);
    assert_eq!(world.apply(0, 3).await, Stored::At(3));
    world.assert_holds(3);
}

#[tokio::test(start_paused = true)]
async fn a_fill_that_is_interrupted_begins_again_and_the_dead_image_is_swept() {
    let world = World::new(0);
    world.begin(10).await;
    let small = world.store.clone().with_limits(SMALL);
    let change = world.change(0, 30);
    let mut filling = small.filling(&change);
    assert!(filling.steps() > 5);
    for _ in 0..4 {
        assert_eq!(filling.step().await.unwrap(), Progress::More);
        // Readers see the old image.
        world.assert_holds(10);
    }
    let left = |world: &World| {
        world.network.servers(|servers| {
            let data = servers.data(0);
            let tokens = ["1-0", "1-1", "1-2"].map(|token| world.keys.group(token, ""));
            tokens.map(|prefix| data.keys_with(&prefix).count() > 0)
        })
    };
    assert_eq!(left(&world), [true, true, false]);
    // Another fill takes its place; each call of it is first lost, then its answer.
    world.fates(&[Fate::LoseRequest, Fate::LoseReply, Fate::Good].repeat(4));
    assert_eq!(small.fill(&change).await.unwrap(), Stored::At(30));
    world.assert_holds(30);
    assert_eq!(filling.step().await.unwrap(), Progress::Again);
    world.settle().await;
    assert_eq!(left(&world), [false, false, true]);
    let dead = |world: &World| {
        let key = world.keys.dead();
        world
            .network
            .servers(|servers| servers.data(0).set(&key).is_some())
    };
    assert!(!dead(&world));
    world.assert_holds(30);
    // The image goes on under its new name.
    assert_eq!(world.apply(30, 33).await, Stored::At(33));
    world.assert_holds(33);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_transient_and_the_call_may_be_sent_again() {
    let world = World::new(0);
    world.begin(5).await;
    for (fate, stored) in [(Fate::LoseRequest, 5), (Fate::LoseReply, 9)] {
        world.fates(&[fate]);
        let answer = world.store.apply(&world.change(5, 9)).await;
        assert!(matches!(answer, Err(Error::Transient { .. })), "{answer:?}");
        world.assert_holds(stored);
    }
    assert_eq!(world.apply(5, 9).await, Stored::At(9));
}

#[tokio::test(start_paused = true)]
async fn calls_that_come_twice_or_late_change_nothing_more() {
    let world = World::new(0);
    world.begin(5).await;
    world.fates(&[Fate::Twice]);
    assert_eq!(world.apply(5, 9).await, Stored::At(9));
    // The copy, the call, and the call again beside those of another process.
    let (good, late) = (Fate::Good, Fate::Late);
    world.fates(&[good, late, late, good, late, good, good]);
    let answer = world.store.apply(&world.change(9, 11)).await;
    assert!(matches!(answer, Err(Error::Transient { .. })), "{answer:?}");
    let other = store(&world.network, 2, &world.definition);
    other.stored(0).await.unwrap();
    other.apply(&world.change(9, 14)).await.unwrap();
    world.settle().await;
    let delivered = world.delivered.lock().unwrap().pop().unwrap();
    let meta = Some(world.keys.meta());
    assert_eq!((delivered.client, delivered.meta), (1, meta));
    world.assert_holds(14);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_delivers_is_given_up_and_may_arrive_later() {
    let world = World::new(0);
    world.begin(5).await;
    let network = crate::redis::Network::new(crate::redis::Servers::new(0));
    let store = store(&network, 1, &world.definition);
    let answer = store.apply(&world.change(0, 5)).await;
    assert!(matches!(answer, Err(Error::Transient { .. })), "{answer:?}");
    assert_eq!(network.len(), 1);
    assert!(!network.is_awaited(0));
    assert_eq!(network.deliver(0, Fate::Good).client, 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_the_same_again() {
    let run = async || {
        let world = World::new(1);
        world.begin(10).await;
        world.fates(
            &[
                Fate::Good,
                Fate::LoseReply,
                Fate::Twice,
                Fate::Late,
                Fate::Good,
            ]
            .repeat(3),
        );
        let small = world.store.clone().with_limits(SMALL);
        small.fill(&world.change(0, 30)).await.unwrap();
        world.settle().await;
        let data = world.network.servers(|servers| servers.data(0).clone());
        let delivered = world.delivered.lock().unwrap().clone();
        (data, delivered, world.held(0))
    };
    assert_eq!(run().await, run().await);
}
