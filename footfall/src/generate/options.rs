//! What traffic to make.

use std::path::PathBuf;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::calendar::Calendar;
use super::file::Format;

/// How long a person stays, in seconds: decides how many are there at a time.
const STAY_SECONDS: f64 = 120.0;
/// People there at a time when events are made as fast as they go.
const MOST_AT_A_TIME: usize = 4096;
/// Digits of a stream's name: no two streams of one log share them.
const STREAM_DIGITS: usize = 12;

/// Traffic and where it goes.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What traffic to make.
    #[command(flatten)]
    pub traffic: Traffic,

    /// Write to this file instead of the log.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// The file's format.
    #[arg(long, value_enum, default_value_t = Format::Protobuf, requires = "output")]
    pub format: Format,
}

/// What traffic to make.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Traffic {
    /// Decides every choice: the same options with the same seed make the same traffic.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// How many records to make.
    #[arg(long, default_value_t = 100_000)]
    pub count: u64,

    /// Records a second; by default as fast as they are taken.
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    pub rate: Option<f64>,

    /// How many people there are; some come often, most seldom.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub users: u32,

    /// How many campaigns run.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub campaigns: u16,

    /// How many activities each campaign has.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub activities: u16,

    /// Date the events from here on instead of now, for example 2026-11-01T00:00:00+09:00.
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,

    /// Spread the events over so many days, from --from or else up to now.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=3660))]
    pub days: Option<u16>,

    /// Share of events that are sent twice.
    #[arg(long, default_value_t = 0.01, value_name = "SHARE", value_parser = share)]
    pub duplicates: f64,

    /// Share of events that occurred two to six days before the others.
    #[arg(long, default_value_t = 0.01, value_name = "SHARE", value_parser = share)]
    pub late: f64,

    /// Share of records that must be refused, each reason in turn. Misrouted ones are at most one
    /// in 200 of a partition's, for at one in 100 it halts.
    #[arg(long, default_value_t = 0.001, value_name = "SHARE", value_parser = share)]
    pub bad: f64,

    /// Mix the order of events within windows of so many.
    #[arg(long, default_value_t = 0, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub shuffle: u32,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && f64::is_finite(rate) => Ok(rate),
        _ => Err("a rate is a number above 0".to_owned()),
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            seed: 1,
            count: 100_000,
            rate: None,
            users: 10_000,
            campaigns: 6,
            activities: 4,
            from: None,
            days: None,
            duplicates: 0.01,
            late: 0.01,
            bad: 0.001,
            shuffle: 0,
        }
    }
}

impl Traffic {
    /// When the events occur, begun at `now_ms`.
    pub(super) fn calendar(&self, now_ms: i64) -> Calendar {
        match (self.from, self.days) {
            (None, None) => Calendar::live(now_ms),
            (Some(from), days) => {
                Calendar::spread(from.as_millisecond(), days.unwrap_or(1), self.count)
            }
            (None, Some(days)) => {
                Calendar::spread(now_ms - Calendar::length_ms(days), days, self.count)
            }
        }
    }

    /// How many people are there at a time.
    pub(super) fn at_a_time(&self) -> usize {
        let per_second = match (self.from, self.days) {
            (None, None) => self.rate,
            (_, days) => {
                let seconds = Calendar::length_ms(days.unwrap_or(1)) as f64 / 1000.0;
                Some(self.count as f64 / seconds)
            }
        };
        per_second.map_or(MOST_AT_A_TIME, |rate| {
            ((rate * STAY_SECONDS) as usize).clamp(1, MOST_AT_A_TIME)
        })
    }

    /// A name of the traffic these options make when begun at `now_ms`: equal names, equal records.
    ///
    /// The beginning of live traffic doesn't depend on its count, so neither does its name; traffic that is dated from
    /// a given time doesn't depend on now.
    pub(super) fn stream(&self, partitions: u32, now_ms: i64) -> String {
        let live = self.from.is_none() && self.days.is_none();
        let shaped = Self {
            count: if live { 0 } else { self.count },
            ..self.clone()
        };
        let begun = self.from.is_none().then_some(now_ms);
        let text = format!("{shaped:?} {partitions} {begun:?}");
        let mut name = hex::encode(Sha256::digest(text));
        name.truncate(STREAM_DIGITS);
        name
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_flags_default_to_what_default_says() {
        assert_eq!(
            Cli::parse_from(["generate"]).args.traffic,
            Traffic::default()
        );
    }

    #[test]
    fn shares_rates_and_sizes_out_of_range_are_refused() {
        for flag in [
            "--bad=1.5",
            "--late=-0.1",
            "--rate=0",
            "--rate=inf",
            "--users=0",
            "--days=0",
            "--format=json",
        ] {
            assert!(Cli::try_parse_from(["generate", flag]).is_err(), "{flag}");
        }
        let args = Cli::parse_from([
            "generate",
            "--from=2026-11-01T00:00:00+09:00",
            "--days=7",
            "--rate=50",
        ]);
        assert_eq!(
            args.args.traffic.from.unwrap().as_millisecond(),
            1_793_458_800_000
        );
    }

    #[test]
    fn any_other_option_is_another_stream() {
        let base = Traffic::default();
        let name = |traffic: &Traffic| traffic.stream(4, 7);
        assert_eq!(
            name(&base),
            name(&Traffic {
                count: 1,
                ..base.clone()
            })
        );
        assert_ne!(
            name(&base),
            name(&Traffic {
                seed: 2,
                ..base.clone()
            })
        );
        assert_ne!(
            name(&base),
            name(&Traffic {
                bad: 0.5,
                ..base.clone()
            })
        );
        assert_ne!(base.stream(4, 7), base.stream(5, 7));
        assert_ne!(base.stream(4, 7), base.stream(4, 8));
        let week = Traffic {
            days: Some(7),
            ..base
        };
        assert_ne!(
            name(&week),
            name(&Traffic {
                count: 1,
                ..week.clone()
            })
        );
    }
}
