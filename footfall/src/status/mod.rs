//! `footfall status`: what the deployment is doing, asked of the log, the processors and the stores.

mod gather;
pub mod process;
mod report;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use self::report::Gathered;
use crate::config::Config;
use crate::stopping::stop_requested;

/// Between two reports of `--watch`.
const EVERY: Duration = Duration::from_secs(2);
/// Moves a terminal's cursor to its first place and clears what follows.
const HOME: &str = "\x1b[H\x1b[J";

/// What is printed.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Print one JSON object, with --watch one a line.
    #[arg(long)]
    json: bool,
    /// Print it again every 2 s until stopped.
    #[arg(long)]
    watch: bool,
    /// A token with the scope `metrics`, where the processors ask for one; the variable keeps it out of lists of processes.
    #[arg(
        long,
        env = "FOOTFALL_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    token: Option<String>,
}

/// Prints the report; with `--watch` until it is asked to stop.
///
/// # Errors
/// When standard output can't be written, or without `--watch` when it is asked to stop before it could print. What can't be asked is named in the report.
pub async fn run(args: &Args, config: &Config) -> anyhow::Result<()> {
    let stopping = stop_requested();
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            () = &mut stopping => {
                // Who asked to be told all again and again has been told what there was.
                anyhow::ensure!(args.watch, "stopped before everything was asked: nothing is printed");
                return Ok(());
            }
            gathered = gather::gather(config, args.token.as_deref()) => print(args, config, gathered)?,
        }
        if !args.watch {
            return Ok(());
        }
        tokio::select! {
            () = &mut stopping => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

fn print(args: &Args, config: &Config, gathered: Gathered) -> anyhow::Result<()> {
    let of = &config.definition;
    let report = gathered.report(of.id(), of.partitions, ::processor::metrics::now_ms());
    let mut out = std::io::stdout().lock();
    match (args.json, args.watch) {
        (true, true) => writeln!(out, "{}", serde_json::to_string(&report)?)?,
        (true, false) => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        (false, true) if out.is_terminal() => write!(out, "{HOME}{report}")?,
        (false, _) => write!(out, "{report}")?,
    }
    out.flush()?;
    Ok(())
}
