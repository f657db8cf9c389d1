//! The main job on real servers: Kafka in, Redis and OpenSearch out, compared with the embedded set
//! and with the independent fold of the log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use deployment::gate::Gate;
use deployment::{Deployment, project, succeeded, wait_for};
use footfall::views::Store;
use log::NewRecord;
use prost::Message;
use schemas::v1;
use schemas::v1::entry_record::Act;
use serde_json::Value;

const NOW_MS: fn() -> i64 = || jiff::Timestamp::now().as_millisecond();

fn replay_sample(deployment: &Deployment) {
    let sample = project().join("footfall/data/access-2015-05.log");
    succeeded(deployment.footfall(&["replay", sample.to_str().unwrap()]));
}

fn wait_for_both(deployment: &Deployment) {
    deployment.wait_until_stored(Store::Redis);
    deployment.wait_until_stored(Store::Opensearch);
}

#[test]
#[ignore = "needs servers"]
fn the_sample_has_one_view_digest_in_every_store_and_a_second_import_changes_nothing() {
    let embedded = Deployment::embedded();
    let demo = ["demo", "--rate", "0", "--for", "1s", "--json"];
    let summary: Value = serde_json::from_str(&succeeded(embedded.footfall(&demo))).unwrap();
    let digest = summary["digest"].as_str().unwrap().to_owned();

    let deployment = Deployment::on_servers();
    let processor = deployment.processor("one");
    replay_sample(&deployment);
    wait_for_both(&deployment);
    assert_eq!(deployment.digest(Store::Redis), digest);
    assert_eq!(deployment.digest(Store::Opensearch), digest);
    let records = deployment.records();
    for verdict in deployment.verify("redis,opensearch") {
        assert_eq!(verdict["records"], records);
        assert_eq!(verdict["applied"], summary["applied"]);
        assert!(verdict["cells"].as_u64().unwrap() > 1000, "{verdict}");
    }

    replay_sample(&deployment);
    assert_eq!(deployment.records(), 2 * records);
    wait_for_both(&deployment);
    assert_eq!(deployment.digest(Store::Redis), digest);
    assert_eq!(deployment.digest(Store::Opensearch), digest);
    processor.stop();
}

#[test]
#[ignore = "needs servers"]
fn two_processors_end_generated_traffic_as_its_journal_says_though_one_is_killed() {
    let deployment = Deployment::on_servers();
    let first = deployment.processor("first");
    let second = deployment.processor("second");
    for name in ["first", "second"] {
        wait_for(&format!("{name} has partitions"), || {
            deployment
                .log_of(name)
                .contains("assigned partitions=[")
                .then_some(())
        });
    }
    // It is told to stop when there are enough: whatever the machine's pace, it goes on when one is killed.
    let mut generating = deployment.spawn(&[
        "generate",
        "--count",
        "100000000",
        "--users",
        "20000",
        "--duplicates",
        "0.01",
        "--late",
        "0.01",
        "--bad",
        "0.005",
        "--shuffle",
        "5000",
        "--rate",
        "10000",
    ]);
    let enough = 200_000;
    wait_for("both consume, and the stores hold a fifth", || {
        let [redis, opensearch] = [Store::Redis, Store::Opensearch].map(|of| deployment.stored(of));
        let consume = deployment.consumed("first") > 0 && deployment.consumed("second") > 0;
        (consume && redis >= enough / 5 && opensearch > 0).then_some(())
    });
    first.kill();
    assert!(generating.is_running());
    let replacement = deployment.processor("first");
    wait_for("enough records", || {
        (deployment.records() >= enough).then_some(())
    });
    generating.terminate();
    let made: Value = serde_json::from_str(&generating.finish()).unwrap();
    let records = made["journal"]["records"].as_u64().unwrap();
    assert_eq!(deployment.records(), records);
    wait_for_both(&deployment);
    for verdict in deployment.verify("redis,opensearch") {
        let journal = &made["journal"];
        assert_eq!(verdict["records"], records);
        assert_eq!(verdict["applied"], journal["applied"]);
        assert_eq!(verdict["duplicate"], journal["duplicates"]);
        let bad = journal["bad"].as_object().unwrap().values();
        let bad: u64 = bad.filter_map(Value::as_u64).sum();
        assert_eq!(verdict["dead_lettered"], bad);
    }
    assert_eq!(
        deployment.digest(Store::Redis),
        deployment.digest(Store::Opensearch)
    );
    let letters = succeeded(deployment.footfall(&["dead-letters", "list"]));
    let bad = made["journal"]["bad"].as_object().unwrap().values();
    let bad: u64 = bad.filter_map(Value::as_u64).sum();
    assert_eq!(letters.lines().count() as u64, bad, "every one, once");
    second.stop();
    replacement.stop();
}

