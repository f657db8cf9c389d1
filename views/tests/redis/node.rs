//! One redis-server of several, on a free port of 127.0.0.1, gone when dropped.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// For a server to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the servers of a test are reached, by each other and by clients.
#[derive(Clone, Default)]
pub struct Wire {
    /// Lines in each server's configuration.
    pub lines: Vec<String>,
    /// Lines in each sentinel's configuration.
    pub sentinel_lines: Vec<String>,
    /// Arguments of redis-cli for servers.
    pub cli: Vec<String>,
    /// Likewise for sentinels.
    pub sentinel_cli: Vec<String>,
    /// Whether there is only a TLS port.
    pub tls: bool,
}

/// The server.
pub struct Node {
    child: Child,
    pub port: u16,
    cli: Vec<String>,
    arguments: Vec<&'static str>,
    folder: TempDir,
}

impl Node {
    /// Starts one with these lines in its configuration; none if it ended at once, as when its
    /// port was taken meanwhile.
    pub async fn start(wire: &Wire, port: u16, lines: &[String]) -> Option<Self> {
        let mut lines = lines.to_vec();
        lines.extend(wire.lines.iter().cloned());
        lines.extend([
            "appendonly yes".to_owned(),
            "appendfsync no".to_owned(),
            "maxmemory 256mb".to_owned(),
            "maxmemory-policy noeviction".to_owned(),
            "repl-diskless-sync-delay 0".to_owned(),
            "min-replicas-max-lag 5".to_owned(),
        ]);
        Self::start_as(Vec::new(), wire.tls, port, &lines, &wire.cli).await
    }

    /// Starts a sentinel.
    pub async fn start_sentinel(wire: &Wire, port: u16, lines: &[String]) -> Option<Self> {
        let mut lines = lines.to_vec();
        lines.extend(wire.sentinel_lines.iter().cloned());
        Self::start_as(
            vec!["--sentinel"],
            wire.tls,
            port,
            &lines,
            &wire.sentinel_cli,
        )
        .await
    }

    async fn start_as(
        arguments: Vec<&'static str>,
        tls: bool,
        port: u16,
        lines: &[String],
        cli: &[String],
    ) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let ports = if tls {
            format!("port 0\ntls-port {port}\n")
        } else {
            format!("port {port}\n")
        };
        let text = format!(
            "{ports}bind 127.0.0.1\ndir {}\nsave \"\"\n{}\n",
            folder.path().display(),
            lines.join("\n")
        );
        // A sentinel knows no save.
        let text = if arguments.is_empty() {
            text
        } else {
            text.replace("save \"\"\n", "")
        };
        std::fs::write(folder.path().join("redis.conf"), text).unwrap();
        let mut node = Self {
            child: spawn(folder.path(), &arguments),
            port,
            cli: cli.to_vec(),
            arguments,
            folder,
        };
        node.comes_up().await.then_some(node)
    }

    /// Whether it answers; false when it ended.
    async fn comes_up(&mut self) -> bool {
        super::until(async || {
            self.child.try_wait().unwrap().is_some() || self.ask(&["PING"]) == "PONG"
        })
        .await;
        self.child.try_wait().unwrap().is_none()
    }

    /// What redis-cli prints; nothing when the server keeps it waiting, as a frozen one does.
    pub fn ask(&self, command: &[&str]) -> String {
        let mut child = Command::new("redis-cli")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(&self.cli)
            .args(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("these tests ask servers with redis-cli: it comes with redis-server");
        // The answers are shorter than a pipe is wide.
        let give_up = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > give_up {
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let output = child.wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// `master`, `slave` or nothing.
    pub fn role(&self) -> String {
        self.ask(&["ROLE"])
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    /// Kills it as kill -9 does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, with nothing if it is `empty`, else with what it had written.
    pub async fn restart(&mut self, empty: bool) {
        if empty {
            std::fs::remove_dir_all(self.folder.path().join("appendonlydir")).unwrap();
        }
        self.child = spawn(self.folder.path(), &self.arguments);
        assert!(self.comes_up().await, "redis-server did not come up again");
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path, arguments: &[&str]) -> Child {
    Command::new("redis-server")
        .arg(folder.join("redis.conf"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests start redis-server: install it, for example with apt-get install redis-server")
}

/// So many different ports that are free.
pub fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect()
}
