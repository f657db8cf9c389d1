//! What operators are told of the embedded set, which needs no servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use deployment::{Deployment, succeeded, wait_for};
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
    let (demo, address) = deployment.serving(&demo);
    let report = wait_for("generated events are folded", || {
        let report = status(&deployment);
        let folded = |of: &Value| of["folded"].as_u64().unwrap_or(0);
        let folded: u64 = report["partitions"].as_array()?.iter().map(folded).sum();
        (folded > 0).then_some(report)
    });
    for partition in report["partitions"].as_array().unwrap() {
        assert_eq!(partition["owner"], address, "{partition}");
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
