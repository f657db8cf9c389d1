//! Creates topics that can't lose acknowledged records, and finds those that can.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::error::RDKafkaErrorCode;

use super::report::{self, Reporting};
use super::{ANSWER_TIMEOUT, Config};
use crate::Error;

/// Copies of each record that survive the loss of one machine while another is being replaced.
const SAFE_REPLICATION: usize = 3;

/// Copies a record must have before it is acknowledged, so that the loss of one machine loses nothing.
const SAFE_MIN_INSYNC: u32 = 2;

/// How long a topic that was just created may stay unknown to a broker, and its settings untold.
const SPREAD_TIMEOUT: Duration = Duration::from_secs(5);
const SPREAD_PAUSE: Duration = Duration::from_millis(200);

/// How a topic is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// How many partitions; part of the definition, never changed later.
    pub partitions: u32,
    /// Copies of each record.
    pub replication: u32,
    /// Copies that must have a record before it is acknowledged.
    pub min_insync_replicas: u32,
    /// The greatest record, in bytes. Dead letters are greater than what they carry by their headers.
    pub max_message_bytes: u32,
    /// What it keeps.
    pub keeps: Keeps,
}

/// What a topic keeps for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Every record.
    Everything,
    /// The last record of each key.
    LastOfEachKey,
}

impl Keeps {
    /// The topic's `cleanup.policy`.
    const fn policy(self) -> &'static str {
        match self {
            Self::Everything => "delete",
            Self::LastOfEachKey => "compact",
        }
    }
}

/// What is wrong with a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong and what to do.
    pub sentence: String,
    /// Whether a process must refuse to start on it.
    pub refused: bool,
}

/// Creates a topic: append times by the broker, unlimited retention, no unclean election. Whether it was created: one
/// that is there already is left as it is, and not looked at.
///
/// # Errors
/// [`Error::Fatal`] when the layout is refused; [`Error::Transient`] when the cluster doesn't answer.
pub fn create(config: &Config, topic: &str, layout: Layout) -> Result<bool, Error> {
    let admin = admin(config)?;
    let min_insync = layout.min_insync_replicas.to_string();
    let max_bytes = layout.max_message_bytes.to_string();
    let replication = TopicReplication::Fixed(layout.replication as i32);
    let new = NewTopic::new(topic, layout.partitions as i32, replication)
        .set("min.insync.replicas", &min_insync)
        .set("max.message.bytes", &max_bytes)
        .set("unclean.leader.election.enable", "false")
        .set("message.timestamp.type", "LogAppendTime")
        .set("retention.ms", "-1")
        .set("retention.bytes", "-1")
        .set("cleanup.policy", layout.keeps.policy());
    let results = block_on(admin.create_topics([&new], &options()))
        .map_err(|error| report::unanswered(topic, "CREATE", &error))?;
    match results.into_iter().next() {
        Some(Ok(_)) => Ok(true),
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
        Some(Err((_, code))) => Err(report::lacks(topic, "CREATE", code).unwrap_or_else(|| {
            Error::Fatal(format!(
                "topic {topic} can't be created: {code}; are there enough brokers for {} copies?",
                layout.replication
            ))
        })),
        None => Err(Error::Transient(format!(
            "{topic}: the cluster gave no answer"
        ))),
    }
}

/// What is wrong with a topic. In a `development` set-up it may lose acknowledged records, but its
/// partitions, its append times and what it keeps must be right.
///
/// A topic that is missing is looked for again for a while: a broker may not have heard of a new one.
///
/// # Errors
/// [`Error::Fatal`] when the topic is missing; [`Error::Transient`] when the cluster doesn't answer.
pub fn check(
    config: &Config,
    topic: &str,
    partitions: u32,
    keeps: Keeps,
    development: bool,
) -> Result<Vec<Finding>, Error> {
    let admin = admin(config)?;
    let copies = copies(&admin, topic)?;
    let settings = settings(&admin, topic)?;
    let mut findings = structural(topic, partitions, keeps, copies.len(), &settings);
    findings.extend(
        weaknesses(topic, keeps, &copies, &settings)
            .into_iter()
            .map(|sentence| Finding {
                sentence,
                refused: !development,
            }),
    );
    Ok(findings)
}

/// The greatest record that a topic takes, bytes; `None` when it doesn't say.
///
/// # Errors
/// [`Error::Transient`] when the cluster doesn't answer.
pub fn record_limit(config: &Config, topic: &str) -> Result<Option<u32>, Error> {
    let settings = settings(&admin(config)?, topic)?;
    Ok(settings
        .get("max.message.bytes")
        .and_then(|bytes| bytes.parse().ok()))
}

