//! Seats over an embedded log: every answer that is defined, on gateways that follow the same log.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use entry::{Folds, Following};
use log::{Consumer, Delivery, Error};
use serde_json::json;

use crate::support::{Gate, NOW_MS, PARTITIONS};
use crate::world::{Silent, World, ask, call, define, holds, outcome, put};

#[tokio::test]
async fn seats_go_to_who_comes_first_and_a_retry_gets_the_same_receipt_from_any_gateway() {
    let world = World::new();
    let (first, second) = (world.gateway().await, world.gateway().await);
    define(&first.router, 2, NOW_MS, None).await;
    let admitted = ask(&first.router, "u1", Some("r1")).await;
    assert_eq!(outcome(&admitted), (201, "admitted", true));
    assert_eq!(admitted.body["request_id"], "r1");
    let receipt = &admitted.body["receipt"];
    assert_eq!(
        (&receipt["rank"], &receipt["user_id"]),
        (&json!(1), &json!("u1"))
    );
    assert_eq!(receipt["admitted_at_ms"], NOW_MS);
    holds(&second.router, 1).await;
    for router in [&first.router, &second.router] {
        for key in [Some("r1"), Some("r2"), None] {
            let again = ask(router, "u1", key).await;
            assert_eq!(outcome(&again), (200, "admitted", true));
            assert_eq!(again.body["receipt"], *receipt);
        }
    }
    assert_eq!(
        outcome(&ask(&second.router, "u2", None).await),
        (201, "admitted", true)
    );
    // Known to be full: nothing is written for who comes now.
    let shown = call(&second.router, "GET", "/v1/activities/raffle", &[]).await;
    assert_eq!([&shown.body["held"], &shown.body["capacity"]], [2, 2]);
    let before = world.records();
    let late = ask(&second.router, "u3", Some("r3")).await;
    assert_eq!(outcome(&late), (409, "sold_out", false));
    assert!(late.body["folded"].as_u64().unwrap() > 0);
    assert_eq!(world.records(), before);
}

#[tokio::test]
async fn a_seat_that_is_given_back_goes_to_somebody_else_and_its_request_says_so_for_ever() {
    let world = World::new();
    let gateway = world.gateway().await;
    let router = &gateway.router;
    define(router, 1, NOW_MS, None).await;
    let user = |user| [("footfall-user", user)];
    let none = call(
        router,
        "DELETE",
        "/v1/activities/raffle/entries",
        &user("u1"),
    )
    .await;
    assert_eq!(outcome(&none), (404, "no_seat", false));
    assert_eq!(ask(router, "u1", Some("r1")).await.status, 201);
    let cancelled = call(
        router,
        "DELETE",
        "/v1/activities/raffle/entries",
        &user("u1"),
    )
    .await;
    assert_eq!(outcome(&cancelled), (200, "cancelled", true));
    assert_eq!(cancelled.body["receipt"]["rank"], 1);
    assert_eq!(
        outcome(&ask(router, "u1", Some("r1")).await),
        (409, "cancelled", true)
    );
    let next = ask(router, "u2", Some("r1")).await;
    assert_eq!(outcome(&next), (201, "admitted", true));
    assert_eq!(next.body["receipt"]["rank"], 2);
}

