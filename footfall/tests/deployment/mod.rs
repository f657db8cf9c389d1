//! A deployment of its own for each test: topic prefix, hash key, index, state folder, processes.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

pub mod gate;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use footfall::config::Config;
use footfall::set::{self, Log};
use footfall::views::{Store, digest, dump};
use views::{Sink, Stored};

/// How long a condition is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(180);
/// How much of a processor's log a failed test prints, in bytes.
const LONGEST_LOG: usize = 20_000;

pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_footfall"))
}

pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Waits until `condition` gives something.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(start.elapsed() < LONGEST_WAIT, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub fn succeeded(output: Output) -> String {
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A process that is killed when the test ends.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Waits for its end, which must be a good one; what it printed.
    pub fn finish(mut self) -> String {
        let mut printed = String::new();
        let mut stdout = self.0.stdout.take().unwrap();
        stdout.read_to_string(&mut printed).unwrap();
        assert!(self.0.wait().unwrap().success(), "{printed}");
        printed
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let pid = self.0.id().to_string();
        succeeded(Command::new("kill").args(["-TERM", &pid]).output().unwrap());
    }

    /// SIGTERM, and waits for its last checkpoint.
    pub fn stop(mut self) {
        self.terminate();
        assert!(self.0.wait().unwrap().success(), "it did not end well");
    }
}

pub struct Deployment {
    pub config: Config,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    /// What commands and processes find in their environment.
    variables: BTreeMap<String, String>,
}

fn server(name: &str) -> String {
    let name = format!("FOOTFALL_TEST_{name}");
    std::env::var(&name)
        .unwrap_or_else(|_| panic!("{name} is not set: `make test` starts the servers and sets it"))
}

/// When a test fails, its processors' logs say why.
impl Drop for Deployment {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        for path in files.map(|file| file.unwrap().path()) {
            if path.extension().is_some_and(|extension| extension == "log") {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let from = text.len().saturating_sub(LONGEST_LOG);
                let from = text.ceil_char_boundary(from);
                eprintln!("end of {}:\n{}", path.display(), &text[from..]);
            }
        }
    }
}

impl Deployment {
    /// On the embedded log.
    pub fn embedded() -> Self {
        Self::of(Config::default())
    }

    /// On the servers of this test run, with topics of its own.
    pub fn on_servers() -> Self {
        let mut config = Config::default();
        config.log.brokers = server("KAFKA");
        config.log.development = true;
        config.redis.url = server("REDIS");
        config.opensearch.urls = vec![server("OPENSEARCH")];
        config.opensearch.replicas = 0;
        let mine = format!("{:016x}", rand::random::<u64>());
        config.log.topic_prefix = format!("t{mine}-");
        config.log.group = format!("t{mine}");
        config.opensearch.prefix = format!("t{mine}");
        config.definition.hash_key = mine.repeat(2);
        // The sample is from 2015.
        config.definition.hot_days = None;
        config.processor.history_ms = 500;
        config.processor.checkpoint_ms = 300;
        let deployment = Self::of(config);
        succeeded(deployment.footfall(&["topics", "create", "--replication", "3"]));
        deployment
    }

    fn of(mut config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        config.data = folder.path().join("data");
        config.listen = "127.0.0.1:0".parse().unwrap();
        let deployment = Self {
            config,
            folder,
            runtime: tokio::runtime::Runtime::new().unwrap(),
            variables: BTreeMap::new(),
        };
        deployment.write_config(&deployment.config, "footfall.toml");
        deployment
    }

