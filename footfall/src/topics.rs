//! `footfall topics`: creates the topics, and finds those that can lose acknowledged data.

use std::io::Write;

use log::kafka::topics::{Layout, check, create};

use crate::config::Config;

/// The greatest record of the events topic, bytes. Far above what an event may have, so that a
/// record too large is set aside with its reason rather than refused to its producer unseen.
pub(crate) const EVENT_BYTES: u32 = 1 << 20;
/// What a dead letter's own headers add at most, bytes.
pub(crate) const LETTER_BYTES: u32 = 64 << 10;

/// What to do with the topics.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Create them where they don't exist.
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

/// Runs the command.
///
/// # Errors
/// When Kafka refuses, or a topic is refused.
pub fn run(command: &Command, config: &Config) -> anyhow::Result<()> {
    config.need_kafka("topics")?;
    let topics = config.topics();
    let mut out = std::io::stdout().lock();
    let mut refused = 0;
    for (topic, max_message_bytes) in [
        (&topics.events, EVENT_BYTES),
        (&topics.dead_letters, EVENT_BYTES + LETTER_BYTES),
    ] {
        match command {
            Command::Create {
                replication,
                min_insync,
            } => {
                let layout = Layout {
                    partitions: config.definition.partitions,
                    replication: *replication,
                    min_insync_replicas: *min_insync,
                    max_message_bytes,
                };
                create(&config.kafka(), topic, layout)?;
                writeln!(out, "{topic}: created")?;
            }
            Command::Check => {
                let partitions = config.definition.partitions;
                let findings = check(&config.kafka(), topic, partitions, config.log.development)?;
                if findings.is_empty() {
                    writeln!(out, "{topic}: good")?;
                }
                for finding in findings {
                    refused += usize::from(finding.refused);
                    let weight = if finding.refused {
                        "refused"
                    } else {
                        "warning"
                    };
                    writeln!(out, "{topic}: {weight}: {}", finding.sentence)?;
                }
            }
        }
    }
    if refused > 0 {
        anyhow::bail!("{refused} findings would keep a process from starting");
    }
    Ok(())
}
