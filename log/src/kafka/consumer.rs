//! A member of a consumer group, or a follower of all partitions without one; polled by its caller's thread.
//!
//! Delivers each record of its partitions once, in order, from where the positions say. A broker that is
//! gone ends nothing: polling goes on and librdkafka connects again.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::assignment::Assignment;
use super::rebalance::{Change, Context};
use super::{Config, bounds, message, report, stopped};
use crate::{Bounds, Delivery, Error, NoStart, Positions, START_AGAIN};

/// How long leaving may take. A broker that does not answer holds the client back; the group notices the
/// absence by its session time-out then.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait before the cluster is asked again which partition lacks the offset it wanted.
const OUT_OF_RANGE_RETRY: Duration = Duration::from_secs(1);

const DEFAULTS: [(&str, &str); 6] = [
    // A topic that the asked broker has not heard of yet is looked for again, by default after five minutes.
    ("topic.metadata.refresh.interval.ms", "5000"),
    // A killed process's partitions stand still this long; librdkafka's own 45 s are too long.
    ("session.timeout.ms", "8000"),
    ("heartbeat.interval.ms", "2000"),
    // Once this much is fetched ahead librdkafka rests for the back-off, by default a second, in which a
    // fast consumer runs dry: 0.2 million records a second against 1.6 with these. More only costs memory.
    ("queued.min.messages", "50000"),
    ("queued.max.messages.kbytes", "32768"),
    ("fetch.queue.backoff.ms", "5"),
];

