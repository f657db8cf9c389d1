//! Whether the state folder can be used, and whether its checkpoints go on with this log.

use std::path::{Path, PathBuf};

use processor::{space, survey};

use super::Checks;
use crate::config::Config;
use crate::set::{self, Log};

/// Below this a checkpoint of a busy deployment may not fit, MiB.
const LITTLE_SPACE_MIB: u64 = 1024;
/// A broker's clock is this far ahead of ours before it is worth a word, milliseconds: records of now look newer than now.
const SKEW_MS: i64 = 2_000;

/// Checks that the state folder, or the folder that it would be made in, can be written and has room.
pub fn folder(config: &Config) -> Checks {
    let mut checks = Checks::of("state folder");
    let wanted = set::settings(config).state_folder;
    let Some(existing) = existing(&wanted) else {
        checks.refused(format!(
            "{} is in no folder that exists; name another with --data",
            wanted.display()
        ));
        return checks;
    };
    if !space::is_writable(&existing) {
        checks.refused(format!(
            "{} can't be written by this user; give it to the user or name another folder with --data",
            existing.display()
        ));
        return checks;
    }
    match space::free_bytes(&existing) {
        Err(error) => checks.unasked(format!("{}: {error}", existing.display())),
        Ok(free) if free >> 20 < LITTLE_SPACE_MIB => checks.warning(format!(
            "{} has {} MiB free: checkpoints will soon fail; free some or name another folder with --data",
            wanted.display(),
            free >> 20
        )),
        Ok(free) => checks.ok(format!(
            "{} can be written and has {} GiB free",
            wanted.display(),
            free >> 30
        )),
    }
    checks
}

/// The folder itself or the nearest one above it that exists.
fn existing(folder: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(folder).ok()?;
    absolute
        .ancestors()
        .find(|folder| folder.is_dir())
        .map(Path::to_owned)
}

/// Checks that each checkpoint here was folded from this log, which still has what comes next.
pub(super) fn against_log(config: &Config) -> Checks {
    let mut checks = Checks::of("log");
    let kept = match survey::kept(&set::settings(config).state_folder, &config.definition) {
        Ok(kept) => kept,
        Err(error) => {
            checks.refused(error.to_string());
            return checks;
        }
    };
    let reader =
        Log::open_read_only(config).and_then(|log| Ok(log.reader(&config.topics().events)?));
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => {
            checks.unasked(format!("{error:#}"));
            return checks;
        }
    };
    for (partition, kept) in &kept {
        match survey::fits(reader.as_mut(), &config.definition, *partition, *kept) {
            Ok(()) => {}
            Err(error @ log::Error::Transient(_)) => {
                checks.unasked(format!("partition {partition}: {error}"));
                return checks;
            }
            Err(error) => checks.refused(format!("partition {partition}: {error}")),
        }
    }
    if checks.is_empty() {
        let ours = kept.len();
        let all = config.definition.partitions;
        checks.ok(if ours == 0 {
            "no checkpoint here was folded from one yet".to_owned()
        } else {
            format!("it is the one that the {ours} checkpoints here of {all} partitions were folded from")
        });
    }
    skew(config, reader.as_mut(), &mut checks);
    checks
}

/// The clocks can be compared only where a record is newer than now: then ours is behind the brokers'.
fn skew(config: &Config, reader: &mut dyn log::Reader, checks: &mut Checks) {
    let mut newest = 0;
    for partition in 0..config.definition.partitions {
        let Ok(bounds) = reader.bounds(partition) else {
            return;
        };
        if bounds.end == bounds.start {
            continue;
        }
        let read = reader.read(partition, bounds.end - 1, bounds.end, &mut |batch| {
            let times = batch.records().map(|record| record.appended_at);
            newest = times.max().unwrap_or(0).max(newest);
            true
        });
        if read.is_err() {
            return;
        }
    }
    let ahead = newest - processor::metrics::now_ms();
    if ahead > SKEW_MS {
        checks.warning(format!(
            "the newest record was appended {ahead} ms from now: this machine's clock is behind the brokers', and freshness is shown too good; synchronise the clocks"
        ));
    }
}
