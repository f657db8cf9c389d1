//! Commands on brokers that ask who we are: a deployment over TLS, and what is said when they don't let us in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deployment::{Deployment, project, succeeded, wait_for};
use footfall::config::{Sasl, Security};

fn variable(name: &str) -> String {
    let name = format!("FOOTFALL_TEST_KAFKA_{name}");
    std::env::var(&name).unwrap_or_else(|_| {
        panic!("{name} is not set: `SECURE=1 deploy/up.sh kafka` starts brokers with TLS and SASL")
    })
}

/// The Python that has Kafka's client.
fn interpreter() -> std::path::PathBuf {
    std::env::var_os("FOOTFALL_TEST_PYTHON").map_or_else(
        || project().join(".footfall/software/venv/bin/python"),
        Into::into,
    )
}

/// Events of the example in Python, which shows the same password.
fn produce_in_python(deployment: &Deployment, count: &str) {
    let secrets = variable("SECRETS");
    let mut command = Command::new(interpreter());
    command
        .arg(project().join("schemas/python/produce.py"))
        .args(["--brokers", &variable("SASL_SSL"), "--count", count])
        .args(["--topic", &deployment.config.topics().events])
        .args(["--security", "sasl_ssl", "--sasl", "SCRAM-SHA-256"])
        .args(["--ca", &format!("{secrets}/ca.pem")])
        .env("FOOTFALL_KAFKA_USER", "footfall")
        .env("FOOTFALL_KAFKA_PASSWORD", password());
    succeeded(command.output().unwrap());
}

fn password() -> String {
    std::fs::read_to_string(format!("{}/password", variable("SECRETS"))).unwrap()
}

/// A deployment that reaches its brokers with a password over TLS.
fn over_tls() -> Deployment {
    let mut deployment = Deployment::on_servers();
    let secrets = variable("SECRETS");
    deployment.configure(|config| {
        config.redis.url.clear();
        config.opensearch.urls.clear();
        config.log.brokers = variable("SASL_SSL");
        config.log.security = Security::SaslSsl;
        config.log.sasl = Sasl::ScramSha512;
        config.log.user = "footfall".to_owned();
        config.log.password = format!("file:{secrets}/password").into();
        config.log.ca = format!("{secrets}/ca.pem").into();
    });
    deployment
}

#[test]
#[ignore = "needs servers"]
fn a_processor_folds_what_was_generated_when_every_client_shows_a_password_over_tls() {
    let deployment = over_tls();
    succeeded(deployment.footfall(&["topics", "check"]));
    succeeded(deployment.footfall(&["generate", "--count", "2000", "--users", "200"]));
    produce_in_python(&deployment, "10");
    let processor = deployment.processor("p1");
    wait_for("the processor to serve its metrics", || {
        deployment.log_of("p1").contains("listen=").then_some(())
    });
    wait_for("every record to be folded", || {
        (deployment.consumed("p1") >= 2010).then_some(())
    });
    processor.stop();
    let printed = succeeded(deployment.footfall(&["config", "print"]));
    assert!(printed.contains("/password\""), "{printed}");
    let password = password();
    assert!(!printed.contains(&password) && !deployment.log_of("p1").contains(&password));
}

#[test]
#[ignore = "needs servers"]
fn every_command_that_the_brokers_keep_out_ends_and_names_the_setting() {
    let mut deployment = over_tls();
    deployment.configure(|config| config.log.password = "wrong".into());
    std::thread::scope(|scope| {
        for args in [
            vec!["topics", "check"],
            vec!["process"],
            vec!["generate", "--count", "1"],
            vec!["dead-letters", "list"],
        ] {
            let deployment = &deployment;
            scope.spawn(move || {
                let output = deployment.footfall(&args);
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(!output.status.success(), "{args:?}: {said}");
                assert!(said.contains("log.password"), "{args:?}: {said}");
            });
        }
    });
}

/// Gives the user `stranger` rights: each argument is a topic, a colon and an operation.
const GRANT: &str = r#"
import sys
from confluent_kafka.admin import *
kafka = AdminClient({"bootstrap.servers": sys.argv[1]})
rights = [of.split(":") for of in sys.argv[2:]]
given = kafka.create_acls([
    AclBinding(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, "User:stranger", "*",
               AclOperation[operation], AclPermissionType.ALLOW)
    for topic, operation in rights
])
for done in given.values():
    done.result(30)
"#;

