//! The gateway on a real Kafka: what it answers as accepted is counted once, whatever happens after the answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use deployment::{Deployment, succeeded, wait_for};
use footfall::views::Store;
use prost::Message;
use schemas::v1;
use serde_json::{Value, json};

fn json_of(events: &Value) -> (&'static str, Vec<u8>) {
    ("application/json", events.to_string().into_bytes())
}

fn visit(id: &str, user: &str) -> Value {
    json!({
        "event_id": id, "user_id": user, "kind": "visit", "campaign_id": "spring",
        "occurred_at_ms": jiff::Timestamp::now().as_millisecond(),
    })
}

#[test]
#[ignore = "needs servers"]
fn events_sent_over_http_are_counted_once_though_they_come_twice_and_by_two_gateways() {
    let deployment = Deployment::on_servers();
    let processor = deployment.processor("one");
    let (first, at_first) = deployment.serving(&["entry"]);
    let (second, at_second) = deployment.serving(&["entry"]);
    let events: Value = (0..20)
        .map(|of| visit(&format!("visit-{of}"), &format!("user-{}", of % 7)))
        .collect();
    let mut accepted = Vec::new();
    for address in [&at_first, &at_second] {
        let url = format!("{address}/v1/events");
        let (status, answer) = deployment.post(&url, None, json_of(&events));
        assert_eq!(status, 202, "{answer}");
        assert_eq!(answer["accepted"], 20, "{answer}");
        accepted.extend(answer["events"].as_array().unwrap().clone());
    }
    // What was acknowledged is there, wherever the gateway is.
    first.kill();
    let one = v1::Event {
        event_id: "click-1".to_owned(),
        user_id: "user-1".to_owned(),
        kind: v1::Kind::Click.into(),
        campaign_id: "spring".to_owned(),
        occurred_at_ms: jiff::Timestamp::now().as_millisecond(),
        ..v1::Event::default()
    };
    let body = ("application/x-protobuf", one.encode_to_vec());
    let (status, answer) = deployment.post(&format!("{at_second}/v1/events"), None, body);
    assert_eq!(status, 202, "{answer}");

    assert_eq!(deployment.records(), 41);
    let mut places: Vec<String> = accepted
        .iter()
        .map(|of| format!("{}/{}", of["partition"], of["offset"]))
        .collect();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 40, "each stands at an offset of its own");
    deployment.wait_until_stored(Store::Redis);
    let (api, address) = deployment.serving(&["api"]);
    let campaign = deployment.campaign(&address, "spring", "");
    assert_eq!(campaign["totals"]["by_kind"]["visit"], 20, "{campaign}");
    assert_eq!(campaign["totals"]["by_kind"]["click"], 1, "{campaign}");
    for verdict in deployment.verify("redis") {
        assert_eq!(verdict["duplicate"], 20, "{verdict}");
    }
    second.stop();
    api.stop();
    processor.stop();
}

#[test]
#[ignore = "needs servers"]
fn a_gateway_asks_for_the_scope_ingest_and_says_what_is_wrong_with_each_event() {
    let mut deployment = Deployment::on_servers();
    let tokens = deployment.folder().join("tokens");
    deployment.configure(|config| config.http.tokens = tokens);
    let token = |scope: &str| {
        let args = ["tokens", "create", "--name", scope, "--scope", scope];
        succeeded(deployment.footfall(&args)).trim().to_owned()
    };
    let (sender, reader) = (token("ingest"), token("read"));
    let (gateway, address) = deployment.serving(&["entry"]);
    let url = format!("{address}/v1/events");
    let send = |token, events: &Value| deployment.post(&url, token, json_of(events));
    let good = visit("one", "user");
    assert_eq!(send(None, &good).0, 401);
    assert_eq!(send(Some(&reader), &good).0, 403);
    let mut seat = visit("two", "user");
    seat["kind"] = json!("enter");
    let mut nobody = visit("three", "");
    nobody["user_id"] = json!("");
    let (_, answer) = send(Some(&sender), &json!([seat, good, nobody]));
    assert_eq!(answer["accepted"], 1, "{answer}");
    assert_eq!(answer["events"][0]["reason"], "reserved_kind", "{answer}");
    assert_eq!(answer["events"][1]["status"], "accepted", "{answer}");
    assert_eq!(answer["events"][2]["status"], "rejected", "{answer}");
    wait_for("the one record", || {
        (deployment.records() == 1).then_some(())
    });
    gateway.stop();
}