const FIXED: [(&str, &str); 7] = [
    ("group.protocol", "classic"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("isolation.level", "read_committed"),
    ("check.crcs", "true"),
];

/// What a follower has beyond these. It waits for records that were acknowledged just now.
const FOLLOWING: [(&str, &str); 3] = [
    // Assigning needs the name of a group; nothing is joined and nothing committed.
    ("group.id", "footfall-follower"),
    // A partition that comes to a fetch under way waits for its end: half a second by default. A record ends it at once.
    ("fetch.wait.max.ms", "100"),
    // After a leader's death the next fetch comes this soon, by default after half a second.
    ("fetch.error.backoff.ms", "50"),
];

/// A member of a consumer group, or a follower. Dropping it leaves the group.
pub struct Consumer {
    topic: String,
    /// So many partitions are a follower's from the first poll on.
    follows: Option<u32>,
    /// `None` only while it is being dropped.
    client: Option<BaseConsumer<Context>>,
    assignment: Assignment,
    out_of_range: Option<OutOfRange>,
    /// When the start of each partition that has none yet is asked for again.
    delayed: BTreeMap<u32, Instant>,
    /// How the last poll ended, after it had given what it took before.
    failed: Option<Error>,
}

/// Some partition wanted an offset that is not there; librdkafka doesn't say which.
struct OutOfRange {
    reason: String,
    ask_at: Instant,
}

impl Consumer {
    /// Joins `group` to consume `topic`, each partition from where `positions` says. A pause of a partition
    /// ends when it is revoked.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the settings are refused. An unreachable cluster is no error: polling waits.
    pub fn join(
        config: &Config,
        group: &str,
        topic: &str,
        positions: Arc<dyn Positions>,
    ) -> Result<Self, Error> {
        let mut settings = config.client(&DEFAULTS, &FIXED);
        settings.set("group.id", group);
        let client: BaseConsumer<Context> = settings
            .create_with_context(Context::new(topic, positions))
            .map_err(|error| report::refused(&error))?;
        client
            .subscribe(&[topic])
            .map_err(|error| report::refused(&error))?;
        Ok(Self::new(topic, client, None))
    }

    /// Follows all `partitions` of `topic`, each from where `positions` says, whoever else does: without a group, so
    /// that nothing is ever revoked. They are assigned by the first poll.
    ///
    /// # Errors
    /// As [`Consumer::join`].
    pub fn follow(
        config: &Config,
        topic: &str,
        partitions: u32,
        positions: Arc<dyn Positions>,
    ) -> Result<Self, Error> {
        let defaults: Vec<_> = DEFAULTS.iter().chain(&FOLLOWING).copied().collect();
        let client = config
            .client(&defaults, &FIXED)
            .create_with_context(Context::new(topic, positions))
            .map_err(|error| report::refused(&error))?;
        Ok(Self::new(topic, client, Some(partitions)))
    }

    fn new(topic: &str, client: BaseConsumer<Context>, follows: Option<u32>) -> Self {
        Self {
            topic: topic.to_owned(),
            follows,
            client: Some(client),
            assignment: Assignment::default(),
            out_of_range: None,
            delayed: BTreeMap::new(),
            failed: None,
        }
    }

    /// Applies what the group changed during the last poll.
    fn apply(&mut self, changes: Vec<Change>, deliveries: &mut Vec<Delivery>) {
        for change in changes {
            match change {
                Change::Assigned(starts) => {
                    let partitions = starts.iter().map(|(partition, _)| *partition).collect();
                    deliveries.push(Delivery::Assigned(partitions));
                    for (partition, start) in starts {
                        self.assignment
                            .assign(partition, *start.as_ref().unwrap_or(&0));
                        if let Err(error) = start {
                            self.has_no_start(partition, error, deliveries);
                        }
                    }
                }
                Change::Revoked(partitions) => {
                    for partition in &partitions {
                        self.delayed.remove(partition);
                        self.assignment.revoke(*partition);
                    }
                    deliveries.push(Delivery::Revoked(partitions));
                }
            }
        }
    }

    fn has_no_start(&mut self, partition: u32, error: NoStart, deliveries: &mut Vec<Delivery>) {
        match error {
            NoStart::Fatal(why) => self.halt(partition, Error::Fatal(why), deliveries),
            NoStart::Passing(why) => {
                self.assignment.halt(partition);
                self.delayed.insert(partition, Instant::now() + START_AGAIN);
                deliveries.push(Delivery::Delayed { partition, why });
            }
        }
    }

    /// Asks again for a start that may be there by now; one a poll, for it may take long.
    fn start_a_delayed(&mut self, deliveries: &mut Vec<Delivery>) {
        let now = Instant::now();
        let due = self.delayed.iter().find(|(_, at)| **at <= now);
        let (Some(partition), Some(client)) = (due.map(|(partition, _)| *partition), &self.client)
        else {
            return;
        };
        let placed = client.context().start(partition).and_then(|offset| {
            stopped::place(client, &self.topic, partition, offset)
                .map(|()| offset)
                .map_err(|error| NoStart::Passing(format!("Kafka can't start it: {error}")))
        });
        self.delayed.remove(&partition);
        match placed {
            Ok(offset) => {
                self.assignment.assign(partition, offset);
                self.tell_client(partition, false);
                deliveries.push(Delivery::Assigned(vec![partition]));
            }
            Err(error) => self.has_no_start(partition, error, deliveries),
        }
    }

    fn halt(&mut self, partition: u32, error: Error, deliveries: &mut Vec<Delivery>) {
        self.assignment.halt(partition);
        self.tell_client(partition, true);
        deliveries.push(Delivery::Halted { partition, error });
    }

    /// After librdkafka said that an offset is not there: finds the partition, and halts it or goes on.
    fn look_for_out_of_range(&mut self, deliveries: &mut Vec<Delivery>) {
        let Some(client) = &self.client else { return };
        if let Some(reason) = client.context().take_out_of_range() {
            let ask_at = Instant::now();
            self.out_of_range = Some(OutOfRange { reason, ask_at });
        }
        let Some(pending) = &mut self.out_of_range else {
            return;
        };
        if pending.ask_at > Instant::now() {
            return;
        }
        match stopped::judge(
            client,
            &self.topic,
            self.assignment.active(),
            &pending.reason,
        ) {
            Ok(halted) => {
                self.out_of_range = None;
                for (partition, error) in halted {
                    self.halt(partition, error, deliveries);
                }
            }
            Err(error) => {
                pending.ask_at = Instant::now() + OUT_OF_RANGE_RETRY;
                tracing::warn!(%error, "can't find out yet which offset is not there");
            }
        }
    }

    fn tell_client(&self, partition: u32, paused: bool) {
        let Some(client) = &self.client else { return };
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, partition as i32);
        let told = if paused {
            client.pause(&list)
        } else {
            client.resume(&list)
        };
        if let Err(error) = told {
            tracing::error!(topic = self.topic, partition, paused, %error, "pause or resume failed");
        }
    }
}

