//! Takes snapshots on a thread of its own: on a schedule, and when a partition leaves this process.
//!
//! It reads the checkpoint's file beside its writer, so that no worker and no checkpoint waits for it. What fails is
//! said once, counted, and tried again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use metrics::{counter, gauge, histogram};

use super::staging::Staging;
use super::{Error, Kept, Name, Schedule, Snapshots, image};
use crate::metrics as names;

/// The thread looks at its clock this often.
const TICK: Duration = Duration::from_millis(200);
/// Time after which a snapshot that failed is tried again, unless it is due before.
const RETRY: Duration = Duration::from_secs(60);
/// Time that one upload may take.
const UPLOAD: Duration = Duration::from_secs(600);
/// Time that removing old snapshots may take.
const PRUNING: Duration = Duration::from_secs(60);
/// Orders that may wait: a few for each partition.
const ORDERS: usize = 16_384;
/// Of this many parts of the time between snapshots, each partition starts in its own.
const STAGGER: u32 = 97;

enum Order {
    /// The partition is ours, its checkpoint in this file.
    Own(u32, PathBuf),
    /// It is no longer: one last snapshot.
    Leave(u32),
    /// Say when everything before is done.
    Done(Sender<()>),
}

/// Tells the thread what to do; it ends when this is dropped.
pub struct Taker {
    orders: Sender<Order>,
    snapshots: Snapshots,
}

impl Taker {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        snapshots: Snapshots,
        schedule: Schedule,
        staging: Arc<Staging>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (orders, received) = crossbeam_channel::bounded(ORDERS);
        let taking = Taking {
            snapshots: snapshots.clone(),
            schedule,
            staging,
            partitions: BTreeMap::new(),
        };
        let thread = std::thread::Builder::new()
            .name("snapshots".to_owned())
            .spawn(move || taking.run(&received))?;
        Ok((Self { orders, snapshots }, thread))
    }

    /// From now on snapshots of the partition are taken.
    pub fn own(&self, partition: u32, file: &Path) {
        self.order(Order::Own(partition, file.to_owned()));
    }

    /// The partition's last checkpoint is written: a last snapshot is taken. Nothing waits for it.
    pub fn leave(&self, partition: u32) {
        self.order(Order::Leave(partition));
    }

    /// Waits until everything ordered is done, but not longer than this; then the store is waited for no more.
    pub fn finish(&self, most: Duration) {
        self.snapshots.end_by(tokio::time::Instant::now() + most);
        let (done, is_done) = crossbeam_channel::bounded(1);
        self.order(Order::Done(done));
        if is_done.recv_timeout(most).is_err() {
            tracing::warn!(
                seconds = most.as_secs(),
                "the last snapshots were not taken in time; their partitions go on from older ones"
            );
        }
    }

    fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            tracing::warn!("too many snapshots wait; one is left out");
        }
    }
}

/// A partition of ours.
struct Partition {
    file: PathBuf,
    due: Instant,
    taken: Option<u64>,
    failing: bool,
}

struct Taking {
    snapshots: Snapshots,
    schedule: Schedule,
    staging: Arc<Staging>,
    partitions: BTreeMap<u32, Partition>,
}

impl Taking {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            match orders.recv_timeout(TICK) {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = Instant::now();
            let next = self.partitions.iter().min_by_key(|(_, of)| of.due);
            if let Some((partition, of)) = next
                && of.due <= now
            {
                self.take(*partition);
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Own(partition, file) => {
                let part = partition.wrapping_mul(61) % STAGGER + 1;
                let partition_of = Partition {
                    file,
                    due: Instant::now() + self.schedule.every * part / STAGGER,
                    taken: None,
                    failing: false,
                };
                self.partitions.insert(partition, partition_of);
            }
            Order::Leave(partition) => {
                self.take(partition);
                self.partitions.remove(&partition);
                // Another process has the partition now, or none: it fails here no longer.
                failing(partition, false);
            }
            // Whoever asked may have given up.
            Order::Done(done) => drop(done.send(())),
        }
    }

