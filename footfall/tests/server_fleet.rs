//! Processors of one group come, go, die and lose their disks under traffic; no record is lost or counted twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../processor/tests/bucket/mod.rs"]
mod bucket;
mod deployment;

use std::path::Path;

use bucket::{Bucket, KEY, SECRET};
use deployment::{Deployment, Process, wait_for};
use footfall::views::Store;
use serde_json::Value;

/// Offsets at which partitions were started from what, by the processor of that name.
fn started(deployment: &Deployment, name: &str, from: &str) -> Vec<u64> {
    let log = deployment.log_of(name);
    let of = |line: &str| {
        let (_, rest) = line.split_once("next_offset=")?;
        let offset = rest.split_whitespace().next()?.parse().ok()?;
        line.contains(&format!("from=\"{from}\"")).then_some(offset)
    };
    log.lines().filter_map(of).collect()
}

/// Waits until the processor of that name has partitions.
fn wait_for_partitions(deployment: &Deployment, name: &str) {
    wait_for(&format!("{name} has partitions"), || {
        let log = deployment.log_of(name);
        log.contains("assigned partitions=[").then_some(())
    });
}

/// Waits until the stores have taken this many records more.
fn wait_for_progress(deployment: &Deployment, records: u64) {
    let before = deployment.stored(Store::Redis);
    wait_for(&format!("{records} more records in Redis"), || {
        (deployment.stored(Store::Redis) >= before + records).then_some(())
    });
}

const KEY_VARIABLE: &str = "FOOTFALL_TEST_BUCKET_KEY";

/// Snapshots go into the bucket, with its secrets where an operator has them.
fn keep_in(bucket: &Bucket, deployment: &mut Deployment) {
    let secret = deployment.folder().join("secret");
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    deployment.set_variable(KEY_VARIABLE, KEY);
    deployment.configure(|config| {
        let of = &mut config.snapshots;
        of.url = bucket.url();
        of.every_s = 1;
        of.options = bucket.options();
        for (name, told) in [
            ("access_key_id", format!("env:{KEY_VARIABLE}")),
            ("secret_access_key", format!("file:{}", secret.display())),
        ] {
            of.options.insert(name.to_owned(), told);
        }
    });
}