/// Takes what librdkafka has: waits for the first record, not for those after it. Ends when there are none,
/// when the batches are full, or when the group or the cluster has something to say.
fn collect(
    client: &BaseConsumer<Context>,
    topic: &str,
    assignment: &mut Assignment,
    timeout: Duration,
) -> Result<(), Error> {
    let mut wait = timeout;
    loop {
        match client.poll(wait) {
            None => return Ok(()),
            Some(Ok(message)) => {
                let partition = message.partition() as u32;
                if let Some(batch) = assignment.take(partition, message.offset() as u64) {
                    message::copy(&message, batch);
                    let bytes = message.key_len() + message.payload_len();
                    if assignment.taken(partition, bytes) {
                        return Ok(());
                    }
                }
            }
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                let reason = client
                    .client()
                    .fatal_error()
                    .map_or_else(String::new, |e| e.1);
                return Err(Error::Fatal(format!(
                    "this member can't go on ({code}: {reason}); restart the process"
                )));
            }
            Some(Err(error)) => {
                let code = error.rdkafka_error_code();
                match code.and_then(|code| report::lacks(topic, "READ", code)) {
                    // It may be given again; the client goes on asking.
                    Some(error) => return Err(Error::Transient(error.to_string())),
                    // Reported by the context, and either passing or looked into by the poll.
                    None => return Ok(()),
                }
            }
        }
        wait = Duration::ZERO;
    }
}

impl crate::Consumer for Consumer {
    fn poll(&mut self, timeout: Duration) -> Result<Vec<Delivery>, Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut deliveries = Vec::new();
        let Some(client) = &self.client else {
            return Ok(deliveries);
        };
        let collected = match self.follows.take() {
            Some(partitions) => {
                client.context().assign_all(client, partitions);
                Ok(())
            }
            None => collect(client, &self.topic, &mut self.assignment, timeout),
        };
        let changes = client.context().take_changes();
        // What was taken came before the change.
        self.assignment.deliver(&mut deliveries);
        self.apply(changes, &mut deliveries);
        self.start_a_delayed(&mut deliveries);
        self.look_for_out_of_range(&mut deliveries);
        match collected {
            // What was taken is gone from the client: it is given first.
            Err(error) if !deliveries.is_empty() => self.failed = Some(error),
            collected => collected?,
        }
        Ok(deliveries)
    }

    fn pause(&mut self, partition: u32) {
        if self.assignment.pause(partition, true) {
            self.tell_client(partition, true);
        }
    }

    fn resume(&mut self, partition: u32) {
        if self.assignment.pause(partition, false) {
            self.tell_client(partition, false);
        }
    }

    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        match &self.client {
            Some(client) => bounds(client.client(), &self.topic, partition),
            None => Err(Error::Fatal("the consumer has left its group".into())),
        }
    }

    fn leave(self: Box<Self>) {}
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else {
            return;
        };
        let (done, is_done) = mpsc::channel();
        // Closing waits for the brokers without a limit of its own.
        let closing = thread::Builder::new()
            .name("kafka-leave".into())
            .spawn(move || {
                client.unsubscribe();
                drop(client);
                // Nobody waits any more if it took too long.
                let _ = done.send(());
            });
        if closing.is_err() || is_done.recv_timeout(LEAVE_TIMEOUT).is_err() {
            tracing::warn!(
                topic = self.topic,
                "the group did not take our leave in time; it will notice the absence"
            );
        }
    }
}