/// What no set-up may have.
fn structural(
    topic: &str,
    expected: u32,
    keeps: Keeps,
    found: usize,
    settings: &HashMap<String, String>,
) -> Vec<Finding> {
    let setting = |name: &str| settings.get(name).map_or("unknown", String::as_str);
    let mut sentences = Vec::new();
    if found != expected as usize && keeps == Keeps::LastOfEachKey {
        sentences.push(format!(
            "topic {topic} has {found} partitions, and {expected} is right: make it anew"
        ));
    } else if found != expected as usize {
        sentences.push(format!(
            "topic {topic} has {found} partitions, the definition says {expected}: set the definition to \
             {found}, or make a new topic and rebuild; never change the number of a topic that holds records"
        ));
    }
    let timestamps = setting("message.timestamp.type");
    if timestamps != "LogAppendTime" {
        sentences.push(format!(
            "topic {topic} takes append times from producers (message.timestamp.type={timestamps}): set it \
             to LogAppendTime before the first record"
        ));
    }
    let (cleanup, policy) = (setting("cleanup.policy"), keeps.policy());
    if cleanup != policy {
        let what = match keeps {
            Keeps::Everything => "removes records that others follow",
            Keeps::LastOfEachKey => "keeps other records than the last of each key",
        };
        sentences.push(format!(
            "topic {topic} {what} (cleanup.policy={cleanup}): set it to {policy}"
        ));
    }
    sentences
        .into_iter()
        .map(|sentence| Finding {
            sentence,
            refused: true,
        })
        .collect()
}

/// How it could lose acknowledged records.
fn weaknesses(
    topic: &str,
    keeps: Keeps,
    copies: &[usize],
    settings: &HashMap<String, String>,
) -> Vec<String> {
    let setting = |name: &str| settings.get(name).map_or("unknown", String::as_str);
    let mut sentences = Vec::new();
    let fewest = copies.iter().copied().min().unwrap_or(0);
    if fewest < SAFE_REPLICATION {
        sentences.push(format!(
            "topic {topic} keeps {fewest} copies of a record, {SAFE_REPLICATION} are needed: reassign its \
             partitions to more brokers"
        ));
    }
    let min_insync = setting("min.insync.replicas");
    if min_insync.parse::<u32>().unwrap_or(0) < SAFE_MIN_INSYNC {
        sentences.push(format!(
            "topic {topic} acknowledges a record that only {min_insync} brokers have: set \
             min.insync.replicas to {SAFE_MIN_INSYNC}"
        ));
    }
    let unclean = setting("unclean.leader.election.enable");
    if unclean != "false" {
        sentences.push(format!(
            "topic {topic} may elect a leader that lacks records (unclean.leader.election.enable={unclean}): \
             set it to false"
        ));
    }
    // Without deletion no retention takes effect.
    let retention: &[&str] = match keeps {
        Keeps::Everything => &["retention.ms", "retention.bytes"],
        Keeps::LastOfEachKey => &[],
    };
    for name in retention {
        let limit = setting(name);
        if limit != "-1" {
            sentences.push(format!(
                "topic {topic} drops old records ({name}={limit}), and without them nothing can be rebuilt \
                 or verified: set it to -1"
            ));
        }
    }
    sentences
}

/// The number of copies of each partition.
fn copies(admin: &AdminClient<Reporting>, topic: &str) -> Result<Vec<usize>, Error> {
    let give_up = Instant::now() + SPREAD_TIMEOUT;
    loop {
        let metadata = admin
            .inner()
            .fetch_metadata(Some(topic), ANSWER_TIMEOUT)
            .map_err(|error| report::unanswered(topic, "DESCRIBE", &error))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        if let Some(code) = found.and_then(|found| found.error())
            && let Some(error) = report::lacks(topic, "DESCRIBE", code.into())
        {
            return Err(error);
        }
        if let Some(found) = found.filter(|found| found.error().is_none())
            && !found.partitions().is_empty()
        {
            let partitions = found.partitions().iter();
            return Ok(partitions
                .map(|partition| partition.replicas().len())
                .collect());
        }
        if Instant::now() >= give_up {
            return Err(Error::Fatal(format!(
                "there is no topic {topic}; create it with `footfall topics create`, or check the topic prefix"
            )));
        }
        std::thread::sleep(SPREAD_PAUSE);
    }
}

/// A topic's settings by name, looked for again for a while when there are none.
///
/// The Kafka client passes no error of a single topic on: a broker that has not heard of the topic yet, and a
/// user without the right, both answer with no settings at all. They must not look like wrong settings.
fn settings(admin: &AdminClient<Reporting>, topic: &str) -> Result<HashMap<String, String>, Error> {
    let give_up = Instant::now() + SPREAD_TIMEOUT;
    loop {
        let told = told_settings(admin, topic)?;
        if !told.is_empty() {
            return Ok(told);
        }
        if Instant::now() >= give_up {
            return Err(report::lacks_silently(topic, "DESCRIBE_CONFIGS"));
        }
        std::thread::sleep(SPREAD_PAUSE);
    }
}

fn told_settings(
    admin: &AdminClient<Reporting>,
    topic: &str,
) -> Result<HashMap<String, String>, Error> {
    let wanted = [ResourceSpecifier::Topic(topic)];
    let described = block_on(admin.describe_configs(&wanted, &options()))
        .map_err(|error| report::unanswered(topic, "DESCRIBE_CONFIGS", &error))?;
    let resource: ConfigResource = described
        .into_iter()
        .next()
        .ok_or_else(|| Error::Transient(format!("{topic}: the cluster gave no answer")))?
        .map_err(|code| Error::Transient(format!("the settings of {topic}: {code}")))?;
    Ok(resource
        .entries
        .into_iter()
        .filter_map(|entry| Some((entry.name, entry.value?)))
        .collect())
}

fn admin(config: &Config) -> Result<AdminClient<Reporting>, Error> {
    config.reach()?;
    config
        .client(&[], &[])
        .create_with_context(Reporting)
        .map_err(|error| report::refused(&error))
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER_TIMEOUT))
        .operation_timeout(Some(ANSWER_TIMEOUT))
}
