//! A redis-server on a free port of 127.0.0.1 in a folder of its own, gone when dropped.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fred::prelude::*;
use fred::types::{ClusterHash, CustomCommand};
use tempfile::TempDir;

use super::CAP;

/// Ports tried: another process may take one between finding and using it.
const PORTS_TRIED: usize = 20;

/// The server.
pub struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
    policy: &'static str,
    admin: Client,
}

impl Server {
    /// Starts one that evicts nothing.
    pub async fn start() -> Self {
        Self::start_evicting("noeviction").await
    }

    /// Starts one with a `maxmemory-policy`.
    pub async fn start_evicting(policy: &'static str) -> Self {
        for _ in 0..PORTS_TRIED {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            let folder = tempfile::tempdir().unwrap();
            let mut child = spawn(port, &folder, policy);
            if let Some(admin) = connect(port, &mut child).await {
                return Self {
                    child,
                    port,
                    folder,
                    policy,
                    admin,
                };
            }
        }
        panic!("redis-server did not start on any of {PORTS_TRIED} ports");
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it as kill -9 does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on what it had written.
    pub async fn restart(&mut self) {
        self.child = spawn(self.port, &self.folder, self.policy);
        let admin = connect(self.port, &mut self.child).await;
        self.admin = admin.expect("redis-server did not come up again");
    }

    /// Takes the last bytes of its file away, as a power cut may, and repairs the file, as it then
    /// must be before a start: by itself Redis leaves the beginning of a torn transaction in it.
    pub fn tear(&mut self, bytes: u64) {
        let folder = self.folder.path().join("appendonlydir");
        let files = std::fs::read_dir(&folder).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let file = files
            .find(|file| file.to_string_lossy().ends_with(".incr.aof"))
            .unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(bytes)).unwrap();
        let mut repair = Command::new("redis-check-aof")
            .arg("--fix")
            .arg(folder.join("appendonly.aof.manifest"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        repair.stdin.take().unwrap().write_all(b"y\n").unwrap();
        // It ends with an error when the file was whole.
        repair.wait().unwrap();
    }

    /// A command of the test's own.
    pub async fn command(&self, command: &'static str, args: &[&str]) -> Value {
        let command = CustomCommand::new_static(command, ClusterHash::Random, false);
        let args: Vec<Value> = args.iter().map(|arg| Value::from(*arg)).collect();
        self.admin.custom(command, args).await.unwrap()
    }

    /// The client behind [`Server::command`].
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    /// Every key.
    pub async fn keys(&self) -> Vec<String> {
        let keys = self.command("KEYS", &["*"]).await.into_array();
        keys.into_iter()
            .map(|key| key.into_string().unwrap())
            .collect()
    }

    /// How often each command was called since the start, by whomever, from functions too.
    pub async fn calls(&self) -> std::collections::BTreeMap<String, u64> {
        let stats = self
            .command("INFO", &["commandstats"])
            .await
            .into_string()
            .unwrap();
        let stat = |line: &str| {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some((name.to_owned(), rest.split_once(',')?.0.parse().ok()?))
        };
        stats.lines().filter_map(stat).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16, folder: &TempDir, policy: &str) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "yes", "--appendfsync", "no"])
        .args(["--maxmemory", "1gb", "--maxmemory-policy", policy])
        .args(["--enable-debug-command", "local"])
        .arg("--dir")
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests start redis-server: install it, for example with apt-get install redis-server")
}

/// A client of the server once it answers; none if the server ended.
async fn connect(port: u16, child: &mut Child) -> Option<Client> {
    let config = Config::from_url(&format!("redis://127.0.0.1:{port}")).unwrap();
    let give_up = Instant::now() + CAP;
    while Instant::now() < give_up {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        let client = Builder::from_config(config.clone()).build().unwrap();
        if client.init().await.is_ok() {
            if client.ping::<String>(None).await.is_ok() {
                return Some(client);
            }
            let _ = client.quit().await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}
