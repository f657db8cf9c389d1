//! The gateway on a real Kafka: what it answers as accepted is counted once, whatever happens after the answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use deployment::{Deployment, Process, project, succeeded, wait_for};
use footfall::views::Store;
use prost::Message;
use reqwest::RequestBuilder;
use schemas::v1;
use serde_json::{Value, json};

fn json_of(request: RequestBuilder, body: &Value) -> RequestBuilder {
    let request = request.header("content-type", "application/json");
    request.body(body.to_string())
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
        let (status, answer) = deployment.send(|client| json_of(client.post(&url), &events));
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
    let (status, answer) = deployment.send(|client| {
        let request = client.post(format!("{at_second}/v1/events"));
        let request = request.header("content-type", "application/x-protobuf");
        request.body(one.encode_to_vec())
    });
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
    let send = |token: Option<&String>, events: &Value| {
        deployment.send(|client| {
            let request = json_of(client.post(&url), events);
            match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            }
        })
    };
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

/// Asks for a seat as `user`; the request's id is the user's.
fn enter(deployment: &Deployment, address: &str, user: &str) -> (u16, Value) {
    deployment.send(|client| {
        client
            .post(format!("{address}/v1/activities/signing/entries"))
            .header("footfall-user", user)
            .header("idempotency-key", user)
            .header("user-agent", "a test")
    })
}

#[test]
#[ignore = "needs servers"]
fn seats_are_given_by_the_log_alike_at_every_gateway_and_counted_in_the_funnel() {
    let mut deployment = Deployment::on_servers();
    deployment.configure(|config| config.entry.claimed_users = true);
    let processor = deployment.processor("one");
    let (first, at_first) = deployment.serving(&["entry"]);
    let (second, at_second) = deployment.serving(&["entry"]);
    for address in [&at_first, &at_second] {
        wait_for("the entries are read", || {
            (deployment.ask(&format!("{address}/readyz")).0 == 200).then_some(())
        });
    }
    let activity = json!({
        "campaign_id": "spring", "name": "사인회", "capacity": 5,
        "opens_at_ms": jiff::Timestamp::now().as_millisecond() - 60_000,
    });
    let url = "/v1/activities/signing";
    let (status, said) =
        deployment.send(|client| json_of(client.put(format!("{at_first}{url}")), &activity));
    assert_eq!(status, 200, "{said}");
    wait_for("the other gateway knows the activity", || {
        (deployment.ask(&format!("{at_second}{url}")).0 == 200).then_some(())
    });

    let mut receipts = BTreeMap::new();
    for of in 0..12 {
        let address = if of % 2 == 0 { &at_first } else { &at_second };
        let user = format!("user-{of}");
        let (status, said) = enter(&deployment, address, &user);
        match status {
            201 => {
                receipts.insert(user, said["receipt"].clone());
            }
            _ => assert_eq!(
                (status, &said["outcome"]),
                (409, &json!("sold_out")),
                "{said}"
            ),
        }
    }
    let mut ranks: Vec<u64> = receipts
        .values()
        .map(|of| of["rank"].as_u64().unwrap())
        .collect();
    ranks.sort_unstable();
    assert_eq!(ranks, [1, 2, 3, 4, 5]);

    // Whoever asks again, elsewhere and after a kill, is told the same.
    first.kill();
    for (user, receipt) in &receipts {
        let (status, said) = enter(&deployment, &at_second, user);
        assert_eq!((status, &said["receipt"]), (200, receipt), "{said}");
    }
    let (third, at_third) = deployment.serving(&["entry"]);
    wait_for("the entries are read", || {
        (deployment.ask(&format!("{at_third}/readyz")).0 == 200).then_some(())
    });
    let held = deployment.get(&format!("{at_third}{url}"));
    assert_eq!(
        (&held["held"], &held["remaining"]),
        (&json!(5), &json!(0)),
        "{held}"
    );

    // A program that shares the messages and nothing else counts the same.
    let counted = recount(&deployment);
    assert_eq!(counted["held"], 5, "{counted}");
    for seat in counted["admitted"].as_array().unwrap() {
        let receipt = &receipts[seat[0].as_str().unwrap()];
        let told = ["rank", "partition", "offset"].map(|name| receipt[name].clone());
        assert_eq!(told.as_slice(), &seat.as_array().unwrap()[1..], "{counted}");
    }

    let (api, address) = deployment.serving(&["api"]);
    let campaign = wait_for("the funnel has all who entered", || {
        let campaign = deployment.campaign(&address, "spring", "");
        (campaign["totals"]["by_kind"]["enter"] == 5).then_some(campaign)
    });
    assert_eq!(
        campaign["activities"][0]["activity"], "signing",
        "{campaign}"
    );
    for process in [second, third, api, processor] {
        process.stop();
    }
}