#[test]
#[ignore = "needs servers"]
fn events_of_a_python_producer_are_in_the_api() {
    let deployment = Deployment::on_servers();
    let processor = deployment.processor("one");
    let python = std::env::var("FOOTFALL_TEST_PYTHON")
        .expect("FOOTFALL_TEST_PYTHON is not set: `make test` sets it");
    let produced = std::process::Command::new(python)
        .arg(project().join("schemas/python/produce.py"))
        .args(["--brokers", &deployment.config.log.brokers])
        .args(["--topic", &deployment.config.topics().events])
        .args(["--count", "300", "--campaign", "파이썬 spring/sale"])
        .output()
        .unwrap();
    let sent: Vec<Value> = succeeded(produced)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(sent.len(), 300);
    wait_for_both(&deployment);
    let (api, address) = deployment.serving(&["api"]);
    for store in ["hot", "history"] {
        let query = format!("?store={store}&bots=include");
        let answer = deployment.campaign(&address, "파이썬 spring/sale", &query);
        assert_eq!(answer["totals"]["events"], 300, "{answer}");
    }
    drop(api);
    processor.stop();
}

#[test]
#[ignore = "needs servers"]
fn verify_waits_for_stores_that_hold_nothing_yet() {
    let deployment = Deployment::on_servers();
    replay_sample(&deployment);
    let wait = ["verify", "--json", "--store", "redis,opensearch", "--wait"];
    let waiting = deployment.spawn(&[&wait[..], &["180s"]].concat());
    let processor = deployment.processor("one");
    let verdicts: Value = serde_json::from_str(&waiting.finish()).unwrap();
    let records = deployment.records();
    for verdict in verdicts.as_array().unwrap() {
        assert_eq!(verdict["records"], records, "{verdicts}");
        assert_eq!(verdict["log_records"], records, "{verdicts}");
    }
    processor.stop();

    // Nobody stores what comes now.
    replay_sample(&deployment);
    let output = deployment.footfall(&[&wait[..], &["1ms"]].concat());
    assert!(!output.status.success());
    let verdicts: Value = serde_json::from_slice(&output.stdout).unwrap();
    for verdict in verdicts.as_array().unwrap() {
        assert_eq!(verdict["records"], records, "{verdicts}");
        assert_eq!(verdict["log_records"], 2 * records, "{verdicts}");
    }
}

/// Days and hours before the hot window are not in Redis, and are in OpenSearch.
#[test]
#[ignore = "needs servers"]
fn stores_verify_clean_when_days_have_left_the_hot_window() {
    let mut deployment = Deployment::on_servers();
    deployment.configure(|config| config.definition.hot_days = Some(35));
    let processor = deployment.processor("one");
    replay_sample(&deployment);
    let days_ago = |days: i64| {
        let id = format!("{days} days ago");
        record(&v1::Event {
            occurred_at_ms: NOW_MS() - days * 86_400_000,
            ..visit(&format!("user-{id}"), &id)
        })
    };
    let records = [0, 1, 30, 34, 35, 36, 37, 40, 400].map(days_ago);
    deployment.producer().append(records.to_vec()).unwrap();
    wait_for_both(&deployment);
    let verdicts = deployment.verify("redis,opensearch");
    let [redis, opensearch] = &verdicts[..] else {
        panic!("two stores: {verdicts:?}");
    };
    let cells = |verdict: &Value| verdict["cells"].as_u64().unwrap();
    assert!(cells(redis) > 100, "{redis}");
    assert!(cells(redis) < cells(opensearch), "{verdicts:?}");
    processor.stop();
}

fn visit(user: &str, id: &str) -> v1::Event {
    v1::Event {
        event_id: id.to_owned(),
        user_id: user.to_owned(),
        kind: v1::Kind::Visit as i32,
        occurred_at_ms: NOW_MS(),
        campaign_id: "letters".to_owned(),
        user_agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.7.5 Mobile/15E148 Safari/604.1".to_owned(),
        ..v1::Event::default()
    }
}

fn record(event: &v1::Event) -> NewRecord {
    NewRecord {
        key: event.user_id.clone().into_bytes(),
        value: event.encode_to_vec(),
        ..NewRecord::default()
    }
}

