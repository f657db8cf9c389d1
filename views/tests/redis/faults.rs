//! Fills given up half way, replies lost, a server killed or wiped: the rows stay a prefix's.

use std::collections::BTreeMap;

use pipeline::row::Row;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use views::redis::{Filling, Limits, Progress, Store};
use views::{Change, Error, Sink, Stored};

use super::proxy::{Cut, Proxy};
use super::server::Server;
use super::{Redis, SMALL};
use crate::conformance::log::Log;
use crate::conformance::suite::{judge, logs};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_fill_given_up_at_any_step_changes_nothing_and_leaves_nothing() {
    let server = Server::start().await;
    let mut back = Redis::new(&server, 1).await;
    back.store = back.store.with_limits(SMALL);
    let logs = logs(11, &back);
    let log = &logs[0];
    let whole = log.whole(200);
    for given_up in 0..back.store.filling(&whole).steps() {
        server.command("FLUSHALL", &[]).await;
        back.store.fill(&log.whole(60)).await.unwrap();
        let mut dead = back.store.filling(&whole);
        for _ in 0..given_up {
            assert_eq!(dead.step().await.unwrap(), Progress::More);
        }
        judge_rows(&back.store, log, 60).await;
        let mut next = back.store.filling(&whole);
        assert_eq!(finish_each_step_twice(&mut next).await, Stored::At(200));
        judge_rows(&back.store, log, 200).await;
        // The dead one wakes up.
        let late = dead.step().await.unwrap();
        assert!(
            matches!(late, Progress::Again | Progress::Done(Stored::At(200))),
            "{late:?} after it was given up at step {given_up}"
        );
        judge_rows(&back.store, log, 200).await;
        back.store.sweep(0).await.unwrap();
        assert_only_one_image(&server, log.image(200).len()).await;
    }
}

/// As when every reply is lost once.
async fn finish_each_step_twice(filling: &mut Filling<'_>) -> Stored {
    loop {
        let mut double = filling.clone();
        let progress = filling.step().await.unwrap();
        let again = double.step().await.unwrap();
        assert_eq!(progress, again, "the same step sent twice");
        if let Progress::Done(stored) = progress {
            return stored;
        }
        assert_eq!(progress, Progress::More);
    }
}

async fn judge_rows(store: &Store, log: &Log, at: u64) {
    let (stamp, rows) = store.dump_partition(0).await.unwrap();
    assert_eq!(stamp.offset, at);
    let rows: BTreeMap<_, Row> = rows.into_iter().collect();
    let image = log.image(at);
    for (key, row) in image {
        assert_eq!(rows.get(key), Some(row.as_ref()), "{key:?} at {at}");
    }
    let more = rows.keys().find(|key| !image.contains_key(key));
    assert_eq!(more, None, "a row that is not in the image at {at}");
}

