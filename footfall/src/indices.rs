//! `footfall indices`: the indices of past definitions in OpenSearch, and dropping those that nobody uses.

use std::io::Write;
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;
use views::opensearch::{Index, Indices};

use crate::config::Config;
use crate::length::length;
use crate::set;

/// So long nobody has used an index that is counted.
const DAY: Duration = Duration::from_secs(86_400);

/// Between two looks for indices that nobody uses.
const LOOK: Duration = Duration::from_secs(600);

/// What to do with the indices.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// List them, the oldest first: name, definition, documents, bytes, made, last written, use, with tabs.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Drop those of past definitions that nobody has written to for some time; without --yes it only says which.
    ///
    /// The configured definition's index, the one that analysts are shown and any that an alias of your own points at
    /// always stay. What is dropped can be had
    /// again from the log, as long as the log reaches back.
    Drop {
        /// How long nobody has written to them, such as 30d or 12h.
        #[arg(long, value_parser = length)]
        older_than: Duration,
        /// Drop them.
        #[arg(long)]
        yes: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// When OpenSearch is not named, doesn't answer, or refuses.
pub async fn run(command: &Command, config: &Config) -> anyhow::Result<()> {
    let indices = Indices::new(&set::opensearch_of(config))?;
    let all = indices.list().await?;
    match command {
        Command::List { json } => list(&all, *json),
        Command::Drop { older_than, yes } => drop_old(&indices, &all, *older_than, *yes).await,
    }
}

/// Counts the indices that nobody has used for a day, again and again, for as long as a process writes to OpenSearch. What
/// keeps it from looking is said once.
pub async fn count_unused(config: Config) {
    if config.opensearch.urls.is_empty() {
        return;
    }
    let Ok(indices) = Indices::new(&set::opensearch_of(&config)) else {
        // The store, made of the same settings, has said it.
        return;
    };
    let mut said = false;
    loop {
        if let Err(error) = indices.count_unused(DAY).await
            && !said
        {
            tracing::info!(%error, "indices that nobody uses can't be looked for now");
            said = true;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn list(all: &[Index], json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for index in all {
        if json {
            writeln!(out, "{}", serde_json::to_string(index)?)?;
            continue;
        }
        let definition = index.definition.as_deref().unwrap_or("(not Footfall's)");
        let used = used(index);
        writeln!(
            out,
            "{}\t{definition}\t{}\t{}\t{:.0}\t{:.0}\t{used}",
            index.name, index.documents, index.bytes, index.created, index.fresh
        )?;
    }
    Ok(())
}

fn used(index: &Index) -> String {
    let alias = index.alias.as_ref().map(|alias| format!("alias {alias}"));
    let uses = [
        index.active.then(|| "active".to_owned()),
        index.published.then(|| "published".to_owned()),
        alias,
    ];
    let uses: Vec<String> = uses.into_iter().flatten().collect();
    if uses.is_empty() {
        "-".to_owned()
    } else {
        uses.join(", ")
    }
}

async fn drop_old(
    indices: &Indices,
    all: &[Index],
    older_than: Duration,
    yes: bool,
) -> anyhow::Result<()> {
    let (now, mut failed) = (Timestamp::now(), 0);
    for index in all {
        let name = &index.name;
        let said = if let Some(why) = index.kept(now, older_than) {
            format!("kept: {why}")
        } else if !yes {
            format!("would be dropped: last written {:.0}", index.fresh)
        } else {
            match indices.drop_index(index, older_than).await {
                Ok(()) => "dropped".to_owned(),
                Err(error) => {
                    failed += 1;
                    format!("not dropped: {error}")
                }
            }
        };
        writeln!(std::io::stdout(), "{name}\t{said}")?;
    }
    if failed > 0 {
        bail!("{failed} indices were not dropped");
    }
    Ok(())
}