    fn take(&mut self, partition: u32) {
        let Some(of) = self.partitions.get_mut(&partition) else {
            return;
        };
        if self.snapshots.have_ended() {
            return;
        }
        let start = Instant::now();
        let taken = take(
            &self.snapshots,
            &self.staging,
            partition,
            &of.file,
            of.taken,
        );
        failing(partition, taken.is_err());
        match taken {
            Ok(taken) => {
                if let Some(name) = taken {
                    histogram!(names::SNAPSHOT).record(start.elapsed().as_secs_f64());
                    tracing::info!(partition, offset = name.offset, "snapshot taken");
                    of.taken = Some(name.offset);
                    prune(&self.snapshots, name, self.schedule.keep);
                }
                of.due = start + self.schedule.every;
                of.failing = false;
            }
            Err(error) => {
                counter!(names::RETRIES, "what" => "snapshot").increment(1);
                if !of.failing {
                    tracing::warn!(%error, partition, "no snapshot can be taken; it is tried again");
                }
                of.failing = true;
                of.due = Instant::now() + RETRY.min(self.schedule.every);
            }
        }
    }
}

/// Whether snapshots of a partition fail in this process.
fn failing(partition: u32, fails: bool) {
    gauge!(names::SNAPSHOT_FAILING, "partition" => partition.to_string())
        .set(f64::from(u8::from(fails)));
}

/// One snapshot of a partition's file: copied, checked, put. `None` when there is nothing new since the one `before`.
///
/// # Errors
/// When the file can't be copied, or the store doesn't take it.
pub fn take(
    snapshots: &Snapshots,
    staging: &Staging,
    partition: u32,
    file: &Path,
    before: Option<u64>,
) -> Result<Option<Name>, Error> {
    let staged = staging.file(&format!("{partition:04}.taken"))?;
    let definition = snapshots.definition();
    image::copy(file, staged.path(), definition, partition)?;
    // As if it were to be used: what could not be restored must not push out what can.
    let Some((offset, ..)) = image::check(staged.path(), definition, partition, &[])? else {
        return Ok(None);
    };
    if before == Some(offset) {
        return Ok(None);
    }
    let name = Name { partition, offset };
    let until = tokio::time::Instant::now() + UPLOAD;
    snapshots.put(staged.path(), name, until)?;
    report(Kept {
        name,
        taken_at: names::now_ms() / 1000,
    });
    Ok(Some(name))
}

/// What can't be removed now is removed after the next snapshot.
fn prune(snapshots: &Snapshots, put: Name, keep: usize) {
    let until = tokio::time::Instant::now() + PRUNING;
    if let Err(error) = snapshots.prune(put, keep, until) {
        counter!(names::RETRIES, "what" => "snapshot").increment(1);
        tracing::warn!(%error, partition = put.partition, "old snapshots can't be removed for now");
    }
}

/// The newest snapshot of a partition that this process knows.
pub(crate) fn report(newest: Kept) {
    let label = newest.name.partition.to_string();
    gauge!(names::SNAPSHOT_OFFSET, "partition" => label.clone()).set(newest.name.offset as f64);
    gauge!(names::SNAPSHOT_TIME, "partition" => label).set(newest.taken_at as f64);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pipeline::definition::Definition;

    use super::super::Store;
    use super::*;

    #[test]
    fn a_partition_that_leaves_while_its_snapshots_fail_fails_here_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = telemetry::metrics::recorder().unwrap();
        let _here = ::metrics::set_default_local_recorder(&recorder);
        let says = |value| format!("{}{{partition=\"3\"}} {value}", names::SNAPSHOT_FAILING);
        let text = || recorder.handle().render();
        let store = Store::of(Arc::new(object_store::memory::InMemory::new()));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let definition = Arc::new(Definition::default());
        let mut taking = Taking {
            snapshots: Snapshots::new(store, definition, runtime.handle().clone()),
            schedule: Schedule::default(),
            staging: Arc::new(Staging::new(folder.path())),
            partitions: BTreeMap::new(),
        };
        taking.obey(Order::Own(3, folder.path().join("no file")));
        taking.take(3);
        assert!(text().contains(&says(1)), "{}", text());
        taking.obey(Order::Leave(3));
        assert!(text().contains(&says(0)), "{}", text());
    }
}
