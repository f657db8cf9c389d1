//! An S3-compatible server of a test's own: S3Proxy over a folder, gone when the test ends.
//!
//! It checks signatures and keeps each object as a file, which a test may damage. It stands in for S3; it is not S3.
#![allow(dead_code)] // one test needs this of it, another that

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const KEY: &str = "footfall";
pub const SECRET: &str = "only-for-tests";
const NAME: &str = "snapshots";
const PREFIX: &str = "some/where";
/// A JVM needs 2 s on a quiet machine.
const START: Duration = Duration::from_secs(180);

pub struct Bucket {
    server: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Bucket {
    /// A server with one empty bucket.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("buckets").join(NAME)).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let server = serve(folder.path(), port);
        let mut bucket = Self {
            server,
            port,
            folder,
        };
        bucket.wait();
        bucket
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.server.try_wait().unwrap();
            assert!(ended.is_none(), "S3Proxy ended: {ended:?}");
            assert!(begun.elapsed() < START, "S3Proxy doesn't answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts it again at its address, with what it held.
    pub fn restart(&mut self) {
        self.server = serve(self.folder.path(), self.port);
        self.wait();
    }

    /// kill -9; what it holds stays.
    pub fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// What an operator writes into `snapshots.url`.
    pub fn url(&self) -> String {
        format!("s3://{NAME}/{PREFIX}")
    }

    /// And into `snapshots.options`.
    pub fn options(&self) -> BTreeMap<String, String> {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        [
            ("endpoint", endpoint.as_str()),
            ("region", "eu-central-1"),
            ("allow_http", "true"),
            ("access_key_id", KEY),
            ("secret_access_key", SECRET),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Where the objects under the prefix lie.
    pub fn objects(&self) -> PathBuf {
        self.folder.path().join("buckets").join(NAME).join(PREFIX)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serve(folder: &Path, port: u16) -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/s3proxy/s3proxy.sh");
    let log = std::fs::File::create(folder.join("log")).unwrap();
    Command::new(script)
        .arg("run")
        .arg(folder)
        .arg(port.to_string())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}
