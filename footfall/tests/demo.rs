//! The main job on the embedded set: one process, nothing installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use std::collections::BTreeSet;

use deployment::{Deployment, project, succeeded, wait_for};
use footfall::views::Store;
use serde_json::Value;

const SHORT: [&str; 6] = ["demo", "--rate", "0", "--for", "1s", "--json"];

fn demo(deployment: &Deployment, args: &[&str]) -> Value {
    serde_json::from_str(&succeeded(deployment.footfall(args))).unwrap()
}

/// The sample, counted by a script that shares no code with the fold.
fn recount(deployment: &Deployment) -> Value {
    let data = project().join("footfall/data");
    let script = data.join("recount.py");
    let python = |mode: &str, input: std::process::Stdio| {
        let mut command = std::process::Command::new("python3");
        command
            .arg(&script)
            .arg(mode)
            .arg(data.join("access-2015-05.log"));
        succeeded(command.stdin(input).output().unwrap())
    };
    let agents = deployment.folder().join("agents");
    std::fs::write(&agents, python("--agents", std::process::Stdio::null())).unwrap();
    let classes = deployment.folder().join("classes");
    let device = std::process::Command::new(deployment::binary())
        .arg("device")
        .stdin(std::fs::File::open(&agents).unwrap())
        .output()
        .unwrap();
    std::fs::write(&classes, succeeded(device)).unwrap();
    let counted = python("--devices", std::fs::File::open(&classes).unwrap().into());
    serde_json::from_str(&counted).unwrap()
}

#[test]
fn the_sample_ends_as_the_script_counts_it_and_verifies_clean() {
    let deployment = Deployment::embedded();
    let summary = demo(&deployment, &SHORT);
    let counted = recount(&deployment);
    let number = |name: &str| counted[name].as_u64().unwrap_or(0);
    let events = number("visit") + number("click");
    let skipped: u64 = ["not_get", "status", "asset", "unreadable"]
        .map(number)
        .iter()
        .sum();
    assert_eq!(number("lines"), 10_000);
    assert_eq!(events + skipped, 10_000, "every line is accounted for");
    assert_eq!(summary["applied"], events);
    assert_eq!(summary["consumed"], events);
    assert_eq!(summary["people"], counted["people"]);
    assert_has_the_numbers(&summary, &counted);
    let verdict = succeeded(deployment.footfall(&["verify"]));
    assert!(verdict.contains("0 differ"), "{verdict}");
}

/// That a summary gives every number of the script, and none beside it.
fn assert_has_the_numbers(summary: &Value, counted: &Value) {
    let number = |name: &str| counted[name].as_u64().unwrap_or(0);
    let kinds = serde_json::json!({
        "visit": number("visit"), "click": number("click"), "enter": 0, "purchase": 0, "sign_up": 0
    });
    assert_eq!(summary["events"], kinds);
    let devices = summary["devices"].as_object().unwrap();
    let with_events = devices.iter().filter(|(_, count)| **count != 0);
    let with_events: serde_json::Map<_, _> = with_events
        .map(|(name, count)| (name.clone(), count.clone()))
        .collect();
    assert_eq!(Value::from(with_events), counted["devices"]);
    let import = &summary["import"];
    assert_eq!(import["lines"], counted["lines"]);
    assert_eq!(import["events"], number("visit") + number("click"));
    let skipped = import["skipped"].as_object().unwrap();
    assert_eq!(skipped.len(), 5);
    for (reason, count) in skipped {
        assert_eq!(count.as_u64(), Some(number(reason)), "{reason}");
    }
}

