//! Processors of one group come, go, die and lose their disks under traffic; no record is lost or counted twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use std::path::Path;

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
    let snapshots = deployment.folder().join("snapshots");
    deployment.configure(|config| {
        config.snapshots.url = format!("file://{}", snapshots.display());
        config.snapshots.every_s = 1;
    });
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
    for processor in [first, third, fourth] {
        processor.stop();
    }
}
