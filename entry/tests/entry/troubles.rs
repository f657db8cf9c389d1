//! A log that fails or stands still, and who may send at all.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use entry::{Appender, NotAppended};
use log::{Error, NewRecord};
use tokio::task::JoinSet;

use crate::support::{Answered, Failing, Gate, JSON, gateway, object, post, send};

#[tokio::test]
async fn events_that_the_log_does_not_acknowledge_are_never_answered_as_accepted() {
    let away = || Error::Transient("broker 10.1.2.3 does not answer".to_owned());
    let broken = || Error::Fatal("the topic events on 10.1.2.3 is gone".to_owned());
    for (error, status, problem, again) in [
        (away as fn() -> Error, 503, "not-acknowledged", Some("1")),
        (broken, 500, "log-refused", None),
    ] {
        let router = entry::router(gateway(Arc::new(Failing(error))));
        let answer = post(&router, JSON, object(1).to_string()).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.problem(), problem);
        let retry = answer.headers.get("retry-after");
        assert_eq!(retry.map(|value| value.to_str().unwrap()), again);
        assert!(
            !answer.body.to_string().contains("10.1.2.3"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn bodies_beyond_their_room_are_turned_away_and_taken_again_when_the_log_has_answered() {
    let gate = Arc::new(Gate::default());
    let router = entry::router(gateway(gate.clone()));
    let mut asking = JoinSet::new();
    // Bodies that don't say their length take the room of the largest: sixty-four have room.
    for number in 0..70 {
        let router = router.clone();
        asking.spawn(async move { post(&router, JSON, object(number).to_string()).await });
    }
    let next = async |asking: &mut JoinSet<Answered>| asking.join_next().await.unwrap().unwrap();
    for _ in 0..6 {
        let refused = next(&mut asking).await;
        assert_eq!((refused.status, refused.problem()), (503, "busy"));
        assert_eq!(refused.headers["retry-after"], "1");
    }
    gate.open();
    for _ in 0..64 {
        assert_eq!(next(&mut asking).await.status, 202);
    }
    assert_eq!(post(&router, JSON, object(1).to_string()).await.status, 202);
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_at_once_and_everybody_else_gets_their_own_answer() {
    let gate = Arc::new(Gate::default());
    let appender = Appender::start("events", gate.clone(), 1).unwrap();
    let mut asking = JoinSet::new();
    for number in 0..12_000_u64 {
        let appender = appender.clone();
        let record = NewRecord {
            key: format!("u{number}").into_bytes(),
            ..NewRecord::default()
        };
        asking.spawn(async move { (number, appender.append(vec![record], None).await) });
    }
    let (_, first) = asking.join_next().await.unwrap().unwrap();
    assert_eq!(first, Err(NotAppended::Full));
    gate.open();
    let (mut full, mut taken) = (1, 0);
    while let Some(answer) = asking.join_next().await {
        match answer.unwrap() {
            (_, Err(error)) => {
                assert_eq!(error, NotAppended::Full);
                full += 1;
            }
            (number, Ok(appended)) => {
                assert_eq!(appended.places.len(), 1);
                assert_eq!(appended.places[0].offset, number);
                taken += 1;
            }
        }
    }
    assert_eq!(full + taken, 12_000);
    assert!(taken >= 4_096, "{taken} were taken");
    // Many went into one call.
    assert!(
        gate.calls() < taken / 4,
        "{} calls for {taken}",
        gate.calls()
    );
}

#[tokio::test]
async fn events_need_a_token_with_the_scope_ingest() {
    let mut tokens = web::Tokens::default();
    let by_scope = web::Scope::ALL.map(|scope| {
        let created = jiff::Timestamp::UNIX_EPOCH;
        let (token, entry) = web::create(scope.as_str(), &[scope], created, None);
        tokens.add(entry).unwrap();
        (scope, token)
    });
    let gate = Arc::new(Gate::default());
    gate.open();
    let gateway = gateway(gate).with_guard(web::Guard::of(tokens));
    let router = entry::router(gateway);
    assert_eq!(post(&router, JSON, object(1).to_string()).await.status, 401);
    for (scope, token) in by_scope {
        let request = Request::post("/v1/events")
            .header("content-type", JSON)
            .header("authorization", format!("Bearer {token}"));
        let body = Body::from(object(1).to_string());
        let answer = send(&router, request.body(body).unwrap()).await;
        let expected = if scope.covers(web::Scope::Ingest) {
            202
        } else {
            403
        };
        assert_eq!(answer.status, expected, "{scope}");
    }
}

#[tokio::test]
async fn what_becomes_of_events_is_counted() {
    let recorder = telemetry::metrics::recorder().unwrap();
    let handle = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let gate = Arc::new(Gate::default());
    gate.open();
    let router = entry::router(gateway(gate));
    let both = serde_json::json!([object(1), {"user_id": "u"}, object(2)]).to_string();
    assert_eq!(post(&router, JSON, both).await.status, 207);
    let text = handle.render();
    for line in [
        "footfall_entry_events_total{outcome=\"accepted\"} 2",
        "footfall_entry_events_total{outcome=\"rejected\"} 1",
        "footfall_entry_events_total{outcome=\"unacknowledged\"} 0",
        "footfall_entry_rejections_total{reason=\"bad_json\"} 1",
        "footfall_entry_shed_total{what=\"log\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
}