#[test]
fn the_summary_in_words_has_the_numbers_of_the_script() {
    let deployment = Deployment::embedded();
    let text = succeeded(deployment.footfall(&SHORT[..5]));
    let counted = recount(&deployment);
    let devices = &counted["devices"];
    let people = counted["people"].as_u64().unwrap();
    let lines = [
        format!(
            "events: {} visit · {} click · 0 enter · 0 purchase · 0 sign_up",
            counted["visit"], counted["click"]
        ),
        format!(
            "devices: {} mobile · {} tablet · {} desktop · {} bot · {} other",
            devices["mobile"],
            devices["tablet"],
            devices["desktop"],
            devices["bot"],
            devices["other"]
        ),
        format!("{people} people"),
        format!(
            "{} lines imported = {} events + {} not_get + {} status + {} asset + 0 blank + {} unreadable",
            counted["lines"],
            counted["visit"].as_u64().unwrap() + counted["click"].as_u64().unwrap(),
            counted["not_get"],
            counted["status"],
            counted["asset"],
            counted["unreadable"]
        ),
    ];
    for line in lines {
        assert!(
            text.lines().any(|said| said == line),
            "no {line:?} in {text}"
        );
    }
}

#[test]
fn a_second_import_changes_nothing() {
    let deployment = Deployment::embedded();
    let first = demo(&deployment, &SHORT);
    let again = demo(&deployment, &SHORT);
    assert_eq!(first["digest"], again["digest"]);
    assert_eq!(first["applied"], again["applied"]);
    assert_eq!(again["duplicate"], first["consumed"]);
}

#[test]
fn the_api_of_the_demo_gives_the_numbers_of_the_fold() {
    let deployment = Deployment::embedded();
    let (process, address) = deployment.serving(&["demo", "--rate", "0"]);
    let counted = recount(&deployment);
    let events = counted["visit"].as_u64().unwrap() + counted["click"].as_u64().unwrap();
    wait_for("every event in the API", || {
        let campaigns = deployment.get(&format!("{address}/v1/campaigns"));
        assert_eq!(campaigns["as_of_kind"], "exact");
        let names = campaigns["campaigns"].as_array()?;
        let counted = names.iter().map(|of| {
            let name = of["campaign"].as_str().unwrap_or_default();
            let answer = deployment.campaign(&address, name, "?bots=include");
            answer["totals"]["events"].as_u64().unwrap_or(0)
        });
        (counted.sum::<u64>() == events).then_some(())
    });
    process.stop();
    let fold = succeeded(deployment.footfall(&["views", "digest"]));
    assert_eq!(fold.trim(), deployment.digest_of_stopped(Store::Fold));
}

/// Names and types of the metrics that the documents list.
fn documented_metrics() -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(project().join("docs/metrics.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        Some((name.to_owned(), cells.next()?.to_owned()))
    });
    rows.collect()
}

#[test]
fn every_metric_has_a_help_line_and_a_row_in_the_documents() {
    let deployment = Deployment::embedded();
    generate_some_bad(&deployment);
    let (process, address) = deployment.serving(&["demo", "--no-import", "--rate", "200"]);
    let documented = documented_metrics();
    let may_be_absent = [
        "footfall_projection_seconds",
        "footfall_projection_rows_waiting",
        "footfall_retries_total",
        "footfall_view_behind_seconds",
        "footfall_redis_evicts",
        "footfall_opensearch_throttled_documents_total",
        "footfall_opensearch_bulk_documents",
        "footfall_opensearch_blocked",
        "footfall_opensearch_unused_indices",
        // Not before the log enters another minute.
        "footfall_state_digest",
        "footfall_state_digest_offset",
        "footfall_snapshot_seconds",
        "footfall_snapshot_offset",
        "footfall_snapshot_timestamp_seconds",
        "footfall_snapshot_failing",
        "footfall_snapshots_refused_total",
    ];
    wait_for("every metric of an embedded set", || {
        let (_, text) = deployment.ask(&format!("{address}/metrics"));
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let described: BTreeSet<String> = text
            .lines()
            .filter_map(|line| Some(words(line.strip_prefix("# HELP ")?).swap_remove(0)))
            .collect();
        let served: BTreeSet<(String, String)> = text
            .lines()
            .filter_map(|line| {
                let [name, kind] = words(line.strip_prefix("# TYPE ")?).try_into().ok()?;
                Some((name, kind))
            })
            .collect();
        let names: BTreeSet<String> = served.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, described, "metrics without a HELP line");
        let unknown: Vec<_> = served.difference(&documented).collect();
        assert!(unknown.is_empty(), "not in docs/metrics.md: {unknown:?}");
        // Of other processes than this one.
        let of_others = ["footfall_canary_", "footfall_enters_", "footfall_entry_"];
        let mut missing = documented.difference(&served);
        missing
            .all(|(name, _)| {
                of_others.iter().any(|of| name.starts_with(of))
                    || may_be_absent.contains(&name.as_str())
            })
            .then_some(())
    });
    process.stop();
}

