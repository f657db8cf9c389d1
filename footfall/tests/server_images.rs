//! `verify --live`: Redis' images while a processor works, and one that claims more than it holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use std::io::{Read, Write};
use std::net::TcpStream;

use deployment::{Deployment, succeeded, wait_for};
use footfall::views::Store;
use serde_json::Value;

/// Sends one command to Redis.
fn redis(deployment: &Deployment, command: &str) {
    let address = deployment.config.redis.url.trim_start_matches("redis://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(command.as_bytes()).unwrap();
    let mut reply = [0; 16];
    let length = stream.read(&mut reply).unwrap();
    assert_eq!(reply[..length].first(), Some(&b':'), "{command}: {reply:?}");
}

#[test]
#[ignore = "needs servers"]
fn every_image_read_while_a_processor_works_is_a_prefix_of_the_log_and_a_false_one_is_found() {
    let mut deployment = Deployment::on_servers();
    deployment.configure(|config| config.opensearch.urls.clear());
    let processor = deployment.processor("only");
    let generating = deployment.spawn(&["generate", "--count", "100000000", "--rate", "2000"]);
    wait_for("Redis holds something of every partition", || {
        let stored = deployment.footfall(&["views", "digest", "--store", "redis"]);
        (stored.status.success() && deployment.stored(Store::Redis) > 1000).then_some(())
    });
    let journal = deployment.folder().join("images.jsonl");
    let journal = journal.to_str().unwrap();
    let live = ["verify", "--live", "5s", "--json", "--journal", journal];
    let report: Value = serde_json::from_str(&succeeded(deployment.footfall(&live))).unwrap();
    let number = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(number("wrong"), 0, "{report}");
    let partitions = u64::from(deployment.config.definition.partitions);
    assert!(number("offsets") > partitions, "nothing moved: {report}");
    let lines = std::fs::read_to_string(journal).unwrap();
    assert_eq!(lines.lines().count() as u64, number("images"));
    generating.terminate();
    generating.finish();
    deployment.wait_until_stored(Store::Redis);
    processor.stop();

    // The image says that it holds one record less than it does.
    let id = deployment.config.definition.id();
    redis(
        &deployment,
        &format!("HINCRBY ff:{{{id}:0}}:meta stored -1\r\n"),
    );
    let refused = deployment.footfall(&["verify", "--live", "1s", "--json"]);
    assert!(!refused.status.success());
    let report: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert!(report["wrong"].as_u64().unwrap() > 0, "{report}");
    let shown = report["shown"][0].as_str().unwrap();
    assert!(shown.starts_with("partition 0 at offset "), "{shown}");
}
