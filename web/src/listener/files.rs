//! Reads files again when they change. What can't be used is said once and counted; the last good ones stay in use.

use std::future::Future;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::metrics::{File, set_broken};

/// Pause between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Files that belong together.
pub(super) struct Watched {
    paths: Vec<PathBuf>,
    what: File,
}

/// By which a file is known to be another: when it was changed, its length and its number.
type Stamp = Option<(SystemTime, u64, u64)>;

impl Watched {
    pub(super) fn new(paths: Vec<PathBuf>, what: File) -> Self {
        Self { paths, what }
    }

    /// Calls `read` whenever the files have changed, and again while it fails; never ends.
    pub(super) async fn each_change<R, F>(&self, mut read: R)
    where
        R: FnMut() -> F,
        F: Future<Output = Result<(), String>>,
    {
        // What was read at the start may be older than what stands there by now.
        let mut seen = None;
        let mut wrong: Option<String> = None;
        loop {
            let stamps = Some(self.stamps());
            if stamps != seen || wrong.is_some() {
                let first = seen.is_none();
                seen = stamps;
                let outcome = read().await;
                self.report(first, &outcome, wrong.as_deref());
                wrong = outcome.err();
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn report(&self, first: bool, outcome: &Result<(), String>, before: Option<&str>) {
        let what = self.what.as_str();
        match outcome {
            Ok(()) if first => {}
            Ok(()) => tracing::info!(what, "read again"),
            Err(error) if before == Some(error) => {}
            Err(error) => tracing::error!(what, "what was read before stays in use: {error}"),
        }
        set_broken(self.what, outcome.is_err());
    }

    fn stamps(&self) -> Vec<Stamp> {
        let stamp = |path: &PathBuf| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len(), found.ino()))
        };
        self.paths.iter().map(stamp).collect()
    }
}