#[test]
fn generated_traffic_ends_as_its_journal_says() {
    let deployment = Deployment::embedded();
    let made = succeeded(deployment.footfall(&[
        "generate",
        "--count",
        "20000",
        "--users",
        "2000",
        "--bad",
        "0.005",
        "--shuffle",
        "500",
    ]));
    let made: Value = serde_json::from_str(&made).unwrap();
    let summary = demo(
        &deployment,
        &[
            "demo",
            "--no-import",
            "--rate",
            "0",
            "--for",
            "1s",
            "--json",
        ],
    );
    let journal = &made["journal"];
    assert_eq!(summary["consumed"], journal["records"]);
    assert_eq!(summary["applied"], journal["applied"]);
    assert_eq!(summary["duplicate"], journal["duplicates"]);
    let bad: u64 = journal["bad"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(summary["dead_lettered"], bad);
    assert_eq!(summary["people"], journal["people"]);
    let letters = succeeded(deployment.footfall(&["dead-letters", "list"]));
    assert_eq!(letters.lines().count() as u64, bad);
    let verdict = succeeded(deployment.footfall(&["verify"]));
    assert!(verdict.contains("0 differ"), "{verdict}");
}

/// Traffic in the log of which some is set aside; how much.
fn generate_some_bad(deployment: &Deployment) -> u64 {
    let traffic = ["--count", "3000", "--users", "300", "--bad", "0.01"];
    let made = succeeded(deployment.footfall(&[&["generate"], &traffic[..]].concat()));
    let made: Value = serde_json::from_str(&made).unwrap();
    let bad = made["journal"]["bad"].as_object().unwrap().values();
    let bad = bad.filter_map(Value::as_u64).sum();
    assert!(bad > 0);
    bad
}

#[test]
fn other_commands_read_beside_a_running_demo() {
    let deployment = Deployment::embedded();
    let bad = generate_some_bad(&deployment);
    let (process, address) = deployment.serving(&["demo", "--no-import", "--rate", "200"]);
    let records = || {
        let output = deployment.footfall(&["verify", "--json"]);
        // A demo that has just started may not have all of its partitions yet.
        let verdicts: Value = serde_json::from_slice(&output.stdout).ok()?;
        assert_eq!(verdicts[0]["differences"], 0, "{verdicts}");
        assert!(output.status.success());
        verdicts[0]["records"].as_u64()
    };
    let before = wait_for("more records than were there before", || {
        records().filter(|records| *records > 3_000)
    });
    wait_for("more records while it runs", || {
        records().filter(|records| *records > before)
    });
    let dump = succeeded(deployment.footfall(&["views", "dump"]));
    assert!(dump.lines().count() > 100);
    let digest = succeeded(deployment.footfall(&["views", "digest"]));
    assert_eq!(digest.trim().len(), 64);

    // The demo's own traffic has bad records too: there may be more already.
    let letters = wait_for("every letter", || {
        let letters = succeeded(deployment.footfall(&["dead-letters", "list"]));
        (letters.lines().count() as u64 >= bad).then_some(letters)
    });
    let coordinates = letters.split('\t').next().unwrap();
    let shown = succeeded(deployment.footfall(&["dead-letters", "show", coordinates]));
    assert!(shown.contains(coordinates), "{shown}");
    let refused = deployment.footfall(&["dead-letters", "replay", "--all"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(
        said.contains("footfall demo") && said.contains("stop it first"),
        "{said}"
    );
    let public = deployment.get(&format!("{address}/openapi.json"));
    assert!(!public.to_string().contains("internal"));

    process.stop();
    assert!(!deployment.config.data.join("demo.url").exists());
    let verdict = succeeded(deployment.footfall(&["verify"]));
    assert!(verdict.contains("0 differ"), "{verdict}");
    succeeded(deployment.footfall(&["dead-letters", "replay", "--all"]));
}

#[test]
fn what_a_killed_demo_left_is_read_from_its_files() {
    let deployment = Deployment::embedded();
    generate_some_bad(&deployment);
    let quiet = ["demo", "--no-import", "--rate", "0"];
    let summary = demo(
        &deployment,
        &[&quiet[..], &["--for", "1s", "--json"]].concat(),
    );
    let (process, _) = deployment.serving(&quiet);
    wait_for("the demo's own word", || {
        let digest = deployment.footfall(&["views", "digest"]);
        digest.status.success().then_some(())
    });
    process.kill();
    let output = deployment.footfall(&["views", "digest"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("demo.url") && said.contains("no demo answers any more"),
        "{said}"
    );
    assert_eq!(succeeded(output).trim(), summary["digest"]);
    // Whoever took the address since is not that demo.
    let elsewhere = Deployment::embedded();
    let (other, address) = elsewhere.serving(&quiet);
    let file = deployment.config.data.join("demo.url");
    let url = std::fs::read_to_string(&file).unwrap();
    let (_, path) = url.split_once("/internal/").unwrap();
    std::fs::write(&file, format!("{address}/internal/{path}")).unwrap();
    let digest = succeeded(deployment.footfall(&["views", "digest"]));
    assert_eq!(digest.trim(), summary["digest"]);
    other.stop();
}

#[test]
fn a_demo_that_is_stopped_at_once_ends_well() {
    let deployment = Deployment::embedded();
    for _ in 0..10 {
        let (process, _) = deployment.serving(&["demo", "--no-import", "--rate", "0"]);
        process.stop();
    }
}

#[test]
fn a_fold_that_holds_none_of_the_log_does_not_verify() {
    let deployment = Deployment::embedded();
    let quiet = [
        "demo",
        "--no-import",
        "--rate",
        "0",
        "--for",
        "1s",
        "--json",
    ];
    assert_eq!(demo(&deployment, &quiet)["consumed"], 0);
    succeeded(deployment.footfall(&["verify"]));
    generate_some_bad(&deployment);
    for wait in [&[][..], &["--wait", "1ms"]] {
        let output = deployment.footfall(&[&["verify"], wait].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success(), "{said}");
        assert!(said.starts_with("fold: 0 of "), "{said}");
    }
    demo(&deployment, &quiet);
    let wait = ["verify", "--wait", "180s", "--json"];
    let verdicts: Value = serde_json::from_str(&succeeded(deployment.footfall(&wait))).unwrap();
    assert!(
        verdicts[0]["records"].as_u64().unwrap() >= 3_000,
        "{verdicts}"
    );
    assert_eq!(verdicts[0]["records"], verdicts[0]["log_records"]);
    // What no waiting mends is told at once.
    for (args, word) in [
        (&["--store", "redis", "--wait", "1h"][..], "--redis"),
        (&["--wait", "20"], "unit"),
    ] {
        let output = deployment.footfall(&[&["verify"], args].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(word), "{said}");
    }
}

#[test]
fn every_error_says_what_to_do() {
    let deployment = Deployment::embedded();
    for (args, word) in [
        (vec!["process"], "--kafka"),
        (vec!["demo", "--for", "20"], "unit"),
        (vec!["views", "digest", "--store", "redis"], "--redis"),
        (vec!["dead-letters", "show", "3/4"], "no log at"),
        (vec!["config", "check", "--hash-key", "abc"], "hash_key"),
    ] {
        let output = deployment.footfall(&args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(word),
            "{args:?}: {said}"
        );
        assert!(!said.contains("backtrace"), "{said}");
    }
}
