//! What must be so before a process may start: asked by `footfall doctor`, and by the start itself.
//!
//! Nothing here writes, but for an object that [`snapshots`] puts and removes. A new subject is a file of its own and a
//! line in [`all`].

mod ahead;
mod configuration;
mod definitions;
mod history;
mod hot;
mod machine;
mod snapshots;
mod state;
mod topics;

use std::fmt;

use anyhow::bail;
use serde::Serialize;

use crate::config::Config;

pub use ahead::at_start as log_at_start;
pub use definitions::at_start as definition_at_start;
pub use state::folder;
pub use topics::{of_gateway as topics_of_gateway, of_process as topics_of_process, topics};

/// How a check ended. Its name is also what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// A process starts, but a person should know.
    Warning,
    /// A process refuses to start, or halts the partition that it is about.
    Refused,
    /// Whoever knows doesn't answer.
    Unasked,
}

impl Outcome {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Refused => "refused",
            Self::Unasked => "unasked",
        }
    }
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// How it ended.
    pub outcome: Outcome,
    /// What it is about.
    pub about: &'static str,
    /// What is so and, unless it is as it should be, what to do.
    pub sentence: String,
}

impl fmt::Display for Check {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome.as_str();
        write!(to, "{outcome:<8} {:<13} {}", self.about, self.sentence)
    }
}

/// Checks of one subject, as they are made.
#[derive(Debug, Clone)]
pub struct Checks {
    about: &'static str,
    made: Vec<Check>,
}

impl Checks {
    fn of(about: &'static str) -> Self {
        Self {
            about,
            made: Vec::new(),
        }
    }

    fn push(&mut self, outcome: Outcome, sentence: impl Into<String>) {
        self.made.push(Check {
            outcome,
            about: self.about,
            sentence: sentence.into(),
        });
    }

    fn ok(&mut self, sentence: impl Into<String>) {
        self.push(Outcome::Ok, sentence);
    }

    fn warning(&mut self, sentence: impl Into<String>) {
        self.push(Outcome::Warning, sentence);
    }

    fn refused(&mut self, sentence: impl Into<String>) {
        self.push(Outcome::Refused, sentence);
    }

    fn unasked(&mut self, sentence: impl Into<String>) {
        self.push(Outcome::Unasked, sentence);
    }

    fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    /// What a failed question to the log means.
    fn log_failed(&mut self, error: &log::Error) {
        match error {
            log::Error::Transient(_) => self.unasked(error.to_string()),
            _ => self.refused(error.to_string()),
        }
    }

    /// What a failed question to a store means.
    fn store_failed(&mut self, error: &::views::Error) {
        match error {
            ::views::Error::Transient { .. } => self.unasked(error.to_string()),
            _ => self.refused(error.to_string()),
        }
    }

    /// What a store's own look at itself found.
    fn findings(&mut self, findings: Vec<::views::Finding>) {
        for finding in findings {
            let outcome = if finding.refused {
                Outcome::Refused
            } else {
                Outcome::Warning
            };
            self.push(outcome, finding.sentence);
        }
    }

    /// Logs what is worth a warning and fails with what is refused or can't be asked: for a process that starts.
    ///
    /// # Errors
    /// With a sentence for each.
    pub fn settle(self) -> anyhow::Result<()> {
        let mut refused = Vec::new();
        for check in self.made {
            match check.outcome {
                Outcome::Ok => {}
                Outcome::Warning => tracing::warn!(about = check.about, "{}", check.sentence),
                Outcome::Refused | Outcome::Unasked => refused.push(check.sentence),
            }
        }
        if !refused.is_empty() {
            bail!("{}", refused.join("\n"));
        }
        Ok(())
    }
}

/// Every check there is, in the order in which a start meets them. Nothing is started, and nothing written that stays.
pub async fn all(mut config: Config) -> Vec<Check> {
    let configuration = configuration::check(&mut config);
    let usable = configuration
        .made
        .iter()
        .all(|check| check.outcome != Outcome::Refused);
    let mut made = configuration.made;
    if !usable {
        return made;
    }
    let on_disk = config.clone();
    let runtime = tokio::runtime::Handle::current();
    let mut is_known = false;
    let asked = tokio::task::spawn_blocking(move || {
        let mut made = machine::check(&on_disk).made;
        made.extend(state::folder(&on_disk).made);
        let is_known = on_disk.is_embedded() || {
            let topics = topics(&on_disk).made;
            let is_known = topics.iter().all(|of| of.outcome != Outcome::Unasked);
            made.extend(topics);
            is_known
        };
        // Kafka would be waited for once more.
        if is_known {
            made.extend(state::against_log(&on_disk).made);
        }
        made.extend(snapshots::check(&on_disk, runtime).made);
        (made, is_known)
    });
    match asked.await {
        Ok((asked, log_answers)) => {
            made.extend(asked);
            is_known = log_answers;
        }
        Err(error) => tracing::error!(%error, "a check died"),
    }
    let (hot, held) = hot::check(&config).await;
    let (history, in_opensearch) = history::check(&config).await;
    made.extend(hot.made);
    made.extend(history.made);
    let (in_opensearch, opensearch) = in_opensearch.unzip();
    let stored = [("Redis", held.stamps), ("OpenSearch", opensearch)];
    let stored = stored
        .into_iter()
        .filter_map(|(name, of)| Some((name, of?)));
    if is_known {
        made.extend(ahead::check(&config, stored.collect()).await.made);
    }
    made.extend(definitions::check(&config, held.definitions, in_opensearch).made);
    made
}
