//! Appends: what threads bring at the same time goes into one transaction, so that they share one sync.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, Statement, TransactionBehavior, params};
use schemas::partition::partition_of;

use super::{Log, Tail, Topic, failed, lock, no_partition};
use crate::{Appended, Error, NewRecord};

/// Appends to one topic.
pub(super) struct Producer {
    log: Arc<Log>,
    topic: Arc<Topic>,
    partitions: u32,
}

/// What waits for the next transaction. Bounded by the number of threads: each waits for its own request.
#[derive(Default)]
pub(super) struct Queue(Mutex<Vec<Arc<Request>>>);

/// One call's records, and its answer once their transaction ended.
struct Request {
    topic: Arc<Topic>,
    /// Each with its partition.
    records: Vec<(u32, NewRecord)>,
    answer: Mutex<Option<Result<Vec<Appended>, Error>>>,
}

/// What one transaction wrote: an answer a request, and the new ends of each topic.
struct Written {
    answers: Vec<Vec<Appended>>,
    tails: BTreeMap<i64, Vec<Tail>>,
}

impl Producer {
    pub(super) fn new(log: Arc<Log>, topic: Arc<Topic>) -> Self {
        let partitions = topic.partitions();
        Self {
            log,
            topic,
            partitions,
        }
    }

    fn place(&self, record: NewRecord) -> Result<(u32, NewRecord), Error> {
        let partition = match record.partition {
            None => partition_of(&record.key, self.partitions),
            Some(partition) if partition < self.partitions => partition,
            Some(partition) => return Err(no_partition(partition, &self.topic.name)),
        };
        Ok((partition, record))
    }
}

impl crate::Producer for Producer {
    fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, Error> {
        let records = records
            .into_iter()
            .map(|record| self.place(record))
            .collect::<Result<Vec<_>, Error>>()?;
        if records.is_empty() {
            return Ok(Vec::new());
        }
        self.log.append(Arc::new(Request {
            topic: Arc::clone(&self.topic),
            records,
            answer: Mutex::new(None),
        }))
    }
}

impl Log {
    fn append(&self, request: Arc<Request>) -> Result<Vec<Appended>, Error> {
        lock(&self.queue.0).push(Arc::clone(&request));
        let mut writer = lock(&self.writer);
        // Whoever held the writer while we waited has taken our request along.
        if lock(&request.answer).is_none() {
            let group = std::mem::take(&mut *lock(&self.queue.0));
            self.write(&mut writer, &group);
        }
        drop(writer);
        lock(&request.answer).take().unwrap_or_else(|| {
            Err(Error::Fatal(
                "a thread died while it appended; restart the process".into(),
            ))
        })
    }

    /// Writes a group in one transaction and answers each request: all or none of them are in the log.
    fn write(&self, connection: &mut Connection, group: &[Arc<Request>]) {
        match transact(connection, group, (self.clock)()) {
            Ok(written) => {
                for request in group {
                    if let Some(tails) = written.tails.get(&request.topic.id) {
                        lock(&request.topic.tails).clone_from(tails);
                        request.topic.grown.notify_all();
                    }
                }
                for (request, answer) in group.iter().zip(written.answers) {
                    *lock(&request.answer) = Some(Ok(answer));
                }
            }
            Err(error) => {
                for request in group {
                    *lock(&request.answer) = Some(Err(failed(&error, &self.path)));
                }
            }
        }
    }
}

fn transact(
    connection: &mut Connection,
    group: &[Arc<Request>],
    now: i64,
) -> Result<Written, rusqlite::Error> {
    let mut tails = BTreeMap::new();
    let mut answers = Vec::with_capacity(group.len());
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO records (topic, partition, offset, appended_at, key, value, headers)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for request in group {
            let tails = tails
                .entry(request.topic.id)
                .or_insert_with(|| lock(&request.topic.tails).clone());
            answers.push(insert_all(&mut insert, request, tails, now)?);
        }
    }
    transaction.commit()?;
    Ok(Written { answers, tails })
}

fn insert_all(
    insert: &mut Statement<'_>,
    request: &Request,
    tails: &mut [Tail],
    now: i64,
) -> Result<Vec<Appended>, rusqlite::Error> {
    let mut answer = Vec::with_capacity(request.records.len());
    for (partition, record) in &request.records {
        let tail = &mut tails[*partition as usize];
        // The clock may be set back; the append times of a partition may not.
        tail.appended_at = tail.appended_at.max(now);
        insert.execute(params![
            request.topic.id,
            partition,
            tail.next_offset as i64,
            tail.appended_at,
            record.key,
            record.value,
            record.headers,
        ])?;
        answer.push(Appended {
            partition: *partition,
            offset: tail.next_offset,
        });
        tail.next_offset += 1;
    }
    Ok(answer)
}
