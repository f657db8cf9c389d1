//! Imports, from files to the records a log gets; the shipped sample is counted again by a program of another language.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use clap::Parser;
use footfall::replay::{self, Summary};
use log::{Appended, NewRecord, Producer};
use pipeline::cell::Kind;
use pipeline::decode;
use pipeline::device::{DeviceClass, Hints, classify};
use pipeline::record::{Headers, Record};
use prost::Message;
use schemas::v1::Event;
use serde_json::Value;

/// A log in memory that breaks off after so many batches.
#[derive(Default)]
struct Memory {
    records: Mutex<Vec<NewRecord>>,
    batches_taken: Option<usize>,
    batches: Mutex<usize>,
}

impl Producer for Memory {
    fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, log::Error> {
        let mut batches = self.batches.lock().unwrap();
        if self.batches_taken == Some(*batches) {
            return Err(log::Error::Transient("no broker answers".to_owned()));
        }
        *batches += 1;
        self.records.lock().unwrap().extend(records);
        Ok(Vec::new())
    }
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: replay::Args,
}

fn args(arguments: &[&str]) -> replay::Args {
    Cli::parse_from([&["replay"], arguments].concat()).args
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(name)
}

fn import(arguments: &[&str]) -> (Summary, Vec<NewRecord>) {
    let memory = Memory::default();
    let summary = replay::run(&args(arguments), Some(&memory)).unwrap();
    (summary, memory.records.into_inner().unwrap())
}

fn sample() -> (Summary, Vec<NewRecord>) {
    import(&[data("access-2015-05.log").to_str().unwrap()])
}

fn events(records: &[NewRecord]) -> Vec<Event> {
    records
        .iter()
        .map(|record| Event::decode(record.value.as_slice()).unwrap())
        .collect()
}

/// Runs the recount with `input` on its stdin.
fn recount(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("python3")
        .arg(data("recount.py"))
        .args(arguments)
        .arg(data("access-2015-05.log"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3 on the PATH");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "recount.py failed; its message is above"
    );
    output.stdout
}

#[test]
fn all_ten_thousand_lines_of_the_sample_are_accounted_for() {
    let (summary, records) = sample();
    let file = &summary.files[0];
    assert_eq!(file.lines, 10_000);
    assert!(file.accounts_for_all());
    assert_eq!(file.imported(), records.len() as u64);
    assert_eq!(file.unreadable.len(), 1);
    assert_eq!(file.unreadable[0].line, 8899);
    assert!(file.unreadable[0].reason.contains("cut short"));
    assert!(file.warnings.is_empty());
    assert!(
        summary
            .to_string()
            .contains("10000 lines, all accounted for"),
        "{summary}"
    );
}

#[test]
fn an_independent_recount_in_python_gives_the_same_numbers() {
    let (summary, records) = sample();
    let events = events(&records);
    let agents = recount(&["--agents"], b"");
    let mut devices = Vec::new();
    footfall::device::run(agents.as_slice(), &mut devices).unwrap();
    let expected: BTreeMap<String, Value> =
        serde_json::from_slice(&recount(&["--devices"], &devices)).unwrap();

    let file = &summary.files[0];
    assert_eq!(expected["lines"], file.lines);
    for (name, count) in file
        .events
        .iter()
        .chain(&file.skipped)
        .filter(|(_, count)| **count > 0)
    {
        assert_eq!(expected[*name], *count, "{name}");
    }
    let mut classes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut people = HashSet::new();
    let mut campaigns: BTreeMap<&str, u64> = BTreeMap::new();
    for event in &events {
        let class = classify(&event.user_agent, Hints::default()).class;
        *classes.entry(class.as_str()).or_default() += 1;
        if class != DeviceClass::Bot {
            people.insert(&event.user_id);
        }
        if event.campaign_id.starts_with("Feed:") {
            *campaigns.entry(&event.campaign_id).or_default() += 1;
        }
    }
    let everyone: HashSet<_> = events.iter().map(|event| &event.user_id).collect();
    assert_eq!(expected["devices"], serde_json::to_value(&classes).unwrap());
    assert_eq!(expected["people"], people.len());
    assert_eq!(expected["people_and_bots"], everyone.len());
    assert_eq!(
        expected["utm_campaigns"],
        serde_json::to_value(&campaigns).unwrap()
    );
}

#[test]
fn records_of_an_import_pass_every_check_and_are_numbered_by_their_lines() {
    let (summary, records) = sample();
    let source = format!("file:{}", summary.files[0].digest);
    let mut last = 0;
    for record in &records {
        let given = Record {
            offset: 0,
            appended_at: 1_795_305_600_000,
            key: &record.key,
            value: &record.value,
            headers: Headers(&record.headers),
        };
        let origin = decode::origin(given.headers);
        let (from, sequence) = origin.as_ref().unwrap().source.unwrap();
        let mut message = Event::default();
        let event = decode::decode(&given, &origin, given.appended_at, &mut message).unwrap();
        assert_eq!(event.user_id.as_bytes(), record.key);
        assert_eq!(from, source);
        assert_eq!(
            event.event_id,
            format!("{}:{sequence}", &summary.files[0].digest[..16])
        );
        assert!(sequence > last);
        last = sequence;
    }
    assert_eq!(sample().1, records, "the same file makes the same records");
}

#[test]
fn a_log_that_goes_away_says_how_to_go_on() {
    let memory = Memory {
        batches_taken: Some(2),
        ..Memory::default()
    };
    let sample = data("access-2015-05.log");
    let error = replay::run(&args(&[sample.to_str().unwrap()]), Some(&memory)).unwrap_err();
    let said = format!("{error:#}");
    assert!(
        said.contains("run the same command again") && said.contains("no broker answers"),
        "{said}"
    );
}

#[test]
fn a_dry_run_reads_everything() {
    let sample = data("access-2015-05.log");
    let summary = replay::run(&args(&[sample.to_str().unwrap()]), None).unwrap();
    assert_eq!(summary, self::sample().0);
}

#[test]
fn a_site_that_no_referrer_names_is_refused_before_anything_is_imported() {
    let sample = data("access-2015-05.log");
    let given = ["--site", "example.org", sample.to_str().unwrap()];
    let memory = Memory::default();
    let error = replay::run(&args(&given), Some(&memory)).unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("--site semicomplete.com") && said.contains("--yes"),
        "{said}"
    );
    assert!(memory.records.into_inner().unwrap().is_empty());
    let summary = replay::run(&args(&given), None).unwrap();
    assert_eq!(summary.files[0].events[Kind::Click.as_str()], 0);
    let (summary, records) = import(&[&["--yes"], &given[..]].concat());
    assert_eq!(summary.files[0].warnings.len(), 1);
    assert_eq!(records.len() as u64, summary.files[0].imported());
}

