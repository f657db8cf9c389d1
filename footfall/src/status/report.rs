//! The report: made of what the log, the owners and the stores say, each of which may be silent.

use std::collections::BTreeMap;
use std::fmt;

use log::Bounds;
use serde::Serialize;
use views::Stamp;

use super::process::Owned;

/// What the whole deployment is doing.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The definition asked about.
    pub definition: String,
    /// Every partition, in order.
    pub partitions: Vec<Partition>,
    /// Every view, by its store.
    pub views: BTreeMap<&'static str, View>,
    /// What was set aside.
    pub dead_letters: Letters,
    /// What could not be asked, and why: the rest holds nevertheless.
    pub not_asked: Vec<String>,
}

/// A partition.
#[derive(Debug, Default, Serialize)]
pub struct Partition {
    /// Its number.
    pub partition: u32,
    /// Who has it: an address, or a member of the group that says none.
    pub owner: Option<String>,
    /// One past the last record.
    pub log_end: Option<u64>,
    /// The first offset not folded, as the owner says, else as the last checkpoint in the state folder here.
    pub folded: Option<u64>,
    /// The first offset not in the checkpoint.
    pub checkpointed: Option<u64>,
    /// Records not folded.
    pub lag_records: Option<u64>,
    /// Age of the last record folded while there are more, seconds; 0 when caught up.
    pub lag_seconds: Option<f64>,
    /// How far each store holds it.
    pub stored: BTreeMap<&'static str, Option<u64>>,
    /// Why it stands still, if it does.
    pub halted: Option<String>,
}

/// A view.
#[derive(Debug, Default, Serialize)]
pub struct View {
    /// Partitions that the store holds.
    pub partitions: usize,
    /// Records in the log and not in the view.
    pub behind_records: u64,
    /// Age of the newest record in the view, seconds, of the partition that is furthest behind; 0 when no record is missing.
    pub behind_seconds: f64,
}

/// The dead letters.
#[derive(Debug, Default, Serialize)]
pub struct Letters {
    /// Records in the dead-letter topic; notes of replays are among them.
    pub topic_records: Option<u64>,
    /// Set aside by reason, as the owners say.
    pub by_reason: BTreeMap<String, u64>,
    /// Not yet delivered to the topic.
    pub waiting: usize,
}

/// What was gathered of one deployment.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The log's bounds by partition.
    pub bounds: BTreeMap<u32, Bounds>,
    /// Records of the dead-letter topic.
    pub letters: Option<u64>,
    /// Owners by partition.
    pub owners: BTreeMap<u32, String>,
    /// What they say.
    pub owned: BTreeMap<u32, Owned>,
    /// What the stores hold, by name: a stamp a partition.
    pub stores: BTreeMap<&'static str, Vec<Option<Stamp>>>,
    /// What could not be asked.
    pub not_asked: Vec<String>,
}

impl AsMut<Self> for Gathered {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

impl Gathered {
    /// Adds what another one of them said.
    pub fn add(&mut self, other: Self) {
        self.bounds.extend(other.bounds);
        self.letters = self.letters.or(other.letters);
        self.owners.extend(other.owners);
        self.owned.extend(other.owned);
        self.stores.extend(other.stores);
        self.not_asked.extend(other.not_asked);
    }

    /// Puts it together, as of `now` (milliseconds since the epoch).
    pub fn report(self, definition: String, partitions: u32, now: i64) -> Report {
        let mut letters = Letters {
            topic_records: self.letters,
            ..Letters::default()
        };
        for owned in self.owned.values() {
            letters.waiting += owned.letters_waiting;
            for (reason, count) in &owned.dead_letters {
                *letters.by_reason.entry(reason.clone()).or_default() += count;
            }
        }
        Report {
            definition,
            partitions: (0..partitions).map(|of| self.partition(of, now)).collect(),
            views: self
                .stores
                .iter()
                .map(|(store, stamps)| (*store, self.view(stamps, now)))
                .collect(),
            dead_letters: letters,
            not_asked: self.not_asked,
        }
    }

    fn partition(&self, partition: u32, now: i64) -> Partition {
        let end = self.bounds.get(&partition).map(|bounds| bounds.end);
        let owned = self.owned.get(&partition);
        let folded = owned.map(|of| of.next_offset);
        let lag = end.zip(folded).map(|(end, at)| end.saturating_sub(at));
        let seconds = |of: &Owned| {
            if lag == Some(0) || of.log_time_ms == 0 {
                0.0
            } else {
                age(of.log_time_ms, now)
            }
        };
        let stored = |stamps: &Vec<Option<Stamp>>| {
            let stamp = stamps.get(partition as usize).copied().flatten();
            stamp.map(|stamp| stamp.offset)
        };
        Partition {
            partition,
            owner: self.owners.get(&partition).cloned(),
            log_end: end,
            folded,
            checkpointed: owned.map(|of| of.checkpointed),
            lag_records: lag,
            lag_seconds: lag.and(owned.map(seconds)),
            stored: self
                .stores
                .iter()
                .map(|(of, all)| (*of, stored(all)))
                .collect(),
            halted: owned.and_then(|of| of.halted.clone()),
        }
    }

