//! `footfall tokens`, and a demo that asks for them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deployment;

use deployment::{Deployment, succeeded, wait_for};

const QUIET: [&str; 4] = ["demo", "--no-import", "--rate", "0"];

fn with_tokens() -> Deployment {
    let mut deployment = Deployment::embedded();
    let tokens = deployment.folder().join("tokens");
    deployment.configure(|config| config.http.tokens = tokens);
    deployment
}

/// What the API answers to that token.
fn status(address: &str, token: &str) -> u16 {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let request = reqwest::Client::new().get(format!("{address}/v1/campaigns"));
        let answer = request.bearer_auth(token).send().await.unwrap();
        answer.status().as_u16()
    })
}

#[test]
fn a_token_is_printed_once_listed_without_itself_and_revoked_while_the_demo_runs() {
    let deployment = with_tokens();
    let make = |name: &str, scope: &str, more: &[&str]| {
        let args = ["tokens", "create", "--name", name, "--scope", scope];
        succeeded(deployment.footfall(&[&args[..], more].concat()))
    };
    let reader = make("reader", "read", &["--expires", "90d"]);
    let reader = reader.trim();
    let scraper = make("scraper", "metrics,read,read", &[]);
    assert!(reader.starts_with("ff_") && scraper.starts_with("ff_"));
    let listed = succeeded(deployment.footfall(&["tokens", "list"]));
    let lines: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(lines[0][..2], ["reader", "read"]);
    assert!(lines[0][3].ends_with('Z'), "{listed}");
    assert_eq!(lines[1][..2], ["scraper", "read,metrics"]);
    assert_eq!(lines[1][3], "never");
    assert!(!listed.contains(&reader[3..]));

    let (process, address) = deployment.serving(&QUIET);
    // A demo that has just started may not have all of its partitions yet.
    wait_for("the token to be served", || {
        (status(&address, reader) == 200).then_some(())
    });
    assert_eq!(deployment.ask(&format!("{address}/v1/campaigns")).0, 401);
    assert_eq!(deployment.ask(&format!("{address}/metrics")).0, 401);
    assert_eq!(deployment.ask(&format!("{address}/healthz")).0, 200);
    succeeded(deployment.footfall(&["tokens", "revoke", "reader"]));
    wait_for("the revoked token to be refused", || {
        (status(&address, reader) == 401).then_some(())
    });
    // Other commands on the machine ask the demo without a token.
    let digest = wait_for("the demo's own word", || {
        let output = deployment.footfall(&["views", "digest"]);
        output.status.success().then_some(output)
    });
    assert!(digest.stderr.is_empty(), "it read the demo's files instead");
    process.stop();
}

#[test]
fn what_can_not_be_done_with_tokens_says_what_to_do() {
    let deployment = with_tokens();
    let without_file = Deployment::embedded();
    let create = ["tokens", "create", "--name", "a", "--scope"];
    succeeded(deployment.footfall(&[&create[..], &["read"]].concat()));
    for (deployment, args, word) in [
        (&without_file, vec!["tokens", "list"], "http.tokens"),
        (
            &deployment,
            [&create[..], &["all"]].concat(),
            "scopes are ingest",
        ),
        (
            &deployment,
            [&create[..], &["read"]].concat(),
            "names are unique",
        ),
        (
            &deployment,
            [&create[..], &["read", "--expires", "90"]].concat(),
            "30d",
        ),
        (&deployment, vec!["tokens", "revoke", "b"], "tokens list"),
        (
            &deployment,
            vec!["demo", "--listen", "0.0.0.0:0"],
            "http.certificate",
        ),
        (
            &without_file,
            vec!["demo", "--listen", "0.0.0.0:0"],
            "http.tokens",
        ),
        (
            &without_file,
            vec!["config", "check", "--listen", "[::]:80"],
            "http.insecure",
        ),
    ] {
        let output = deployment.footfall(&args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(word),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn a_demo_listens_at_a_host_name() {
    let deployment = Deployment::embedded();
    let (process, address) =
        deployment.serving(&[&QUIET[..], &["--listen", "localhost:0"]].concat());
    assert_eq!(deployment.ask(&format!("{address}/healthz")).0, 200);
    process.stop();
}
