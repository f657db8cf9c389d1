//! What commands do before they work: with settings that can't be used, and in folders that are not there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

/// Runs `footfall` in a folder, with these variables and no other of ours.
fn footfall(folder: &Path, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FOOTFALL_")) {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command.current_dir(folder).args(args).output().unwrap()
}

/// What a command that must fail says.
fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it went on: {said}");
    said
}

#[test]
fn what_the_check_refuses_no_command_starts_with() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("bad.toml"),
        "[processor]\nmemory_mib = 10\nhot_ms = 0\n[opensearch]\nshards = 0\n",
    )
    .unwrap();
    let settings = [
        "processor.memory_mib",
        "processor.hot_ms",
        "opensearch.shards",
    ];
    let short = ["demo", "--no-import", "--rate", "0", "--for", "1s"];
    for args in [["config", "check"].as_slice(), &short, &["verify"]] {
        let mut args = args.to_vec();
        args.extend(["--config", "bad.toml", "--listen", "127.0.0.1:0"]);
        let said = refused(&footfall(folder.path(), &[], &args));
        for setting in settings {
            assert!(said.contains(setting), "{args:?}: {said}");
        }
    }
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let key = ("FOOTFALL_HASH_KEY", "00112233445566778899aabbccddeeff");
    for command in [["config", "check"].as_slice(), &["process"], &["api"]] {
        let mut args = command.to_vec();
        args.extend(["--kafka", "127.0.0.1:1", "--redis", "nonsense"]);
        args.extend(["--opensearch", "not a url"]);
        let said = refused(&footfall(folder.path(), &[key], &args));
        assert!(said.contains("redis://127.0.0.1:6379"), "{said}");
        assert!(said.contains("http://127.0.0.1:9200"), "{said}");
    }
}

#[test]
fn a_command_that_reads_writes_nothing_and_says_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        ["views", "digest"].as_slice(),
        &["views", "dump"],
        &["verify"],
        &["dead-letters", "list"],
        &["process"],
        &["config", "check"],
    ] {
        let mut args = args.to_vec();
        args.extend(["--data", "nowhere"]);
        let output = footfall(folder.path(), &[], &args);
        if args[0] != "config" {
            let said = refused(&output);
            let begins = args[0] == "dead-letters" || said.contains("`footfall demo`");
            assert!(begins, "{args:?}: {said}");
        }
        assert!(!folder.path().join("nowhere").exists(), "{args:?}");
    }
}

#[test]
fn a_log_that_nobody_folded_yet_is_told_how_it_is_folded() {
    let folder = tempfile::tempdir().unwrap();
    let made = footfall(folder.path(), &[], &["generate", "--count", "10"]);
    assert!(made.status.success(), "{made:?}");
    let said = refused(&footfall(folder.path(), &[], &["views", "digest"]));
    assert!(said.contains("`footfall demo --no-import`"), "{said}");
    let args = ["demo", "--no-import", "--rate", "0", "--for", "1s"];
    let mut args = args.to_vec();
    args.extend(["--listen", "127.0.0.1:0"]);
    let folded = footfall(folder.path(), &[], &args);
    assert!(folded.status.success(), "{folded:?}");
    let digest = footfall(folder.path(), &[], &["views", "digest"]);
    assert!(digest.status.success(), "{digest:?}");
}

#[test]
fn a_demo_beside_brokers_in_the_environment_names_the_variable_to_leave_out() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("FOOTFALL_KAFKA", "127.0.0.1:9092")];
    let said = refused(&footfall(folder.path(), &variables, &["demo"]));
    assert!(said.contains("FOOTFALL_KAFKA"), "{said}");
    assert!(!said.contains("hash_key"), "{said}");
}