/// Records that can't be applied, each with the reason it must get.
fn bad_records(partitions: u32) -> Vec<(NewRecord, &'static str)> {
    let with = |id: &str, change: &dyn Fn(&mut v1::Event)| {
        let mut event = visit(&format!("user-{id}"), id);
        change(&mut event);
        record(&event)
    };
    let garbage = NewRecord {
        key: b"someone".to_vec(),
        value: vec![0xff; 40],
        ..NewRecord::default()
    };
    let no_key = NewRecord {
        key: Vec::new(),
        ..with("no-key", &|_| {})
    };
    let elsewhere = with("elsewhere", &|_| {});
    let right = schemas::partition::partition_of(&elsewhere.key, partitions);
    let elsewhere = NewRecord {
        partition: Some((right + 1) % partitions),
        ..elsewhere
    };
    vec![
        (garbage, "bad_bytes"),
        (
            with("agent", &|e| e.user_agent = "x".repeat(3000)),
            "bad_user_agent",
        ),
        (
            with("2099", &|e| e.occurred_at_ms = 4_070_908_800_000),
            "future",
        ),
        (with("1970", &|e| e.occurred_at_ms = 86_400_000), "too_old"),
        (no_key, "misrouted"),
        (elsewhere, "misrouted"),
    ]
}

#[test]
#[ignore = "needs servers"]
fn bad_records_are_listed_with_their_reason_and_a_replay_counts_once() {
    let deployment = Deployment::on_servers();
    let processor = deployment.processor("one");
    let bad = bad_records(deployment.config.definition.partitions);
    let mut records: Vec<NewRecord> = bad.iter().map(|(record, _)| record.clone()).collect();
    records.push(record(&visit("good", "good")));
    deployment.producer().append(records).unwrap();
    deployment.wait_until_stored(Store::Redis);

    let list = || {
        let listed = succeeded(deployment.footfall(&["dead-letters", "list"]));
        let mut reasons: Vec<String> = listed
            .lines()
            .map(|line| line.split('\t').nth(2).unwrap().to_owned())
            .collect();
        reasons.sort();
        reasons
    };
    let mut expected: Vec<String> = bad.iter().map(|(_, reason)| (*reason).to_owned()).collect();
    expected.sort();
    wait_for("every letter delivered", || {
        (list().len() >= expected.len()).then_some(())
    });
    assert_eq!(list(), expected);

    let (api, address) = deployment.serving(&["api"]);
    let events = || {
        deployment.wait_until_stored(Store::Redis);
        deployment.campaign(&address, "letters", "")["totals"]["events"].clone()
    };
    assert_eq!(events(), 1);
    for again in [&[][..], &["--again"]] {
        let replay = [&["dead-letters", "replay", "--all"], again].concat();
        let said = succeeded(deployment.footfall(&replay));
        assert_eq!(said.trim(), format!("replayed {}", bad.len()));
        // Those that were only in the wrong place count now, and never again.
        assert_eq!(events(), 3);
    }
    wait_for("the others to wait again, at their third try", || {
        let listed = succeeded(deployment.footfall(&["dead-letters", "list"]));
        listed
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .all(|of| match of[2] {
                "misrouted" => of[1] == "1" && of[3] == "replayed",
                _ => of[1] == "3" && of[3] == "waiting",
            })
            .then_some(())
    });
    let of_misrouted = ["dead-letters", "replay", "--reason", "misrouted"];
    let said = succeeded(deployment.footfall(&of_misrouted));
    assert_eq!(said.trim(), "replayed 0");
    assert_eq!(
        list(),
        expected,
        "a letter that fails again is the same letter"
    );
    drop(api);
    deployment.verify("redis");
    processor.stop();
}

#[test]
#[ignore = "needs servers"]
fn a_processor_that_lost_its_state_folder_folds_the_log_again_and_never_goes_back() {
    let deployment = Deployment::on_servers();
    let processor = deployment.processor("one");
    replay_sample(&deployment);
    deployment.wait_until_stored(Store::Redis);
    let digest = deployment.digest(Store::Redis);
    processor.kill();
    let other = deployment.processor("other");
    deployment
        .producer()
        .append(vec![record(&visit("late-comer", "one-more"))])
        .unwrap();
    wait_for_both(&deployment);
    assert_ne!(deployment.digest(Store::Redis), digest);
    deployment.verify("redis,opensearch");
    other.stop();
}