/// A gateway that has read the log to its end, its address, and how many records it read for that.
fn started(deployment: &Deployment) -> (Process, String, u64) {
    let (gateway, address) = deployment.serving(&["entry"]);
    wait_for("the entries are read", || {
        (deployment.ask(&format!("{address}/readyz")).0 == 200).then_some(())
    });
    let (_, metrics) = deployment.ask(&format!("{address}/metrics"));
    let of = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        let counts = name.starts_with("footfall_entry_records_followed_total{");
        counts.then(|| value.parse::<u64>().unwrap())
    };
    let followed = metrics.lines().filter_map(of).sum();
    (gateway, address, followed)
}

#[test]
#[ignore = "needs servers"]
fn a_gateway_that_starts_again_reads_the_records_after_its_snapshot_and_gives_the_same_receipts() {
    let mut deployment = Deployment::on_servers();
    deployment.configure(|config| config.entry.claimed_users = true);
    let mut receipts = BTreeMap::new();
    let enter_more = |address: &str, receipts: &mut BTreeMap<String, Value>, users: [u32; 2]| {
        for user in users.map(|of| format!("user-{of}")) {
            let (status, said) = enter(&deployment, address, &user);
            assert_eq!(status, 201, "{said}");
            receipts.insert(user, said["receipt"].clone());
        }
    };
    let (first, address, _) = started(&deployment);
    let activity = json!({
        "campaign_id": "spring", "capacity": 5,
        "opens_at_ms": jiff::Timestamp::now().as_millisecond() - 60_000,
    });
    let url = format!("{address}/v1/activities/signing");
    let (status, said) = deployment.send(|client| json_of(client.put(&url), &activity));
    assert_eq!(status, 200, "{said}");
    enter_more(&address, &mut receipts, [1, 2]);
    first.stop();

    let (second, address, followed) = started(&deployment);
    assert_eq!(followed, 0, "all of it was kept");
    enter_more(&address, &mut receipts, [3, 4]);
    second.kill();

    let (third, address, followed) = started(&deployment);
    assert_eq!(followed, 2, "what came after the snapshot");
    let same = |address: &str| {
        for (user, receipt) in &receipts {
            let (status, said) = enter(&deployment, address, user);
            assert_eq!((status, &said["receipt"]), (200, receipt), "{said}");
        }
    };
    same(&address);
    third.kill();

    let partition = receipts["user-1"]["partition"].as_u64().unwrap();
    let folder = deployment.config.data.join("seats").join("1");
    std::fs::write(folder.join(format!("{partition:04}.admission")), "x").unwrap();
    let (fourth, address, followed) = started(&deployment);
    assert_eq!(followed, 5, "the log from its start");
    same(&address);
    fourth.stop();
}

/// What `schemas/python/recount_admissions.py` finds in the topic of entries: one activity.
fn recount(deployment: &Deployment) -> Value {
    let interpreter = std::env::var_os("FOOTFALL_TEST_PYTHON").map_or_else(
        || project().join(".footfall/software/venv/bin/python"),
        PathBuf::from,
    );
    let output = Command::new(interpreter)
        .arg(project().join("schemas/python/recount_admissions.py"))
        .args(["--brokers", &deployment.config.log.brokers])
        .args(["--topic", &deployment.config.topics().entries])
        .output()
        .unwrap();
    serde_json::from_str(&succeeded(output)).unwrap()
}
