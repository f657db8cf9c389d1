//! `footfall receipt`: whether a seat is what its receipt says.

use std::io::{Read, Write, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use processor::receipt::{self, Claim, Verdict};

use crate::config::Config;
use crate::set::Log;

/// What to do with a receipt.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Fold its partition of the entries topic again and say whether the receipt is true: status 0 where it is, 1 where
    /// it is false, 2 where the log lacks what would tell.
    Verify(Args),
}

/// Which receipt.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// File with the receipt as JSON; without it and without --partition, standard input.
    #[arg(conflicts_with_all = ["partition", "offset", "activity", "user", "rank"])]
    file: Option<PathBuf>,
    /// The receipt's partition.
    #[arg(long, requires = "offset")]
    partition: Option<u32>,
    /// The receipt's offset.
    #[arg(long, requires = "partition")]
    offset: Option<u64>,
    /// The activity that it must be of.
    #[arg(long, requires = "partition")]
    activity: Option<String>,
    /// The user whose it must be.
    #[arg(long, requires = "partition")]
    user: Option<String>,
    /// The rank that it must have.
    #[arg(long, requires = "partition")]
    rank: Option<u64>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn claim(&self) -> anyhow::Result<Claim> {
        if let (Some(partition), Some(offset)) = (self.partition, self.offset) {
            return Ok(Claim {
                partition,
                offset,
                activity_id: self.activity.clone(),
                user_id: self.user.clone(),
                rank: self.rank,
                admitted_at_ms: None,
            });
        }
        let mut text = String::new();
        let from = match &self.file {
            Some(path) => {
                text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
                path.display().to_string()
            }
            None => {
                stdin().read_to_string(&mut text)?;
                "standard input".to_owned()
            }
        };
        parse(&text).with_context(|| {
            format!("{from} holds no receipt: an object with at least partition and offset")
        })
    }
}

/// A receipt, or an answer of the gateway that holds one.
fn parse(text: &str) -> serde_json::Result<Claim> {
    let mut value: serde_json::Value = serde_json::from_str(text)?;
    let held = value.get_mut("receipt").map(serde_json::Value::take);
    serde_json::from_value(held.unwrap_or(value))
}

/// Runs the command.
///
/// # Errors
/// When there is no receipt to read, or the log can't be read.
pub fn run(command: &Command, config: &Config) -> anyhow::Result<ExitCode> {
    let Command::Verify(args) = command;
    let claim = args.claim()?;
    let log = Log::open_read_only(config)?;
    let mut entries = log.reader(&config.topics().entries)?;
    let partitions = entries.partitions()?;
    let verdict = receipt::verify(entries.as_mut(), partitions, &claim)?;
    let mut out = stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&verdict)?)?;
    } else {
        writeln!(out, "{}", sentence(&verdict))?;
    }
    Ok(match verdict {
        Verdict::True { .. } => ExitCode::SUCCESS,
        Verdict::False { .. } => ExitCode::from(1),
        Verdict::Unverifiable { .. } => ExitCode::from(2),
    })
}

fn sentence(verdict: &Verdict) -> String {
    match verdict {
        Verdict::True {
            receipt,
            cancelled_since,
        } => {
            let since = match cancelled_since {
                true => "; it was cancelled since",
                false => "",
            };
            format!(
                "true: record {}/{} gave seat {} of {} to {}{since}",
                receipt.partition,
                receipt.offset,
                receipt.rank,
                receipt.activity_id,
                receipt.user_id
            )
        }
        Verdict::False { why } => format!("false: {why}"),
        Verdict::Unverifiable { why } => format!("unverifiable: {why}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_receipt_is_read_alone_and_out_of_an_answer() {
        let claim = Claim {
            partition: 3,
            offset: 17,
            rank: Some(2),
            ..Claim::default()
        };
        let alone = r#"{"partition":3,"offset":17,"rank":2}"#;
        assert_eq!(parse(alone).unwrap(), claim);
        assert_eq!(
            parse(&format!(r#"{{"status":"admitted","receipt":{alone}}}"#)).unwrap(),
            claim
        );
        assert!(parse("{}").is_err());
    }
}
