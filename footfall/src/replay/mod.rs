//! `footfall replay`: access logs and JSON-lines files become events of the log.
//!
//! Every line of a file ends as one event or under one reason, and the summary adds up to all of them.
//! A file imported twice counts once: each record carries the file's digest and its line's number
//! (headers `footfall-source` and `footfall-sequence`), so a run that broke off is run again.

mod access_log;
mod import;
mod rules;
mod summary;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;

pub use rules::{Rules, SHIPPED_RULES};
pub use summary::{FileSummary, Skip, Summary, Unreadable};

/// Which files to import, and how to read them.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Files to import, closed ones: a file that still grows is another file each time.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// How the files are written; by default told from each file's first line.
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    pub format: Format,

    /// Rules that make an access log's lines events (TOML); by default those that are shipped.
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,

    /// A host of the site itself, with its subdomains: a page view referred from it is a click.
    /// May be given several times; replaces the rules' list.
    #[arg(long, value_name = "HOST")]
    pub site: Vec<String>,

    /// Import a file although something about it looks wrong. Its lines count once, as they were read the first time:
    /// importing it again under other rules changes nothing.
    #[arg(long)]
    pub yes: bool,

    /// Read and count everything, append nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON lines if the first line begins with a brace, else an access log.
    Auto,
    /// Apache's and Nginx's combined format.
    AccessLog,
    /// One JSON object a line, with the field names of footfall.v1.Event.
    Json,
}

/// Imports the files one after the other; without a producer everything is read and nothing appended.
///
/// # Errors
/// When a file or the rules can't be read, or the log doesn't take a record: what it took before
/// stays, and the same call again goes on from there.
pub fn run(args: &Args, producer: Option<&dyn log::Producer>) -> anyhow::Result<Summary> {
    let mut rules = match &args.rules {
        Some(path) => Rules::read(path)?,
        None => Rules::shipped()?,
    };
    if !args.site.is_empty() {
        rules.sites.clone_from(&args.site);
    }
    let mut summary = Summary::default();
    for path in &args.files {
        if producer.is_some() {
            look_first(path, args, &rules)?;
        }
        summary
            .files
            .push(import::file(path, args.format, &rules, producer)?);
    }
    Ok(summary)
}

/// Reads a file before anything of it is imported: an import is for good.
fn look_first(path: &Path, args: &Args, rules: &Rules) -> anyhow::Result<()> {
    let summary = import::file(path, args.format, rules, None)?;
    if let Some(first) = summary.unreadable.first()
        && summary.holds_nothing_readable()
    {
        bail!(
            "{}: none of its {} lines can be read, line {} has {}; name its --format, or another file",
            summary.file,
            summary.lines,
            first.line,
            first.reason
        );
    }
    if !args.yes && !summary.warnings.is_empty() {
        bail!(
            "{}: {}. Nothing was imported, for a file's lines count as they are read the first time; --yes imports it as it is",
            summary.file,
            summary.warnings.join("; ")
        );
    }
    Ok(())
}
