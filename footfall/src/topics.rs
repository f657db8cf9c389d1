//! `footfall topics`: creates the topics, and finds those that can lose acknowledged data.

use std::io::Write;

use log::kafka::topics::{Finding, Keeps, Layout, check, create};

use crate::config::Config;

/// The greatest record of the events and entries topics, bytes. Far above what an event may have, so that a
/// record too large is set aside with its reason rather than refused to its producer unseen.
pub(crate) const EVENT_BYTES: u32 = 1 << 20;
/// What a dead letter's own headers add at most, bytes.
pub(crate) const LETTER_BYTES: u32 = 64 << 10;

/// What to do with the topics.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Create those that don't exist.
    Create {
        /// Copies of each record.
        #[arg(long, default_value_t = 3)]
        replication: u32,
        /// Copies that must have a record before it is acknowledged.
        #[arg(long, default_value_t = 2)]
        min_insync: u32,
    },
    /// Say what is wrong with them; fails where a process would refuse to start.
    Check,
}

/// A topic, and how it must be.
pub(crate) struct Wanted {
    pub name: String,
    pub partitions: u32,
    pub keeps: Keeps,
    max_message_bytes: u32,
}

impl Wanted {
    /// Events, dead letters and entries have the definition's partitions; campaigns are few.
    pub fn all(config: &Config) -> [Self; 4] {
        let names = config.topics();
        let wanted = |name, max_message_bytes| Self {
            name,
            partitions: config.definition.partitions,
            keeps: Keeps::Everything,
            max_message_bytes,
        };
        [
            wanted(names.events, EVENT_BYTES),
            wanted(names.dead_letters, EVENT_BYTES + LETTER_BYTES),
            wanted(names.entries, EVENT_BYTES),
            Self {
                partitions: 1,
                keeps: Keeps::LastOfEachKey,
                ..wanted(names.campaigns, EVENT_BYTES)
            },
        ]
    }

    /// What is wrong with it.
    ///
    /// # Errors
    /// When it is missing, or the cluster doesn't answer.
    pub fn check(&self, config: &Config) -> Result<Vec<Finding>, log::Error> {
        let is_development = config.log.development;
        let kafka = config.kafka();
        check(
            &kafka,
            &self.name,
            self.partitions,
            self.keeps,
            is_development,
        )
    }
}

/// Runs the command.
///
/// # Errors
/// When Kafka refuses, or a topic is refused.
pub fn run(command: &Command, config: &Config) -> anyhow::Result<()> {
    config.need_kafka("topics")?;
    let mut out = std::io::stdout().lock();
    let mut refused = 0;
    for topic in Wanted::all(config) {
        let name = &topic.name;
        match command {
            Command::Create {
                replication,
                min_insync,
            } => {
                let layout = Layout {
                    partitions: topic.partitions,
                    replication: *replication,
                    min_insync_replicas: *min_insync,
                    max_message_bytes: topic.max_message_bytes,
                    keeps: topic.keeps,
                };
                match create(&config.kafka(), name, layout)? {
                    true => writeln!(out, "{name}: created")?,
                    false => writeln!(
                        out,
                        "{name}: there already, left as it is; `footfall topics check` looks at it"
                    )?,
                }
            }
            Command::Check => {
                let findings = topic.check(config)?;
                if findings.is_empty() {
                    writeln!(out, "{name}: good")?;
                }
                for finding in findings {
                    refused += usize::from(finding.refused);
                    let weight = if finding.refused {
                        "refused"
                    } else {
                        "warning"
                    };
                    writeln!(out, "{name}: {weight}: {}", finding.sentence)?;
                }
            }
        }
    }
    if refused > 0 {
        anyhow::bail!("{refused} findings would keep a process from starting");
    }
    Ok(())
}
