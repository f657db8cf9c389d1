//! Appends records and waits until every in-sync replica has them.
//!
//! Idempotent: what librdkafka sends again is written once, and in order. A call that failed may have left
//! records behind, so its caller must be able to tell a second copy (event ids, coordinates). A producer without gaps
//! leaves of each partition's records only those before the first that failed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pipeline::record::Headers;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, PurgeConfig, ThreadedProducer};

use super::delivery::{Call, Context, Ticket};
use super::{Config, report};
use crate::{Appended, Caller, Error, NewRecord};

/// How long to serve delivery reports when librdkafka's queue is full, before it is tried again.
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(10);

const DEFAULTS: [(&str, &str); 5] = [
    ("compression.type", "lz4"),
    // A single record waits this long for others.
    ("linger.ms", "1"),
    // After this a record counts as not acknowledged: longer than a leader's death, shorter than the
    // patience of whoever waits. librdkafka's own are 300 s.
    ("message.timeout.ms", "30000"),
    ("queue.buffering.max.kbytes", "131072"),
    // A dead letter carries a record of the usual limit, 1 MB, and its headers.
    ("message.max.bytes", "2097152"),
];

const FIXED: [(&str, &str); 3] = [
    ("acks", "all"),
    ("enable.idempotence", "true"),
    // Java's rule; librdkafka's own default is another one.
    ("partitioner", "murmur2_random"),
];

/// What a producer without gaps has beyond these.
const WITHOUT_GAPS: [(&str, &str); 3] = [
    // A record that is given up alone would leave a gap before those behind it.
    ("message.timeout.ms", "0"),
    // Neither may one that a broker refuses: everything behind it is refused too.
    ("enable.gapless.guarantee", "true"),
    // And nothing is on its way behind it when that is learnt.
    ("max.in.flight.requests.per.connection", "1"),
];

/// How long a producer without gaps waits for a call's acknowledgements before it takes back all that is not
/// acknowledged: about a leader's death.
const GAPLESS_PATIENCE: Duration = Duration::from_secs(10);

type Client = ThreadedProducer<Context>;

/// Appends records to one topic. Calls from several threads share its connections.
pub struct Producer {
    topic: String,
    config: Config,
    without_gaps: bool,
    /// Made anew after a fatal error, and without gaps after any.
    client: Mutex<Arc<Client>>,
}

impl Producer {
    /// A producer for `topic`.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the settings are refused. An unreachable cluster shows in the first append.
    pub fn new(config: &Config, topic: &str) -> Result<Self, Error> {
        Self::with(config, topic, false)
    }

    /// A producer for one caller, who appends an ordered source: of a call that fails, no record is in a partition
    /// without those before it, and none comes there later. Appending the same records again then leaves no gap.
    ///
    /// # Errors
    /// As [`Producer::new`].
    pub fn without_gaps(config: &Config, topic: &str) -> Result<Self, Error> {
        Self::with(config, topic, true)
    }

    fn with(config: &Config, topic: &str, without_gaps: bool) -> Result<Self, Error> {
        Ok(Self {
            topic: topic.to_owned(),
            config: config.clone(),
            without_gaps,
            client: Mutex::new(Arc::new(connect(config, topic, without_gaps)?)),
        })
    }

    fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hands all records over. After one that is refused the rest is not handed over, so that none
    /// overtakes it.
    fn enqueue(&self, client: &Client, call: &Arc<Call>, records: &[NewRecord]) {
        for (index, record) in records.iter().enumerate() {
            let sent = pack(&self.topic, record, call.ticket(index))
                .and_then(|record| send(client, record, &self.topic));
            if let Err(error) = sent {
                call.give_up(records.len() - index, error);
                return;
            }
        }
    }

    /// Waits for the acknowledgements; without gaps not for ever, and what lacks one is taken back altogether.
    fn wait(&self, client: &Client, call: &Call) -> Result<Vec<Appended>, Error> {
        if self.without_gaps && !call.is_finished_within(GAPLESS_PATIENCE) {
            client.purge(PurgeConfig::default().queue().inflight());
        }
        call.wait()
    }

    /// An idempotent producer that met a fatal error refuses everything from then on.
    fn replace_if_broken(&self, broken: &Arc<Client>) -> Result<(), Error> {
        match broken.client().fatal_error() {
            Some((code, reason)) => {
                tracing::error!(topic = self.topic, %code, reason, "the producer is made anew");
            }
            None if self.without_gaps => {}
            None => return Ok(()),
        }
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&client, broken) {
            *client = Arc::new(connect(&self.config, &self.topic, self.without_gaps)?);
        }
        Ok(())
    }
}

impl crate::Producer for Producer {
    fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, Error> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let client = self.client();
        let call = Call::new(records.len());
        self.enqueue(&client, &call, &records);
        let appended = self.wait(&client, &call);
        if appended.is_err() {
            self.replace_if_broken(&client)?;
        }
        appended
    }

    /// Each caller's records are a call of their own to librdkafka, which batches them by partition itself.
    fn append_each(&self, callers: Vec<Caller>) {
        if self.without_gaps {
            return callers
                .into_iter()
                .for_each(|caller| (caller.told)(self.append(caller.records)));
        }
        for Caller { records, told } in callers {
            if records.is_empty() {
                told(Ok(Vec::new()));
                continue;
            }
            // Nobody waited for the call that broke it.
            let client = self.client();
            let client = match self.replace_if_broken(&client) {
                Ok(()) => self.client(),
                Err(error) => {
                    told(Err(error));
                    continue;
                }
            };
            self.enqueue(&client, &Call::telling(records.len(), told), &records);
        }
    }
}

fn connect(config: &Config, topic: &str, without_gaps: bool) -> Result<Client, Error> {
    let context = Context {
        topic: topic.to_owned(),
    };
    let mut fixed = FIXED.to_vec();
    if without_gaps {
        fixed.extend(WITHOUT_GAPS);
    }
    config
        .client(&DEFAULTS, &fixed)
        .create_with_context(context)
        .map_err(|error| report::refused(&error))
}

type Packed<'a> = BaseRecord<'a, [u8], [u8], Box<Ticket>>;

/// An empty key is a key, not the absence of one: it decides the partition like any other.
fn pack<'a>(
    topic: &'a str,
    record: &'a NewRecord,
    ticket: Box<Ticket>,
) -> Result<Packed<'a>, Error> {
    let mut packed = BaseRecord::with_opaque_to(topic, ticket)
        .key(record.key.as_slice())
        .payload(record.value.as_slice());
    if let Some(partition) = record.partition {
        packed = packed.partition(partition as i32);
    }
    if !record.headers.is_empty() {
        packed = packed.headers(headers(&record.headers)?);
    }
    Ok(packed)
}

fn headers(packed: &[u8]) -> Result<OwnedHeaders, Error> {
    let mut headers = OwnedHeaders::new();
    for (name, value) in Headers(packed).iter() {
        let key = std::str::from_utf8(name).map_err(|_| {
            Error::Fatal("a header's name is not UTF-8; Kafka's names must be".into())
        })?;
        headers = headers.insert(Header {
            key,
            value: Some(value),
        });
    }
    Ok(headers)
}

fn send(client: &Client, mut record: Packed<'_>, topic: &str) -> Result<(), Error> {
    loop {
        match client.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                client.poll(QUEUE_FULL_WAIT);
                record = back;
            }
            Err((error, _)) => return Err(report::not_acknowledged(topic, &error)),
        }
    }
}
