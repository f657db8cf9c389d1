//! What operators are told of the embedded set, which needs no servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use deployment::{Deployment, succeeded, wait_for};
use pipeline::rejection::Reason;
use serde_json::Value;

fn status(deployment: &Deployment) -> Value {
    serde_json::from_str(&succeeded(deployment.footfall(&["status", "--json"]))).unwrap()
}

#[test]
fn doctor_refuses_an_empty_folder_with_how_to_begin_and_leaves_it_empty() {
    let deployment = Deployment::embedded();
    let output = deployment.footfall(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("refused"), "{said}");
    assert!(said.contains("`footfall demo`"), "{said}");
    assert!(!deployment.config.data.exists());
}

#[test]
fn status_and_doctor_look_at_a_running_demo_and_at_what_it_left() {
    let deployment = Deployment::embedded();
    let demo = ["demo", "--no-import", "--rate", "50"];
    let (demo, _) = deployment.serving(&demo);
    let report = wait_for("generated events are folded", || {
        let report = status(&deployment);
        let folded = |of: &Value| of["folded"].as_u64().unwrap_or(0);
        let folded: u64 = report["partitions"].as_array()?.iter().map(folded).sum();
        (folded > 0).then_some(report)
    });
    for partition in report["partitions"].as_array().unwrap() {
        let owner = partition["owner"].as_str().unwrap();
        assert!(owner.starts_with("the demo on "), "{partition}");
    }
    let looked = deployment.footfall(&["doctor"]);
    assert_eq!(looked.status.code(), Some(0), "{looked:?}");
    demo.stop();

    let report = status(&deployment);
    assert_eq!(report["not_asked"], Value::Array(Vec::new()), "{report}");
    for partition in report["partitions"].as_array().unwrap() {
        assert_eq!(partition["owner"], Value::Null, "{partition}");
        assert_eq!(partition["folded"], partition["log_end"], "{partition}");
    }
    let printed = succeeded(deployment.footfall(&["status"]));
    assert!(printed.contains("nobody"), "{printed}");
}

/// A server that takes connections and never answers.
struct Silent(TcpListener);

impl Silent {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Somebody asks, and goes on waiting for the answer.
    fn asked(&self) -> TcpStream {
        wait_for("a connection", || Some(self.0.accept().ok()?.0))
    }
}

#[test]
fn status_asks_all_at_once_names_who_is_silent_and_ends_when_it_is_asked_to() {
    let mut deployment = Deployment::embedded();
    let (kafka, redis) = (Silent::new(), Silent::new());
    deployment.configure(|config| {
        config.log.brokers = kafka.address().to_string();
        config.redis.url = format!("redis://{}", redis.address());
        config.definition.hash_key = "0123456789abcdef".repeat(2);
    });
    let process = deployment.spawn(&["status", "--json"]);
    let _connections = [kafka.asked(), redis.asked()];
    let report: Value = serde_json::from_str(&process.finish()).unwrap();
    // Redis' client gives up about when the command does; either says who is silent.
    let silent = report["not_asked"].as_array().unwrap();
    for who in [
        "the log: no answer within",
        "the owners of partitions: no answer within",
        "redis",
    ] {
        let names = |why: &Value| why.as_str().unwrap().to_lowercase().contains(who);
        assert!(silent.iter().any(names), "{who}: {report}");
    }

    let (kafka, redis) = (Silent::new(), Silent::new());
    deployment.configure(|config| {
        config.log.brokers = kafka.address().to_string();
        config.redis.url = format!("redis://{}", redis.address());
    });
    let mut process = deployment.spawn(&["status", "--json"]);
    let _connections = [kafka.asked(), redis.asked()];
    process.terminate();
    assert!(!process.0.wait().unwrap().success(), "it has told nothing");
    let mut printed = String::new();
    let mut stdout = process.0.stdout.take().unwrap();
    stdout.read_to_string(&mut printed).unwrap();
    assert_eq!(printed, "");
}

/// The values that a label may have; `None` for a label that nobody planned.
fn is_planned(label: &str, value: &str) -> Option<bool> {
    let is_one_of = |all: &[&str]| all.contains(&value);
    let reasons = Reason::ALL.map(Reason::as_str);
    Some(match label {
        "partition" => value.parse::<u32>().is_ok_and(|partition| partition < 12),
        "status" => value
            .parse::<u16>()
            .is_ok_and(|status| (100..600).contains(&status)),
        "le" | "quantile" => value == "+Inf" || value.parse::<f64>().is_ok(),
        "version" => value == env!("CARGO_PKG_VERSION"),
        "outcome" => {
            let folded = ["applied", "duplicate", "late", "dead_lettered"];
            let sent = ["accepted", "rejected", "acknowledged", "unacknowledged"];
            is_one_of(&folded) || is_one_of(&sent)
        }
        "topic" => is_one_of(&["events", "entries", "campaigns"]),
        "view" => is_one_of(&["fold", "redis", "opensearch", "hot", "history"]),
        "limit" => is_one_of(&["names", "contributions"]),
        "reason" => reasons.contains(&value) || is_one_of(REFUSALS),
        "what" => is_one_of(&[
            "users",
            "rows",
            "dedup_ids",
            "names",
            "dead_letters",
            "checkpoint",
            "snapshot",
            "log",
            "bodies",
            "entries",
        ]),
        "place" => value.parse::<u32>().is_ok_and(|place| place < 4),
        "from" => is_one_of(&["checkpoint", "copy", "snapshot", "log"]),
        "file" => is_one_of(&["certificate", "tokens"]),
        "method" => is_one_of(METHODS),
        "route" => value == "(none)" || ROUTES.contains(&value),
        _ => return None,
    })
}

/// Those of HTTP; any other is `other`.
const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "other",
];
/// Why requests and connections are not let through.
const REFUSALS: &[&str] = &[
    "missing",
    "unknown",
    "expired",
    "scope",
    "too_many",
    "handshake",
];
/// The API's own.
const ROUTES: &[&str] = &[
    "/",
    "/page/{name}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/v1/campaigns",
    "/v1/campaigns/{id}",
    "/v1/campaigns/{id}/timeseries",
    "/v1/activities/{id}",
];

#[test]
fn no_request_and_no_event_makes_a_label_that_was_not_planned() {
    let deployment = Deployment::embedded();
    let generated = [
        "generate", "--count", "500", "--bad", "0.2", "--late", "0.1",
    ];
    succeeded(deployment.footfall(&generated));
    let (demo, address) = deployment.serving(&["demo", "--no-import", "--rate", "20"]);
    for path in [
        "/nowhere",
        "/v1/campaigns/nobody",
        "/v1/nothing?x=1",
        "/page/none",
        "/v1/activities/%00",
    ] {
        deployment.ask(&format!("{address}{path}"));
    }
    for method in ["DELETE", "PROPFIND", "X-NOBODY"] {
        let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
        let request =
            format!("{method} /v1/campaigns HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    }
    let text = wait_for("events that were set aside", || {
        let (_, text) = deployment.ask(&format!("{address}/metrics"));
        text.contains("footfall_dead_letters_total{")
            .then_some(text)
    });
    let mut labels = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, rest)) = line.split_once('{') else {
            continue;
        };
        let (list, _) = rest.rsplit_once('}').unwrap();
        for pair in list.split("\",") {
            let (label, value) = pair.split_once("=\"").unwrap();
            let value = value.trim_end_matches('"');
            let planned = is_planned(label, value);
            assert_eq!(planned, Some(true), "{label}={value:?} in {line}");
            labels += 1;
        }
    }
    assert!(labels > 100, "{text}");
    demo.stop();
}