    /// Changes what commands and processes that are started from now on are told.
    pub fn configure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.write_config(&self.config, "footfall.toml");
    }

    /// What commands and processes that are started from now on find in their environment.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    fn write_config(&self, config: &Config, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        // TOML has no word for none: 0 days means all.
        let mut written = config.clone();
        written.definition.hot_days = written.definition.hot_days.or(Some(0));
        std::fs::write(&path, toml::to_string(&written).unwrap()).unwrap();
        path
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, config: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(args).arg("--config").arg(config);
        for name in [
            "KAFKA",
            "KAFKA_USER",
            "KAFKA_PASSWORD",
            "REDIS",
            "OPENSEARCH",
            "HASH_KEY",
            "DATA",
            "LISTEN",
        ] {
            command.env_remove(format!("FOOTFALL_{name}"));
        }
        command.envs(&self.variables);
        command
    }

    /// Runs a command to its end.
    pub fn footfall(&self, args: &[&str]) -> Output {
        let config = self.folder.path().join("footfall.toml");
        self.command(&config, args).output().unwrap()
    }

    /// Starts a command.
    pub fn spawn(&self, args: &[&str]) -> Process {
        let config = self.folder.path().join("footfall.toml");
        let mut command = self.command(&config, args);
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        Process(command.spawn().unwrap())
    }

    /// Starts a processor with a state folder of that name.
    pub fn processor(&self, name: &str) -> Process {
        let mut config = self.config.clone();
        config.data = self.folder.path().join(name);
        let path = self.write_config(&config, &format!("{name}.toml"));
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join(format!("{name}.log")))
            .unwrap();
        let mut command = self.command(&path, &["process"]);
        Process(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// What the processor of that name has logged.
    pub fn log_of(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap()
    }

    /// Records consumed of the partitions that the processor of that name has, by its metrics.
    pub fn consumed(&self, name: &str) -> u64 {
        let log = self.log_of(name);
        let (_, address) = log.rsplit_once("listen=").unwrap();
        let address = address.split_whitespace().next().unwrap();
        let (_, metrics) = self.ask(&format!("http://{address}/metrics"));
        let of = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            let counts = name.starts_with("footfall_events_total{");
            counts.then(|| value.parse::<u64>().unwrap())
        };
        metrics.lines().filter_map(of).sum()
    }

    /// Starts `command`, which serves HTTP; gives its address, too.
    pub fn serving(&self, args: &[&str]) -> (Process, String) {
        let config = self.folder.path().join("footfall.toml");
        let mut command = self.command(&config, args);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let process = Process(child);
        let address = loop {
            let mut line = String::new();
            assert!(
                lines.read_line(&mut line).unwrap() > 0,
                "it ended before it listened"
            );
            // Other lines may name the addresses of servers.
            let ours = ["open http://127.0.0.1:", "listen=127.0.0.1:"];
            if let Some((_, rest)) = ours.iter().find_map(|before| line.split_once(before)) {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                let is_plain = self.config.http.certificate == Path::new("");
                let scheme = if is_plain { "http" } else { "https" };
                break format!("{scheme}://127.0.0.1:{port}");
            }
        };
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        (process, address)
    }

    /// GETs JSON.
    pub fn get(&self, url: &str) -> serde_json::Value {
        let (status, text) = self.ask(url);
        assert_eq!(status, 200, "{url}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// GETs a status and a text.
    pub fn ask(&self, url: &str) -> (u16, String) {
        self.runtime.block_on(async {
            let answer = reqwest::get(url).await.unwrap();
            let status = answer.status().as_u16();
            (status, answer.text().await.unwrap())
        })
    }

    /// Sends a request; gives a status and JSON.
    pub fn send(
        &self,
        request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> (u16, serde_json::Value) {
        self.runtime.block_on(async {
            let answer = request(&reqwest::Client::new()).send().await.unwrap();
            let status = answer.status().as_u16();
            (
                status,
                serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
            )
        })
    }

    /// What the API at `address` says of a campaign.
    pub fn campaign(&self, address: &str, name: &str, query: &str) -> serde_json::Value {
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        self.get(&format!("{address}/v1/campaigns/{name}{query}"))
    }

    pub fn producer(&self) -> Arc<dyn log::Producer> {
        Log::open(&self.config)
            .unwrap()
            .producer(&self.config.topics().events)
            .unwrap()
    }

    /// Records in the events topic.
    pub fn records(&self) -> u64 {
        let log = Log::open_read_only(&self.config).unwrap();
        let mut reader = log.reader(&self.config.topics().events).unwrap();
        (0..self.config.definition.partitions)
            .map(|partition| reader.bounds(partition).unwrap().end)
            .sum()
    }

    /// How many of the log's records Redis or OpenSearch says it holds.
    pub fn stored(&self, store: Store) -> u64 {
        self.runtime.block_on(async {
            let config = &self.config;
            let sink: Arc<dyn Sink> = match store {
                Store::Redis => set::redis(config).await.unwrap().unwrap(),
                Store::Opensearch => set::opensearch(config).await.unwrap().unwrap(),
                Store::Fold => panic!("the fold is no sink"),
            };
            let mut sum = 0;
            for partition in 0..config.definition.partitions {
                if let Stored::At(stored) = sink.stored(partition).await.unwrap() {
                    sum += stored;
                }
            }
            sum
        })
    }

    /// Waits until a store holds every record of the log, which may grow meanwhile.
    pub fn wait_until_stored(&self, store: Store) {
        wait_for(&format!("{store:?} holds every record"), || {
            let records = self.records();
            let (as_of, _) = self.runtime.block_on(dump(store, &self.config)).ok()?;
            let stored: u64 = as_of.partitions.iter().map(|stamp| stamp.offset).sum();
            (stored == records).then_some(())
        });
    }

    /// The view digest of a store.
    pub fn digest(&self, store: Store) -> String {
        digest(&self.runtime.block_on(dump(store, &self.config)).unwrap().1)
    }

    /// The view digest of a store of the embedded set, whose hash key was made by the process.
    pub fn digest_of_stopped(&self, store: Store) -> String {
        let mut config = self.config.clone();
        config.complete().unwrap();
        digest(&self.runtime.block_on(dump(store, &config)).unwrap().1)
    }

    /// What `footfall verify` says of each store; it must be clean.
    pub fn verify(&self, stores: &str) -> Vec<serde_json::Value> {
        let said = succeeded(self.footfall(&["verify", "--json", "--store", stores]));
        serde_json::from_str(&said).unwrap()
    }
}
