//! A process that is asked to stop while it still starts.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn who_is_asked_to_stop_while_it_starts_ends_as_asked() {
    for service in ["process", "api", "entry"] {
        // Whoever is here takes connections and never says a word.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        silent.set_nonblocking(true).unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FOOTFALL_")) {
            command.env_remove(name);
        }
        command
            .current_dir(folder.path())
            .env("FOOTFALL_HASH_KEY", "00112233445566778899aabbccddeeff")
            .args([service, "--listen", "127.0.0.1:0", "--kafka", &address]);
        if service == "api" {
            command.args(["--redis", &format!("redis://{address}")]);
        }
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        // Until it waits for an answer.
        let connection = loop {
            if let Ok((connection, _)) = silent.accept() {
                break connection;
            }
            assert_eq!(child.try_wait().unwrap(), None, "{service} has ended");
            std::thread::sleep(Duration::from_millis(5));
        };
        let id = child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{service}: {said}");
        drop(connection);
    }
}
