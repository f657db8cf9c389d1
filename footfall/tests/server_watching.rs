//! What operators are told, on real servers: doctor, status, canary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use std::path::PathBuf;

use deployment::{Deployment, succeeded, wait_for};
use footfall::views::Store;
use log::NewRecord;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;

/// The exit status of `doctor`, and its sentences about a subject with this outcome.
fn doctor(deployment: &Deployment) -> (i32, impl Fn(&str, &str) -> Vec<String> + use<>) {
    let output = deployment.footfall(&["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let status = output.status.code().unwrap();
    let said = move |about: &str, outcome: &str| {
        let checks = report["checks"].as_array().unwrap().iter();
        checks
            .filter(|check| check["about"] == about && check["outcome"] == outcome)
            .map(|check| check["sentence"].as_str().unwrap().to_owned())
            .collect()
    };
    (status, said)
}

/// What a processor that must not start says.
fn refusal_of(deployment: &Deployment) -> String {
    let output = deployment.footfall(&["process"]);
    assert!(!output.status.success(), "it started");
    String::from_utf8(output.stderr).unwrap()
}

fn indices(deployment: &Deployment) -> String {
    let config = &deployment.config.opensearch;
    let url = format!("{}/footfall-{}*", config.urls[0], config.prefix);
    deployment.ask(&url).1
}

#[test]
#[ignore = "needs servers"]
fn doctor_finds_what_a_start_would_meet_and_writes_nothing() {
    let mut deployment = Deployment::on_servers();
    let (status, said) = doctor(&deployment);
    assert_eq!(status, 0, "{:?}", said("topics", "refused"));
    assert_eq!(said("topics", "ok").len(), 4);
    assert_eq!(said("opensearch", "ok").len(), 1);
    assert_eq!(indices(&deployment), "{}", "an index was made");
    assert!(!deployment.config.data.exists(), "a folder was made");

    let processor = deployment.processor("one");
    let generated = ["generate", "--count", "2000", "--seed", "1"];
    succeeded(deployment.footfall(&generated));
    deployment.wait_until_stored(Store::Redis);
    deployment.wait_until_stored(Store::Opensearch);
    // Beside the process that holds them.
    let one = deployment.folder().join("one");
    deployment.configure(|config| config.data = one);
    let (status, said) = doctor(&deployment);
    assert_eq!(status, 0);
    assert!(said("log", "ok")[0].contains("checkpoints here"));
    assert_eq!(said("definition", "ok").len(), 3);
    processor.stop();

    let right = deployment.config.clone();
    deployment.configure(|config| config.definition.hash_key = "0123456789abcdef".repeat(2));
    let (status, said) = doctor(&deployment);
    assert_eq!(status, 1);
    let unknown = said("definition", "refused");
    assert_eq!(unknown.len(), 2, "{unknown:?}");
    let in_redis = said("definition", "warning");
    assert_eq!(in_redis.len(), 1, "others may share a Redis: {in_redis:?}");
    let refusal = refusal_of(&deployment);
    for sentence in &unknown {
        assert!(sentence.contains("unknown definition"), "{sentence}");
        assert!(refusal.contains(sentence), "{refusal}");
    }
    assert!(unknown[0].contains("--new-definition"), "{unknown:?}");
    let (meant, _) = deployment.serving(&["process", "--new-definition"]);
    deployment.wait_until_stored(Store::Opensearch);
    meant.stop();
    assert_eq!(doctor(&deployment).0, 0, "it is known now");

    deployment.configure(|config| {
        *config = right.clone();
        config.definition.partitions = 5;
    });
    let (status, said) = doctor(&deployment);
    assert_eq!(status, 1);
    let refused = said("topics", "refused");
    assert!(refused[0].contains("has 12 partitions, the definition says 5"));
    assert!(refusal_of(&deployment).contains(&refused[0]));

    deployment.configure(|config| {
        *config = right.clone();
        config.log.topic_prefix += "other-";
    });
    succeeded(deployment.footfall(&["topics", "create", "--replication", "3"]));
    let (status, said) = doctor(&deployment);
    assert_eq!(status, 1);
    let refused = said("log", "refused");
    assert!(
        refused[0].contains("trimmed, truncated or re-created"),
        "{refused:?}"
    );

    deployment.configure(|config| {
        *config = right.clone();
        config.redis.url = "redis://127.0.0.1:1".to_owned();
    });
    let (status, said) = doctor(&deployment);
    assert_eq!(status, 2);
    assert_eq!(said("redis", "unasked").len(), 1);
}

#[test]
#[ignore = "needs servers"]
fn a_canary_is_seen_in_both_views_and_status_finds_owners_letters_and_a_processor_that_died() {
    let deployment = Deployment::on_servers();
    let processor = deployment.processor("one");
    let (api, address) = deployment.serving(&["api"]);
    let canary = [
        "canary", "--every", "100ms", "--for", "2s", "--api", &address,
    ];
    let seen: Value = serde_json::from_str(&succeeded(deployment.footfall(&canary))).unwrap();
    for view in seen.as_array().unwrap() {
        assert!(view["seen"].as_u64().unwrap() > 0, "{seen}");
        assert_eq!((&view["not_seen"], &view["lost"]), (&0.into(), &0.into()));
    }
    assert_eq!(seen.as_array().unwrap().len(), 2);
    let campaigns = deployment.get(&format!("{address}/v1/campaigns"));
    assert_eq!(campaigns["campaigns"], Value::Array(Vec::new()));
    let own = deployment.campaign(&address, "footfall-canary", "?bots=include");
    assert!(own["totals"]["events"].as_u64().unwrap() > 0);

    let garbage = NewRecord {
        key: b"someone".to_vec(),
        value: vec![0xff; 40],
        ..NewRecord::default()
    };
    deployment.producer().append(vec![garbage]).unwrap();
    let status = || -> Value {
        let said = succeeded(deployment.footfall(&["status", "--json"]));
        serde_json::from_str(&said).unwrap()
    };
    let report = wait_for("the letter is delivered and all is stored", || {
        let report = status();
        let delivered = report["dead_letters"]["topic_records"] == 1;
        let behind = |view: &str| report["views"][view]["behind_records"] == 0;
        (delivered && behind("redis") && behind("opensearch")).then_some(report)
    });
    assert_eq!(report["dead_letters"]["by_reason"]["bad_bytes"], 1);
    assert_eq!(report["not_asked"], Value::Array(Vec::new()), "{report}");
    let partitions = report["partitions"].as_array().unwrap();
    assert_eq!(partitions.len(), 12);
    for partition in partitions {
        let owner = partition["owner"].as_str().unwrap();
        assert!(owner.starts_with("http://127.0.0.1:"), "{partition}");
        assert_eq!(partition["lag_records"], 0, "{partition}");
        assert_eq!(partition["stored"]["redis"], partition["log_end"]);
    }

    processor.kill();
    let report = status();
    assert!(
        !report["not_asked"].as_array().unwrap().is_empty(),
        "{report}"
    );
    for partition in report["partitions"].as_array().unwrap() {
        assert_eq!(partition["stored"]["redis"], partition["log_end"]);
        assert_eq!(partition["folded"], Value::Null, "{partition}");
    }
    drop(api);
}

/// Makes an authority and a certificate of it for this machine, and has the listeners use them, with tokens.
fn secure(deployment: &mut Deployment) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Named as its certificates are by default, it would seem that they signed themselves.
    params
        .distinguished_name
        .push(DnType::CommonName, "authority of a test");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let ours = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let ours = ours.signed_by(&key, &authority).unwrap();
    let folder = deployment.folder().to_owned();
    let write = |name: &str, text: String| -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (ca, certificate) = (
        write("ca.pem", authority.pem()),
        write("ours.pem", ours.pem()),
    );
    let key = write("ours.key", key.serialize_pem());
    deployment.configure(|config| {
        config.http.ca = ca;
        config.http.certificate = certificate;
        config.http.key = key;
        config.http.tokens = folder.join("tokens");
    });
}

#[test]
#[ignore = "needs servers"]
fn a_canary_and_status_ask_over_tls_with_tokens_and_say_what_they_lack() {
    const TOKEN: &str = "FOOTFALL_TOKEN";
    let mut deployment = Deployment::on_servers();
    secure(&mut deployment);
    let token = |scope: &str| {
        let args = ["tokens", "create", "--name", scope, "--scope", scope];
        succeeded(deployment.footfall(&args)).trim().to_owned()
    };
    let (reader, scraper) = (token("read"), token("metrics"));
    let processor = deployment.processor("one");
    let (api, address) = deployment.serving(&["api"]);
    let canary = [
        "canary", "--every", "100ms", "--for", "1s", "--api", &address,
    ];
    let not_asked = |deployment: &Deployment| {
        let said = succeeded(deployment.footfall(&["status", "--json"]));
        let report: Value = serde_json::from_str(&said).unwrap();
        let owner = report["partitions"][0]["owner"].clone();
        (owner.is_string()).then(|| (owner, report["not_asked"].to_string()))
    };

    deployment.set_variable(TOKEN, &reader);
    let seen: Value = serde_json::from_str(&succeeded(deployment.footfall(&canary))).unwrap();
    for view in seen.as_array().unwrap() {
        assert!(view["seen"].as_u64().unwrap() > 0, "{seen}");
    }
    deployment.set_variable(TOKEN, &scraper);
    let (owner, silent) = wait_for("an owner", || not_asked(&deployment));
    assert!(
        owner.as_str().unwrap().starts_with("https://127.0.0.1:"),
        "{owner}"
    );
    assert_eq!(silent, "[]");

    // Each with the other's token, with none, and without the authority.
    let refusal = |deployment: &Deployment| {
        let output = deployment.footfall(&canary);
        assert!(!output.status.success(), "it was let in");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refusal(&deployment);
    assert!(
        said.contains("403") && said.contains("the scope read"),
        "{said}"
    );
    deployment.set_variable(TOKEN, &reader);
    let (_, said) = not_asked(&deployment).unwrap();
    assert!(
        said.contains("403") && said.contains("the scope metrics"),
        "{said}"
    );
    deployment.set_variable(TOKEN, "");
    let said = refusal(&deployment);
    assert!(
        said.contains("401") && said.contains("the scope read"),
        "{said}"
    );
    deployment.configure(|config| config.http.ca = PathBuf::new());
    let said = refusal(&deployment);
    assert!(said.contains("http.ca"), "{said}");
    let (_, said) = not_asked(&deployment).unwrap();
    assert!(said.contains("http.ca"), "{said}");
    processor.stop();
    drop(api);
}