#[tokio::test]
async fn what_an_activity_does_not_allow_is_told_with_its_own_status() {
    let world = World::new();
    let gateway = world.gateway().await;
    let router = &gateway.router;
    assert_eq!(
        outcome(&ask(router, "u1", None).await),
        (404, "unknown", false)
    );
    let unknown = call(router, "GET", "/v1/activities/raffle", &[]).await;
    assert_eq!(
        (unknown.status, unknown.problem()),
        (404, "unknown-activity")
    );

    define(router, 5, NOW_MS + 60_000, Some(NOW_MS + 120_000)).await;
    let before = world.records();
    let early = ask(router, "u1", Some("r1")).await;
    assert_eq!(outcome(&early), (425, "not_open", false));
    assert_eq!(early.headers["retry-after"], "60");
    assert_eq!(early.body["opens_at_ms"], NOW_MS + 60_000);
    assert_eq!(world.records(), before);
    // Near the opening the log decides, and that holds for the request.
    world.now.store(NOW_MS + 59_000, Ordering::SeqCst);
    assert_eq!(
        outcome(&ask(router, "u1", Some("r1")).await),
        (425, "not_open", true)
    );
    assert_eq!(world.records(), before + 1);
    world.now.store(NOW_MS + 60_000, Ordering::SeqCst);
    assert_eq!(
        outcome(&ask(router, "u1", Some("r1")).await),
        (425, "not_open", true)
    );
    assert_eq!(
        outcome(&ask(router, "u1", Some("r2")).await),
        (201, "admitted", true)
    );
    world.now.store(NOW_MS + 120_000, Ordering::SeqCst);
    assert_eq!(
        outcome(&ask(router, "u2", Some("r1")).await),
        (410, "closed", true)
    );
    assert_eq!(
        outcome(&ask(router, "u3", None).await),
        (410, "closed", false)
    );
}

#[tokio::test]
async fn a_seat_and_a_request_are_looked_up_by_who_they_belong_to_alone() {
    let world = World::new();
    let gateway = world.gateway().await;
    let router = &gateway.router;
    define(router, 1, NOW_MS, None).await;
    ask(router, "u1", Some("r 1")).await;
    let look = async |user: &str, path: &str| {
        let path = format!("/v1/activities/raffle/entries/{path}");
        call(router, "GET", &path, &[("footfall-user", user)]).await
    };
    assert_eq!(outcome(&look("u1", "u1").await), (200, "admitted", true));
    assert_eq!(
        outcome(&look("u1", "u1?request=r%201").await),
        (200, "admitted", true)
    );
    assert_eq!(
        outcome(&look("u1", "u1?request=r2").await),
        (202, "pending", false)
    );
    assert_eq!(outcome(&look("u2", "u2").await), (404, "no_seat", false));
    let foreign = look("u2", "u1").await;
    assert_eq!((foreign.status, foreign.problem()), (403, "other-user"));
    let misspelt = look("u1", "u1?requst=r1").await;
    assert_eq!(
        (misspelt.status, misspelt.problem()),
        (400, "bad-parameter")
    );
}

#[tokio::test]
async fn what_can_not_be_recorded_is_refused_before_the_log_sees_it() {
    let world = World::new();
    let gateway = world.gateway().await;
    let router = &gateway.router;
    define(router, 1, NOW_MS, None).await;
    let before = world.records();
    for (user, key) in [("u1", "k".repeat(129)), (&"u".repeat(257), "r1".to_owned())] {
        let answer = ask(router, user, Some(&key)).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (422, "unusable"),
            "{}",
            answer.body
        );
    }
    for (path, body, status, problem) in [
        (
            "/v1/activities/*",
            json!({"capacity": 1, "opens_at_ms": NOW_MS}),
            422,
            "unusable",
        ),
        (
            "/v1/activities/a",
            json!({"capacity": 1, "opens_at_ms": 5}),
            422,
            "unusable",
        ),
        (
            "/v1/activities/a",
            json!({"capacity": -1, "opens_at_ms": NOW_MS}),
            422,
            "unreadable",
        ),
        ("/v1/activities/a", json!({"seats": 1}), 422, "unreadable"),
        (
            "/v1/campaigns/__other__",
            json!({"name": "x"}),
            422,
            "unusable",
        ),
        (
            "/v1/campaigns/c",
            json!({"name": "x".repeat(257)}),
            422,
            "unusable",
        ),
    ] {
        let answer = put(router, path, &body).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (status, problem),
            "{path} {body}"
        );
    }
    assert_eq!(world.records(), before);
    let named = put(router, "/v1/campaigns/spring", &json!({"name": "Spring"})).await;
    assert_eq!((named.status, &named.body["name"]), (200, &json!("Spring")));
}

