//! How far each partition is, for metrics and for whoever asks whether the process is well.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use log::{Cut, Reader};
use metrics::{counter, gauge};

use crate::metrics as names;

/// Time between two questions how far the entries topic reaches.
const EVERY: Duration = Duration::from_secs(1);

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

    /// It stands still, unless it is another's by now.
    fn halt(&self, partition: u32, why: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = all.get_mut(&partition) {
            of.halted.get_or_insert(why);
        }
    }

    pub fn remove(&self, partition: u32) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&partition);
    }

    pub fn all(&self) -> BTreeMap<u32, Of> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }
}

/// Looks how far the entries topic reaches, beside the loop: the log may take long to answer.
pub struct Looks {
    progress: Progress,
    /// The partitions of the last look.
    before: Vec<u32>,
    cut: Cut,
}

impl Looks {
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            progress,
            before: Vec::new(),
            cut: Cut::default(),
        }
    }

    /// Looks again and again, on a thread of its own.
    pub(super) fn start(
        mut self,
        mut entries: Box<dyn Reader>,
        stop: Arc<AtomicBool>,
    ) -> std::io::Result<JoinHandle<()>> {
        let look = move || {
            while !stop.load(Ordering::Relaxed) {
                self.look(entries.as_mut());
                std::thread::park_timeout(EVERY);
            }
        };
        let thread = std::thread::Builder::new().name("emitter-lag".to_owned());
        thread.spawn(look)
    }

    /// Tells how far each partition is behind; one whose topic was made anew stands still.
    pub fn look(&mut self, entries: &mut dyn Reader) {
        let all = self.progress.all();
        for partition in self.before.drain(..) {
            if !all.contains_key(&partition) {
                say(partition, &Of::default(), 0);
            }
        }
        self.cut.retain(|partition| all.contains_key(&partition));
        for (partition, of) in &all {
            match entries.bounds(*partition) {
                Ok(bounds) => {
                    say(*partition, of, bounds.end);
                    if let Err(error) = self.cut.hear(*partition, bounds, of.position) {
                        self.progress.halt(*partition, error.to_string());
                    }
                }
                Err(_) => counter!(names::RETRIES, "what" => "log").increment(1),
            }
        }
        self.before = all.into_keys().collect();
    }
}

fn say(partition: u32, of: &Of, end: u64) {
    let label = partition.to_string();
    let (lag, halted) = (end.saturating_sub(of.position), of.halted.is_some());
    gauge!(names::ENTERS_LAG, "partition" => label.clone()).set(lag as f64);
    gauge!(names::ENTERS_HALTED, "partition" => label).set(f64::from(u8::from(halted)));
}