/// Nothing but meta, the index, and the groups of so many rows.
async fn assert_only_one_image(server: &Server, rows: usize) {
    let mut fields = 0;
    for key in server.keys().await {
        let name = key.split_once("}:").unwrap().1;
        let group = name.split_once(':').map(|(_, group)| group);
        match group {
            None => assert_eq!(name, "meta"),
            Some("groups") => {}
            // Where activities are listed.
            Some(group) if group.starts_with("A:") => {}
            Some(_) => {
                let length = server.command("HLEN", &[&key]).await;
                fields += length.as_usize().unwrap();
            }
        }
    }
    assert_eq!(fields, rows, "rows of images that are not read are left");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_lost_reply_is_one_call_to_the_server_and_sending_again_finds_it_done() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let back = Redis::at(&proxy.url(), 1).await;
    let logs = logs(12, &back);
    back.store.apply(&logs[0].change(0, 5)).await.unwrap();
    // Hears which image is read, so that the next call need not be told.
    back.store.stored(0).await.unwrap();
    for (to, cut, carried_out) in [
        (10, Cut::Before, 0),
        (20, Cut::Amid, 0),
        (30, Cut::After, 1),
    ] {
        let change = logs[0].change(0, to);
        let calls = async || server.calls().await.get("fcall").copied().unwrap_or(0);
        let before = calls().await;
        proxy.arm(cut);
        let lost = back.store.apply(&change).await;
        assert!(
            matches!(lost, Err(Error::Transient { .. })),
            "{cut:?}: {lost:?}"
        );
        assert!(!proxy.is_armed());
        assert_eq!(calls().await - before, carried_out, "{cut:?}");
        assert_eq!(back.store.apply(&change).await.unwrap(), Stored::At(to));
        assert_eq!(calls().await - before, carried_out + 1, "{cut:?}");
        judge_rows(&back.store, &logs[0], to).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn over_a_connection_that_breaks_all_the_time_the_rows_stay_a_prefix() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let definition = crate::conformance::definition(1);
    let broken = Store::connect(&proxy.url(), &definition).await.unwrap();
    let broken = broken.with_limits(SMALL);
    let direct = Store::connect(&server.url(), &definition).await.unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let log = Log::random(&mut rng, &definition, 0, false, 250);
    let (mut at, mut failures) = (0, 0);
    while at < log.end() {
        let to = (at + rng.random_range(1..25)).min(log.end());
        let fills = rng.random_ratio(1, 4);
        let change = if fills {
            log.whole(to)
        } else {
            log.change(at, to)
        };
        while at < to {
            if rng.random() {
                proxy.arm([Cut::Before, Cut::Amid, Cut::After][rng.random_range(0..3)]);
            }
            match send(&broken, &change, fills).await {
                Ok(Stored::At(stored)) => at = stored,
                Ok(Stored::Missing) => panic!("nothing was wiped"),
                Err(Error::Transient { .. }) => failures += 1,
                Err(error) => panic!("{error}"),
            }
            match direct.dump_partition(0).await {
                Ok((stamp, _)) => judge_rows(&direct, &log, stamp.offset).await,
                Err(Error::Incomplete { .. }) => assert_eq!(at, 0),
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(failures > 0, "no call failed");
    judge_rows(&direct, &log, log.end()).await;
}

async fn send(store: &Store, change: &Change, fills: bool) -> Result<Stored, Error> {
    if fills {
        store.fill(change).await
    } else {
        store.apply(change).await
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_server_killed_between_steps_or_cut_off_amid_one_comes_back_at_a_prefix() {
    for torn in [false, true] {
        let mut server = Server::start().await;
        let definition = crate::conformance::definition(1);
        let mut rng = ChaCha8Rng::seed_from_u64(14);
        let log = Log::random(&mut rng, &definition, 0, false, 250);
        let mut at = 0;
        for round in 0..12 {
            // Reconnecting by itself takes up to a second: a new one is quicker.
            let store = Store::connect(&server.url(), &definition).await.unwrap();
            let store = store.with_limits(SMALL);
            let to = at + 15;
            let whole = log.whole(to);
            let mut filling = store.filling(&whole);
            for _ in 0..rng.random_range(1..=filling.steps()) {
                assert_ne!(filling.step().await.unwrap(), Progress::Again);
            }
            if round % 2 == 0 {
                store.apply(&log.change(at, at + 7)).await.unwrap();
            }
            drop(filling);
            server.kill();
            if torn {
                server.tear(rng.random_range(1..60_000));
            }
            server.restart().await;
            let store = Store::connect(&server.url(), &definition).await.unwrap();
            let store = store.with_limits(SMALL);
            let mut stored = store.stored(0).await.unwrap();
            if let Stored::At(offset) = stored {
                assert!(torn || offset >= at, "an acknowledged change is gone");
                judge_rows(&store, &log, offset).await;
                stored = store.apply(&log.change(offset, to)).await.unwrap();
            }
            if stored != Stored::At(to) {
                assert_eq!(store.fill(&log.whole(to)).await.unwrap(), Stored::At(to));
            }
            judge_rows(&store, &log, to).await;
            at = to;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_wiped_server_is_missing_until_it_is_filled() {
    let server = Server::start().await;
    let back = Redis::new(&server, 2).await;
    let logs = logs(15, &back);
    for log in &logs {
        back.store.apply(&log.change(0, 50)).await.unwrap();
    }
    judge(&back, &logs, &[50, 50]).await;
    server.command("FLUSHALL", &[]).await;
    server.command("FUNCTION", &["FLUSH", "SYNC"]).await;
    for (partition, log) in logs.iter().enumerate() {
        let stored = back.store.stored(partition as u32).await.unwrap();
        assert_eq!(stored, Stored::Missing);
        let stored = back.store.apply(&log.change(50, 70)).await.unwrap();
        assert_eq!(stored, Stored::Missing, "a gap was accepted");
        assert_eq!(
            back.store.fill(&log.whole(70)).await.unwrap(),
            Stored::At(70)
        );
    }
    judge(&back, &logs, &[70, 70]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_change_too_large_for_one_instant_asks_for_a_fill() {
    let server = Server::start().await;
    let mut back = Redis::new(&server, 1).await;
    back.store = back.store.with_limits(Limits {
        rows_per_change: 100,
        ..SMALL
    });
    let logs = logs(16, &back);
    back.store.apply(&logs[0].change(0, 3)).await.unwrap();
    let change = logs[0].change(3, 200);
    assert!(change.rows.len() > 100);
    assert_eq!(back.store.apply(&change).await.unwrap(), Stored::Missing);
    judge_rows(&back.store, &logs[0], 3).await;
    assert_eq!(
        back.store.fill(&logs[0].whole(200)).await.unwrap(),
        Stored::At(200)
    );
    // Once it is no longer wanted it is refused like any other.
    assert_eq!(back.store.apply(&change).await.unwrap(), Stored::At(200));
}