#[tokio::test]
async fn a_user_who_goes_on_asking_is_told_to_wait_and_others_are_not() {
    let world = World::new();
    let gateway = world.gateway().await;
    define(&gateway.router, 5, NOW_MS, None).await;
    let mut statuses = Vec::new();
    for _ in 0..25 {
        statuses.push(ask(&gateway.router, "u1", Some("r1")).await.status);
    }
    assert_eq!(statuses[0], 201);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(ask(&gateway.router, "u2", None).await.status, 201);
}

#[tokio::test]
async fn a_log_that_does_not_answer_in_time_gives_an_address_where_the_decision_is_found() {
    let world = World::new();
    let first = world.gateway().await;
    define(&first.router, 1, NOW_MS, None).await;
    let gate = Arc::new(Gate::default());
    let silent = Silent(world.log.producer("entries").unwrap(), gate.clone());
    let second = world.gateway_appending(Arc::new(silent)).await;
    let pending = ask(&second.router, "민지", Some("r1")).await;
    assert_eq!(outcome(&pending), (202, "pending", false));
    assert_eq!(pending.body["request_id"], "r1");
    let location = pending.headers["location"].to_str().unwrap();
    for one in [&second, &first] {
        holds(&one.router, 1).await;
        // The record stands in the log: its own decision is found, on any gateway.
        let found = call(&one.router, "GET", location, &[("footfall-user", "민지")]).await;
        assert_eq!(outcome(&found), (200, "admitted", true));
        assert_eq!(found.body["request_id"], "r1");
    }
    gate.open();
}

/// A log that says nothing.
struct Mute;

impl Consumer for Mute {
    fn poll(&mut self, timeout: std::time::Duration) -> Result<Vec<Delivery>, Error> {
        std::thread::sleep(timeout);
        Ok(Vec::new())
    }
    fn pause(&mut self, _: u32) {}
    fn resume(&mut self, _: u32) {}
    fn bounds(&mut self, _: u32) -> Result<log::Bounds, Error> {
        Ok(log::Bounds { start: 0, end: 1 })
    }
    fn leave(self: Box<Self>) {}
}

#[tokio::test]
async fn a_gateway_that_has_not_read_the_log_to_its_end_says_so_and_never_that_there_is_nothing() {
    let world = World::new();
    let folds = Folds::new(PARTITIONS);
    let _following = Following::start(folds.clone(), Box::new(Mute)).unwrap();
    assert!(folds.ready().is_err());
    let router = world.router(folds, world.log.producer("entries").unwrap());
    for answer in [
        ask(&router, "u1", None).await,
        call(&router, "GET", "/v1/activities/raffle", &[]).await,
        call(
            &router,
            "GET",
            "/v1/activities/raffle/entries/u1",
            &[("footfall-user", "u1")],
        )
        .await,
    ] {
        assert_eq!((answer.status, answer.problem()), (503, "behind"));
        assert_eq!(answer.headers["retry-after"], "1");
    }
    assert_eq!(world.records(), 0);
}

#[tokio::test]
async fn a_stampede_over_two_gateways_gives_each_seat_once() {
    let world = World::new();
    let (first, second) = (world.gateway().await, world.gateway().await);
    define(&first.router, 40, NOW_MS, None).await;
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..300 {
        let router = [&first.router, &second.router][number % 2].clone();
        asking.spawn(async move { ask(&router, &format!("u{number}"), None).await });
    }
    let mut ranks = Vec::new();
    while let Some(answer) = asking.join_next().await {
        let answer = answer.unwrap();
        match answer.status {
            201 => ranks.push(answer.body["receipt"]["rank"].as_u64().unwrap()),
            // The other gateway may not have folded the definition yet.
            404 => assert_eq!(answer.body["decided"], false),
            status => assert_eq!(
                (status, answer.body["outcome"].as_str()),
                (409, Some("sold_out"))
            ),
        }
    }
    ranks.sort_unstable();
    assert_eq!(ranks, (1..=40).collect::<Vec<u64>>());
}