#[test]
#[ignore = "needs servers"]
fn a_process_and_an_api_start_while_the_stores_are_down_and_take_each_when_it_is_back() {
    let mut deployment = Deployment::on_servers();
    let redis = Gate::shut(&deployment.config.redis.url);
    let opensearch = Gate::shut(&deployment.config.opensearch.urls[0]);
    deployment.configure(|config| {
        config.redis.url = redis.url("redis");
        config.opensearch.urls = vec![opensearch.url("http")];
    });
    let processor = deployment.processor("one");
    let (api, address) = deployment.serving(&["api"]);
    replay_sample(&deployment);

    let (status, ready) = deployment.ask(&format!("{address}/readyz"));
    assert_eq!(status, 503, "{ready}");
    assert!(ready.contains("redis is not there yet"), "{ready}");
    assert!(ready.contains("opensearch is not there yet"), "{ready}");
    for store in ["hot", "history"] {
        let url = format!("{address}/v1/campaigns?store={store}");
        let (status, problem) = deployment.ask(&url);
        assert_eq!(status, 503, "{problem}");
        assert!(problem.contains("urn:footfall:problem:store-unavailable"));
    }

    redis.open();
    deployment.wait_until_stored(Store::Redis);
    deployment.verify("redis");
    wait_for("answers from Redis", || {
        let (status, _) = deployment.ask(&format!("{address}/v1/campaigns"));
        (status == 200).then_some(())
    });
    let (_, ready) = deployment.ask(&format!("{address}/readyz"));
    assert!(!ready.contains("redis"), "{ready}");
    assert!(ready.contains("opensearch is not there yet"), "{ready}");

    opensearch.open();
    deployment.wait_until_stored(Store::Opensearch);
    deployment.verify("redis,opensearch");
    wait_for("every store in the API", || {
        let (status, _) = deployment.ask(&format!("{address}/readyz"));
        (status == 200).then_some(())
    });
    drop(api);
    processor.stop();
}

/// Appends acts of one activity to the entries topic; where they stand.
fn append_entries(deployment: &Deployment, activity: &str, acts: Vec<Act>) -> Vec<log::Appended> {
    let topic = deployment.config.topics().entries;
    let producer = log::kafka::Producer::new(&deployment.config.kafka(), &topic).unwrap();
    let record = |act| NewRecord {
        key: activity.into(),
        value: v1::EntryRecord { act: Some(act) }.encode_to_vec(),
        ..NewRecord::default()
    };
    let records = acts.into_iter().map(record).collect();
    log::Producer::append(&producer, records).unwrap()
}

fn requests(activity: &str, users: std::ops::Range<u32>) -> Vec<Act> {
    let request = |user| {
        Act::Requested(v1::EntryRequested {
            activity_id: activity.to_owned(),
            user_id: format!("user-{user}"),
            request_id: "r1".to_owned(),
            ..v1::EntryRequested::default()
        })
    };
    users.map(request).collect()
}

#[test]
#[ignore = "needs servers"]
fn each_admission_counts_as_one_enter_though_a_processor_is_killed() {
    let (activities, capacity) = (8, 150);
    let mut deployment = Deployment::on_servers();
    deployment.configure(|config| config.opensearch.urls.clear());
    let [first, _second] = ["first", "second"].map(|name| deployment.processor(name));
    let activities: Vec<String> = (0..activities).map(|n| format!("seats-{n}")).collect();
    for activity in &activities {
        let defined = Act::Defined(v1::ActivityDefined {
            activity_id: activity.clone(),
            campaign_id: "spring".to_owned(),
            capacity,
            opens_at_ms: 1_700_000_000_000,
            ..v1::ActivityDefined::default()
        });
        append_entries(&deployment, activity, vec![defined]);
    }
    let one = append_entries(
        &deployment,
        &activities[0],
        requests(&activities[0], 0..100),
    )[0];
    wait_for("admissions to be told", || {
        (deployment.records() > 50).then_some(())
    });
    let mut killed = Some(first);
    for (users, activity) in [0..60, 40..200, 200..220]
        .into_iter()
        .flat_map(|users| activities.iter().map(move |of| (users.clone(), of)))
    {
        append_entries(&deployment, activity, requests(activity, users.clone()));
        if users.start == 40
            && let Some(first) = killed.take()
        {
            first.kill();
        }
    }
    let _again = deployment.processor("first");
    let seats = capacity * activities.len() as u64;
    let verdict = wait_for("every seat to be counted", || {
        deployment.wait_until_stored(Store::Redis);
        let [verdict] = deployment.verify("redis").try_into().unwrap();
        (verdict["applied"].as_u64() >= Some(seats)).then_some(verdict)
    });
    assert_eq!(verdict["applied"], seats);
    assert_eq!(verdict["dead_lettered"], 0);

    let (partition, offset) = (one.partition.to_string(), one.offset.to_string());
    let claim = [
        "receipt",
        "verify",
        "--partition",
        &partition,
        "--offset",
        &offset,
    ];
    let said = succeeded(deployment.footfall(&[&claim[..], &["--user", "user-0"]].concat()));
    let place = format!("true: record {partition}/{offset} gave seat 1 of seats-0 to user-0");
    assert_eq!(said.trim(), place);
    let lie = deployment.footfall(&[&claim[..], &["--rank", "2"]].concat());
    assert_eq!(lie.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&lie.stdout).contains("its rank is 1"));
}
