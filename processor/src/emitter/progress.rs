//! How far each partition is, for metrics and for whoever asks whether the process is well.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use log::Reader;
use metrics::{counter, gauge};

use crate::metrics as names;

/// Time between two questions how far the entries topic reaches.
const EVERY: Duration = Duration::from_secs(5);

/// How far one partition is.
#[derive(Debug, Clone, Default)]
pub struct Of {
    /// The first offset of which not everything is acknowledged.
    pub position: u64,
    /// Why it stands still.
    pub halted: Option<String>,
}

/// Shared by the loop, which sets it, and those who ask.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<Mutex<BTreeMap<u32, Of>>>);

impl Progress {
    pub fn set(&self, partition: u32, change: impl FnOnce(&mut Of)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(partition).or_default());
    }

    pub fn remove(&self, partition: u32) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&partition);
    }

    pub fn all(&self) -> BTreeMap<u32, Of> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    /// Starts a thread of its own that reports: the log may take long to answer.
    pub fn report(
        self,
        mut entries: Box<dyn Reader>,
        stop: Arc<AtomicBool>,
    ) -> std::io::Result<JoinHandle<()>> {
        let report = move || {
            let mut before = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let all = self.all();
                for partition in before {
                    if !all.contains_key(&partition) {
                        say(partition, &Of::default(), 0);
                    }
                }
                for (partition, of) in &all {
                    match entries.bounds(*partition) {
                        Ok(bounds) => say(*partition, of, bounds.end),
                        Err(_) => counter!(names::RETRIES, "what" => "log").increment(1),
                    }
                }
                before = all.into_keys().collect();
                std::thread::park_timeout(EVERY);
            }
        };
        let thread = std::thread::Builder::new().name("emitter-lag".to_owned());
        thread.spawn(report)
    }
}

fn say(partition: u32, of: &Of, end: u64) {
    let label = partition.to_string();
    let (lag, halted) = (end.saturating_sub(of.position), of.halted.is_some());
    gauge!(names::ENTERS_LAG, "partition" => label.clone()).set(lag as f64);
    gauge!(names::ENTERS_HALTED, "partition" => label).set(f64::from(u8::from(halted)));
}
