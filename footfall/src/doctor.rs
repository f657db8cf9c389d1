//! `footfall doctor`: every check that a start would make, with nothing started and nothing written.

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use crate::checks::{self, Check, Outcome};
use crate::config::Config;

/// What is printed.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The exit status where something would refuse to start.
const REFUSED: u8 = 1;
/// The exit status where nothing is refused, but something could not be asked.
const UNASKED: u8 = 2;

#[derive(Serialize)]
struct Report<'a> {
    /// The worst outcome.
    outcome: Outcome,
    checks: &'a [Check],
}

/// Looks, prints a line a check, and says by the exit status how it ended: 0 good or warnings, 1 something is refused, 2
/// nothing is, but something could not be asked.
///
/// # Errors
/// When standard output can't be written.
pub async fn run(args: &Args, config: Config) -> anyhow::Result<ExitCode> {
    let checks = checks::all(config).await;
    let worst = worst(&checks);
    let mut out = std::io::stdout().lock();
    if args.json {
        let report = Report {
            outcome: worst,
            checks: &checks,
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        for check in &checks {
            writeln!(out, "{check}")?;
        }
    }
    Ok(match worst {
        Outcome::Refused => ExitCode::from(REFUSED),
        Outcome::Unasked => ExitCode::from(UNASKED),
        Outcome::Warning | Outcome::Ok => ExitCode::SUCCESS,
    })
}

fn worst(checks: &[Check]) -> Outcome {
    [Outcome::Refused, Outcome::Unasked, Outcome::Warning]
        .into_iter()
        .find(|outcome| checks.iter().any(|check| check.outcome == *outcome))
        .unwrap_or(Outcome::Ok)
}
