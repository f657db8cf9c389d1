//! What keeps a configuration from working, found without asking any server.

use anyhow::bail;

use super::Config;
use crate::asking;

/// Less holds no state worth keeping: partitions would be paused for good.
const LEAST_MEMORY_MIB: u64 = 64;

impl Config {
    /// What keeps this configuration from working, without asking any server: `footfall config check` says it, and
    /// every command that works with the log or the stores refuses to start with it. Who neither folds nor reads
    /// views needs no hash key.
    pub fn problems(&self, needs_key: bool) -> Vec<String> {
        let mut problems = Vec::new();
        self.definition_problems(needs_key, &mut problems);
        self.log_problems(&mut problems);
        self.store_problems(&mut problems);
        if let Err(error) = self.listener().check() {
            problems.push(error.to_string());
        }
        if let Err(error) = asking::authorities(&self.http.ca) {
            problems.push(format!("{error:#}"));
        }
        self.snapshot_problems(&mut problems);
        self.entry_problems(&mut problems);
        let of = &self.processor;
        for (name, value, least) in [
            ("processor.checkpoint_ms", of.checkpoint_ms, 1),
            ("processor.checkpoint_records", of.checkpoint_records, 1),
            ("processor.hot_ms", of.hot_ms, 1),
            ("processor.history_ms", of.history_ms, 1),
            (
                "log.entries_generation",
                self.log.entries_generation.into(),
                1,
            ),
            ("processor.memory_mib", of.memory_mib, LEAST_MEMORY_MIB),
            ("opensearch.shards", self.opensearch.shards.into(), 1),
            ("snapshots.every_s", self.snapshots.every_s, 1),
            ("snapshots.keep", self.snapshots.keep, 1),
        ] {
            if value < least {
                problems.push(format!("{name} is {value}; it must be {least} or more"));
            }
        }
        if let Err(error) = telemetry::logs::check(&self.logging.filter) {
            problems.push(format!("logging.filter: {error}"));
        }
        problems
    }

    fn entry_problems(&self, problems: &mut Vec<String>) {
        let of = &self.entry;
        if of.claimed_users && !of.user_secret.is_empty() {
            problems.push(
                "entry.user_secret and entry.claimed_users don't go together: the second is for development, without the first".to_owned(),
            );
        }
        for page in &of.pages {
            let host = page.split_once("://").map(|(_, host)| host);
            if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
                problems.push(format!(
                    "entry.pages has {page:?}; an origin is a scheme and a host, as a browser sends it: https://shop.example"
                ));
            }
        }
        if !of.user_secret.is_empty()
            && let Err(why) = entry::Users::by_hmac(of.user_secret.reveal().as_bytes())
        {
            problems.push(format!("entry.user_secret: {why}"));
        }
    }

    fn definition_problems(&self, needs_key: bool, problems: &mut Vec<String>) {
        let mut definition = self.definition.clone();
        if definition.hash_key.is_empty() && (self.is_embedded() || !needs_key) {
            definition.hash_key = "0".repeat(32);
        }
        if let Err(error) = definition.check() {
            problems.push(format!("definition: {error}"));
        }
        if let Some(ms) = definition.lateness_ms.filter(|ms| *ms < 0) {
            problems.push(format!(
                "definition.lateness_ms is {ms}; it must be 0 or more, or \"none\""
            ));
        }
    }

    fn log_problems(&self, problems: &mut Vec<String>) {
        let of = &self.log;
        let is_address = |broker: &str| !broker.is_empty() && !broker.contains(char::is_whitespace);
        if !self.is_embedded() && !of.brokers.split(',').map(str::trim).all(is_address) {
            problems.push(format!(
                "log.brokers is {:?}; it looks like kafka-1:9092,kafka-2:9092",
                of.brokers
            ));
        }
        let in_a_topic = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !of.topic_prefix.chars().all(in_a_topic) {
            problems.push(format!(
                "log.topic_prefix is {:?}; a topic's name has letters, digits, '.', '_' and '-' only",
                of.topic_prefix
            ));
        }
        problems.extend(self.security().problems());
        self.unproven_brokers(problems);
        for (name, _) in self.security().settings() {
            if of.kafka.contains_key(name) {
                problems.push(format!(
                    "log.kafka has {name:?}, which log.security and what stands beside it say already: leave it out of log.kafka"
                ));
            }
        }
        if of.group.is_empty() {
            problems.push("log.group is empty; name the consumer group".to_owned());
        }
    }

    fn store_problems(&self, problems: &mut Vec<String>) {
        let (redis, opensearch) = (&self.redis.url, &self.opensearch.urls);
        if self.is_embedded() && !(redis.is_empty() && opensearch.is_empty()) {
            problems.push(
                "redis.url and opensearch.urls are used with Kafka only: set log.brokers (--kafka, FOOTFALL_KAFKA), or leave them out (--redis, FOOTFALL_REDIS, --opensearch, FOOTFALL_OPENSEARCH)"
                    .to_owned(),
            );
        }
        if !redis.is_empty()
            && let Err(error) = self.redis.address().check()
        {
            problems.push(error.to_string());
        }
        if !opensearch.is_empty()
            && let Err(error) = views::opensearch::Store::check(
                opensearch,
                &self.opensearch.access(),
                &self.opensearch.prefix,
            )
        {
            problems.push(format!("opensearch: {error}"));
        }
    }

    fn snapshot_problems(&self, problems: &mut Vec<String>) {
        let of = &self.snapshots;
        if of.url.is_empty() {
            if !of.options.is_empty() {
                problems.push(
                    "snapshots.options are those of a store, and snapshots.url names none: set it, or leave the options out"
                        .to_owned(),
                );
            }
        } else if let Err(error) = processor::snapshots::Store::open(&of.url, &of.options) {
            problems.push(error.to_string());
        }
    }

    /// Fails with every problem.
    ///
    /// # Errors
    /// When there is one.
    pub fn check(&self, needs_key: bool) -> anyhow::Result<()> {
        let problems = self.problems(needs_key);
        if !problems.is_empty() {
            bail!("{}", problems.join("\n"));
        }
        Ok(())
    }

    /// Fails where brokers are named.
    ///
    /// # Errors
    /// With what to leave out.
    pub fn need_embedded(&self, command: &str) -> anyhow::Result<()> {
        if !self.is_embedded() {
            bail!(
                "`footfall {command}` uses the embedded log, and brokers are named: leave out --kafka, the variable FOOTFALL_KAFKA and log.brokers of the file (`footfall process` works on Kafka)"
            );
        }
        Ok(())
    }

    /// Fails unless brokers are named.
    ///
    /// # Errors
    /// With the flag to set.
    pub fn need_kafka(&self, command: &str) -> anyhow::Result<()> {
        if self.is_embedded() {
            bail!(
                "`footfall {command}` works on Kafka: name its brokers with --kafka or FOOTFALL_KAFKA. Without servers, `footfall demo` does it all in one process"
            );
        }
        Ok(())
    }
}
