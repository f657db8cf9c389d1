//! More people than may wait for the log.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Gate, JSON, NOW_MS, post};
use crate::world::{Silent, World, ask, define, holds, until};

/// Requests that may wait for the log.
const WAITING: u64 = 4_096;
const BEYOND: u64 = 400;

#[tokio::test]
async fn who_comes_when_too_many_wait_is_turned_away_at_once_and_events_are_still_taken() {
    let world = World::new();
    let first = world.gateway().await;
    define(&first.router, 10_000, NOW_MS, None).await;
    let gate = Arc::new(Gate::default());
    let silent = Silent(world.log.producer("entries").unwrap(), gate.clone());
    let second = world.gateway_appending(Arc::new(silent)).await;
    holds(&second.router, 0).await;
    let mut asking = JoinSet::new();
    for number in 0..WAITING + BEYOND {
        let router = second.router.clone();
        asking.spawn(async move { ask(&router, &format!("u{number}"), None).await });
    }
    let (mut turned_away, mut told) = (0, 0);
    while turned_away < BEYOND {
        let answer = asking.join_next().await.unwrap().unwrap();
        match answer.status {
            503 => {
                assert_eq!(answer.problem(), "busy");
                assert_eq!(answer.headers["retry-after"], "1");
                turned_away += 1;
            }
            // The log has said nothing for two seconds; its place is taken all the same.
            status => {
                assert_eq!(status, 202, "{}", answer.body);
                told += 1;
            }
        }
    }
    let event = json!({
        "event_id": "e1", "user_id": "u1", "kind": "visit", "campaign_id": "spring",
        "occurred_at_ms": jiff::Timestamp::now().as_millisecond(),
    });
    let taken = post(&second.router, JSON, event.to_string()).await;
    assert_eq!(taken.status, 202, "{}", taken.body);
    gate.open();
    while let Some(answer) = asking.join_next().await {
        let answer = answer.unwrap();
        assert!(matches!(answer.status, 201 | 202), "{}", answer.body);
        told += 1;
    }
    assert_eq!(told, WAITING);
    // The definition, and one record of each who might wait: nothing of the others.
    until(|| world.records() == 1 + WAITING).await;
    holds(&second.router, WAITING).await;
    assert_eq!(ask(&second.router, "late", None).await.status, 201);
}