#[test]
#[ignore = "needs servers"]
fn a_gateway_gives_seats_with_the_rights_that_are_documented_and_says_which_one_it_lacks() {
    let mut deployment = over_tls();
    deployment.configure(|config| {
        config.entry.claimed_users = true;
        config.log.user = "stranger".to_owned();
        config.log.sasl = Sasl::Plain;
    });
    let refused = deployment.footfall(&["entry"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{said}");
    assert!(said.contains("the right DESCRIBE on the"), "{said}");

    let topics = deployment.config.topics();
    let mut rights = Vec::new();
    for (topic, operations) in [
        (
            topics.events,
            &["DESCRIBE", "DESCRIBE_CONFIGS", "WRITE"][..],
        ),
        (
            topics.entries,
            &["DESCRIBE", "DESCRIBE_CONFIGS", "READ", "WRITE"],
        ),
        (topics.campaigns, &["DESCRIBE", "DESCRIBE_CONFIGS", "WRITE"]),
    ] {
        rights.extend(operations.iter().map(|of| format!("{topic}:{of}")));
    }
    let granted = Command::new(interpreter())
        .args(["-c", GRANT, &std::env::var("FOOTFALL_TEST_KAFKA").unwrap()])
        .args(rights)
        .output();
    succeeded(granted.unwrap());

    let (gateway, address) = deployment.serving(&["entry"]);
    wait_for("the entries are read", || {
        (deployment.ask(&format!("{address}/readyz")).0 == 200).then_some(())
    });
    let now = jiff::Timestamp::now().as_millisecond();
    let send = |path: &str, method: reqwest::Method, body: serde_json::Value| {
        deployment.send(|client| {
            let request = client.request(method, format!("{address}{path}"));
            let request = request.header("content-type", "application/json");
            // A record's headers are not the sender's to choose.
            let request = match path.ends_with("/entries") {
                true => request.header("footfall-user", "u1"),
                false => request,
            };
            request.body(body.to_string())
        })
    };
    let activity = serde_json::json!({"capacity": 1, "opens_at_ms": now - 60_000});
    let event = serde_json::json!({"event_id": "e1", "user_id": "u1", "kind": "visit", "occurred_at_ms": now});
    for (path, method, body, status) in [
        (
            "/v1/activities/signing",
            reqwest::Method::PUT,
            activity,
            200,
        ),
        (
            "/v1/activities/signing/entries",
            reqwest::Method::POST,
            serde_json::Value::Null,
            201,
        ),
        ("/v1/events", reqwest::Method::POST, event, 202),
        (
            "/v1/campaigns/spring",
            reqwest::Method::PUT,
            serde_json::json!({"name": "Spring"}),
            200,
        ),
    ] {
        let (found, said) = send(path, method, body);
        assert_eq!(found, status, "{path}: {said}");
    }
    gateway.stop();
}

/// Where a member begins that folds nothing.
struct AtTheStart;

impl log::Positions for AtTheStart {
    fn start(&self, _partition: u32) -> Result<u64, log::NoStart> {
        Ok(0)
    }
}

/// Asks for a token whoever asks it, and keeps what it was sent.
fn listen(host: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((host, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            hearing.lock().unwrap().push(head.join("\n"));
            let answer =
                "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, heard)
}

/// What a member of the group that calls itself a processor at an address is sent by `footfall status`, and the report.
fn sent_to_a_member(deployment: &Deployment, host: &str, token: &str) -> (String, String) {
    let (address, heard) = listen(host);
    let mut kafka = deployment.config.kafka();
    let name = ("client.id".to_owned(), format!("footfall@http://{address}"));
    kafka.extra.extend([name]);
    let (group, topic) = (&deployment.config.log.group, deployment.config.topics());
    let member = log::kafka::Consumer::join(&kafka, group, &topic.events, Arc::new(AtTheStart));
    let mut member = member.unwrap();
    let leaving = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !leaving.load(Ordering::SeqCst) {
                let _ = log::Consumer::poll(&mut member, Duration::from_millis(100));
            }
        });
        let asked = wait_for("the member to be asked", || {
            let said = succeeded(deployment.footfall(&["status", "--json", "--token", token]));
            let head = heard.lock().unwrap().pop()?;
            Some((head, said))
        });
        leaving.store(true, Ordering::SeqCst);
        asked
    })
}

#[test]
#[ignore = "needs servers"]
fn status_sends_a_token_to_no_member_that_names_an_address_from_which_kafka_does_not_see_it_come() {
    let mut deployment = Deployment::on_servers();
    deployment.configure(|config| {
        config.redis.url.clear();
        config.opensearch.urls.clear();
    });
    let token = format!("ff_{}", "5".repeat(64));
    let (head, said) = sent_to_a_member(&deployment, "127.0.0.2", &token);
    assert!(head.starts_with("GET /v1/status"), "{head}");
    assert!(!head.contains(&token), "{head}");
    assert!(said.contains("the token was not sent"), "{said}");
    // One that is where it says it is gets it.
    deployment.configure(|config| config.log.group.push_str("-sound"));
    let (head, said) = sent_to_a_member(&deployment, "127.0.0.1", &token);
    assert!(head.contains(&token), "{head}");
    assert!(!said.contains("the token was not sent"), "{said}");
}