#[test]
fn a_file_of_which_no_line_can_be_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("garbage");
    let name = path.to_str().unwrap();
    let refused = |arguments: &[&str]| {
        let memory = Memory::default();
        let error = replay::run(&args(arguments), Some(&memory)).unwrap_err();
        assert!(memory.records.into_inner().unwrap().is_empty());
        error.to_string()
    };
    std::fs::write(&path, "name = 1\n\nversion = 2\n").unwrap();
    let said = refused(&[name]);
    assert!(
        said.contains("none of its 3 lines") && said.contains("line 1 has"),
        "{said}"
    );
    let sample = data("access-2015-05.log");
    let said = refused(&["--format", "json", sample.to_str().unwrap()]);
    assert!(said.contains("--format"), "{said}");
    std::fs::write(&path, "\n\n").unwrap();
    assert_eq!(import(&[name]).0.files[0].lines, 2);
}

#[test]
fn json_lines_are_told_by_their_brace_and_bad_lines_by_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    std::fs::write(
        &path,
        "{\"event_id\":\"mine\",\"user_id\":\"u1\",\"kind\":\"visit\",\"occurred_at\":\"2026-11-22T09:00:00+09:00\"}\n\
         \n\
         {\"user_id\":\"u2\",\"kind\":\"click\",\"occurred_at_ms\":1795305600000}\n\
         {\"user_id\":\"u3\",\"kind\":\"dance\",\"occurred_at_ms\":1795305600000}\n",
    )
    .unwrap();
    let (summary, records) = import(&[path.to_str().unwrap()]);
    let file = &summary.files[0];
    assert_eq!((file.lines, file.imported()), (4, 2));
    assert!(file.accounts_for_all());
    assert_eq!(file.unreadable[0].line, 4);
    assert!(
        file.unreadable[0]
            .reason
            .contains("unknown variant `dance`")
    );
    let events = events(&records);
    assert_eq!(events[0].event_id, "mine");
    assert_eq!(events[1].event_id, format!("{}:3", &file.digest[..16]));
}

#[test]
fn what_generate_writes_as_json_replay_reads_as_the_same_events() {
    use footfall::generate::{Format, Generator, Traffic, to_file};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let from = "2026-11-01T00:00:00+09:00".parse().unwrap();
    let traffic = Traffic {
        count: 2000,
        bad: 0.0,
        from: Some(from),
        ..Traffic::default()
    };
    to_file(&traffic, &path, Format::Json, &Default::default()).unwrap();
    let (summary, records) = import(&[path.to_str().unwrap()]);
    assert_eq!(summary.files[0].imported(), 2000);
    let made: Vec<_> = Generator::new(&traffic, 1, 0)
        .map(|generated| generated.record)
        .collect();
    assert_eq!(events(&records), events(&made));
}

#[test]
fn a_file_or_rules_that_can_not_be_read_are_named() {
    let sample = data("access-2015-05.log");
    for (arguments, expected) in [
        (
            vec!["/nowhere/access.log"],
            "/nowhere/access.log: the file can't be read",
        ),
        (
            vec![sample.to_str().unwrap(), "--rules", "/nowhere/rules.toml"],
            "--rules /nowhere/rules.toml",
        ),
        (
            vec![
                sample.to_str().unwrap(),
                "--rules",
                sample.to_str().unwrap(),
            ],
            "not access-log rules",
        ),
    ] {
        let error = replay::run(&args(&arguments), None).unwrap_err();
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
}