/// What `footfall doctor` says about snapshots, and how that ended.
fn doctor(deployment: &Deployment) -> (String, String) {
    let output = deployment.footfall(&["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut checks = report["checks"].as_array().unwrap().iter();
    let check = checks.find(|check| check["about"] == "snapshots").unwrap();
    let text = |name: &str| check[name].as_str().unwrap().to_owned();
    (text("outcome"), text("sentence"))
}

/// Whether each partition has a snapshot in the folder.
fn has_snapshots(folder: &Path, deployment: &Deployment) -> bool {
    let of_definition = folder.join(deployment.config.definition.id());
    (0..deployment.config.definition.partitions).all(|partition| {
        let of = std::fs::read_dir(of_definition.join(format!("{partition:04}")));
        of.is_ok_and(|mut files| files.next().is_some())
    })
}

/// Starts a generator that goes on until it is told to stop.
fn generate(deployment: &Deployment) -> Process {
    deployment.spawn(&[
        "generate",
        "--count",
        "100000000",
        "--users",
        "5000",
        "--duplicates",
        "0.01",
        "--bad",
        "0.005",
        "--rate",
        "3000",
    ])
}

#[test]
#[ignore = "needs servers"]
fn three_processors_lose_nothing_while_one_is_added_one_stopped_one_killed_and_one_loses_its_disk()
{
    let mut deployment = Deployment::on_servers();
    let bucket = Bucket::start();
    let snapshots = bucket.objects();
    keep_in(&bucket, &mut deployment);
    let [first, second, third] =
        ["first", "second", "third"].map(|name| deployment.processor(name));
    for name in ["first", "second", "third"] {
        wait_for_partitions(&deployment, name);
    }
    let mut generating = generate(&deployment);
    wait_for("snapshots of every partition", || {
        has_snapshots(&snapshots, &deployment).then_some(())
    });

    // One is added, with a folder that has never seen a partition.
    let fourth = deployment.processor("fourth");
    wait_for(
        "the new one to be given partitions, and to restore them",
        || (!started(&deployment, "fourth", "snapshot").is_empty()).then_some(()),
    );
    wait_for_progress(&deployment, 3_000);
    // One is stopped, one is killed: the others take over at once, and when the group notices.
    first.stop();
    second.kill();
    wait_for_progress(&deployment, 3_000);
    // The stopped one comes back on a new disk.
    std::fs::remove_dir_all(deployment.folder().join("first")).unwrap();
    let restored_before = started(&deployment, "first", "snapshot").len();
    let first = deployment.processor("first");
    wait_for("the one without a disk to restore partitions", || {
        (started(&deployment, "first", "snapshot").len() > restored_before).then_some(())
    });
    wait_for_progress(&deployment, 3_000);
    assert!(generating.is_running());
    generating.terminate();
    let made: Value = serde_json::from_str(&generating.finish()).unwrap();
    let journal = &made["journal"];
    deployment.wait_until_stored(Store::Redis);
    deployment.wait_until_stored(Store::Opensearch);

    for verdict in deployment.verify("redis,opensearch") {
        assert_eq!(verdict["records"], journal["records"], "{verdict}");
        assert_eq!(verdict["applied"], journal["applied"], "{verdict}");
        assert_eq!(verdict["duplicate"], journal["duplicates"], "{verdict}");
        let bad = journal["bad"].as_object().unwrap().values();
        let bad: u64 = bad.filter_map(Value::as_u64).sum();
        assert_eq!(verdict["dead_lettered"], bad, "{verdict}");
    }
    // What was restored was no state before the first record, and nobody halted.
    for name in ["fourth", "first"] {
        let offsets = started(&deployment, name, "snapshot");
        assert!(
            offsets.iter().all(|offset| *offset > 0),
            "{name}: {offsets:?}"
        );
    }
    assert_eq!(started(&deployment, "fourth", "log"), Vec::<u64>::new());
    for name in ["first", "second", "third", "fourth"] {
        let log = deployment.log_of(name);
        assert!(!log.contains("the partition halts"), "{name} halted");
    }
    let (outcome, said) = doctor(&deployment);
    assert_eq!(outcome, "ok");
    assert!(said.contains("; 12 of 12 partitions"), "{said}");
    for processor in [first, third, fourth] {
        processor.stop();
    }
}

#[test]
#[ignore = "needs servers"]
fn doctor_says_whether_snapshots_can_be_kept_where_the_configuration_says() {
    let mut deployment = Deployment::on_servers();
    let mut bucket = Bucket::start();
    keep_in(&bucket, &mut deployment);
    let (outcome, said) = doctor(&deployment);
    assert_eq!(outcome, "ok");
    assert!(said.contains("s3://snapshots/some/where can be listed, written and deleted in"));
    assert!(said.contains("no partition of this definition has a snapshot yet"));
    let left = std::fs::read_dir(bucket.objects()).map_or(0, Iterator::count);
    assert_eq!(left, 0, "it left something in the bucket");

    let right = deployment.config.snapshots.clone();
    deployment.configure(|config| config.snapshots.url = "s3://absent".to_owned());
    let (outcome, said) = doctor(&deployment);
    assert_eq!(outcome, "warning");
    assert!(said.contains("no such bucket"), "{said}");

    deployment.configure(|config| config.snapshots = right);
    std::fs::write(deployment.folder().join("secret"), "another").unwrap();
    let (outcome, said) = doctor(&deployment);
    assert_eq!(outcome, "warning");
    assert!(
        said.contains("see that access_key_id and secret_access_key"),
        "{said}"
    );

    bucket.kill();
    let (outcome, said) = doctor(&deployment);
    assert_eq!(outcome, "unasked");
    assert!(said.contains("Connection refused"), "{said}");

    let folder = deployment.folder().join("share");
    deployment.configure(|config| {
        config.snapshots.url = format!("file://{}", folder.display());
        config.snapshots.options.clear();
    });
    let (outcome, said) = doctor(&deployment);
    assert_eq!(outcome, "warning");
    assert!(said.contains("mount it") && !folder.exists(), "{said}");
    std::fs::create_dir(&folder).unwrap();
    let (outcome, _) = doctor(&deployment);
    assert_eq!(outcome, "ok");
    let left = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(left, 0, "it left something in the folder");
}
