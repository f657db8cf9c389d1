//! Creates topics that can't lose acknowledged records, and finds those that can.

use super::Config;
use crate::Error;

/// How a topic is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// How many partitions; part of the definition, never changed later.
    pub partitions: u32,
    /// Copies of each record.
    pub replication: u32,
    /// Copies that must have a record before it is acknowledged.
    pub min_insync_replicas: u32,
}

/// What is wrong with a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong and what to do.
    pub sentence: String,
    /// Whether a process must refuse to start on it.
    pub refused: bool,
}

/// Creates a topic: append times by the broker, unlimited retention, no unclean election.
///
/// # Errors
/// When the topic is there already or the cluster refuses it.
pub fn create(_config: &Config, _topic: &str, _layout: Layout) -> Result<(), Error> {
    Err(Error::Fatal("not written yet".into()))
}

/// What is wrong with a topic. In a `development` set-up a topic may lose acknowledged records, but its
/// partitions and its append times must be right.
///
/// # Errors
/// When the topic is missing or the cluster doesn't answer.
pub fn check(
    _config: &Config,
    _topic: &str,
    _partitions: u32,
    _development: bool,
) -> Result<Vec<Finding>, Error> {
    Err(Error::Fatal("not written yet".into()))
}