    fn view(&self, stamps: &[Option<Stamp>], now: i64) -> View {
        let mut view = View {
            partitions: stamps.iter().flatten().count(),
            ..View::default()
        };
        for (partition, stamp) in (0..).zip(stamps) {
            let Some(bounds) = self.bounds.get(&partition) else {
                continue;
            };
            let stored = stamp.map_or(0, |stamp| stamp.offset);
            let behind = bounds.end.saturating_sub(stored);
            view.behind_records += behind;
            let log_time = stamp.map_or(0, |stamp| stamp.log_time);
            if behind > 0 && log_time > 0 {
                view.behind_seconds = view.behind_seconds.max(age(log_time, now));
            }
        }
        view
    }
}

fn age(log_time: i64, now: i64) -> f64 {
    (now - log_time).max(0) as f64 / 1000.0
}

impl fmt::Display for Report {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "definition {}", self.definition)?;
        let stores: Vec<&str> = self.views.keys().copied().collect();
        write!(
            to,
            "{:>9}  {:>12}  {:>12}  {:>12}  {:>9}  {:>8}",
            "partition", "log end", "folded", "checkpoint", "lag", "seconds"
        )?;
        for store in &stores {
            write!(to, "  {store:>12}")?;
        }
        writeln!(to, "  owner")?;
        for of in &self.partitions {
            write!(
                to,
                "{:>9}  {:>12}  {:>12}  {:>12}  {:>9}  {:>8}",
                of.partition,
                number(of.log_end),
                number(of.folded),
                number(of.checkpointed),
                number(of.lag_records),
                of.lag_seconds
                    .map_or_else(|| UNKNOWN.to_owned(), |s| format!("{s:.1}")),
            )?;
            for store in &stores {
                write!(
                    to,
                    "  {:>12}",
                    number(of.stored.get(store).copied().flatten())
                )?;
            }
            writeln!(to, "  {}", of.owner.as_deref().unwrap_or("nobody"))?;
        }
        for (store, view) in &self.views {
            writeln!(
                to,
                "{store}: {} of {} partitions, {} records behind, {:.1} s",
                view.partitions,
                self.partitions.len(),
                view.behind_records,
                view.behind_seconds
            )?;
        }
        let letters = &self.dead_letters;
        let reasons: Vec<String> = letters
            .by_reason
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        writeln!(
            to,
            "dead letters: {} records in the topic, {} waiting to be delivered; set aside: {}",
            number(letters.topic_records),
            letters.waiting,
            if reasons.is_empty() {
                "none".to_owned()
            } else {
                reasons.join(", ")
            }
        )?;
        for of in &self.partitions {
            if let Some(why) = &of.halted {
                writeln!(to, "HALTED: partition {}: {why}", of.partition)?;
            }
        }
        for why in &self.not_asked {
            writeln!(to, "not asked: {why}")?;
        }
        Ok(())
    }
}

const UNKNOWN: &str = "?";

fn number(of: Option<u64>) -> String {
    of.map_or_else(|| UNKNOWN.to_owned(), |of| of.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn gathered() -> Gathered {
        let owned = Owned {
            next_offset: 70,
            log_time_ms: 1_000_000,
            checkpointed: 60,
            dead_letters: BTreeMap::from([("late".to_owned(), 2)]),
            halted: Some("a reason".to_owned()),
            ..Owned::default()
        };
        let stamp = Stamp {
            partition: 0,
            offset: 50,
            log_time: 990_000,
        };
        Gathered {
            bounds: BTreeMap::from([
                (0, Bounds { start: 0, end: 100 }),
                (1, Bounds { start: 0, end: 0 }),
            ]),
            owned: BTreeMap::from([(0, owned)]),
            stores: BTreeMap::from([("redis", vec![Some(stamp), None])]),
            ..Gathered::default()
        }
    }

    #[test]
    fn a_report_says_how_far_each_is_behind_the_log() {
        let report = gathered().report("d".to_owned(), 2, 1_005_000);
        let [first, second] = &report.partitions[..] else {
            panic!("two partitions");
        };
        assert_eq!(first.lag_records, Some(30));
        assert_eq!(first.lag_seconds, Some(5.0));
        assert_eq!(second.lag_records, None, "nobody says how far it is");
        let view = &report.views["redis"];
        assert_eq!((view.partitions, view.behind_records), (1, 50));
        assert_eq!(view.behind_seconds, 15.0);
        assert_eq!(report.dead_letters.by_reason["late"], 2);
        let text = report.to_string();
        assert!(text.contains("HALTED: partition 0: a reason"), "{text}");
    }

    #[test]
    fn what_nobody_says_is_unknown_and_not_zero() {
        let report = Gathered::default().report("d".to_owned(), 1, 0);
        assert_eq!(report.partitions[0].log_end, None);
        assert!(report.to_string().contains('?'), "{report}");
    }
}
