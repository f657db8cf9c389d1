//! Both topics in memory, emitters on them, and what the fold of events makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::{
    Appended, Batch, BatchBuilder, Bounds, Consumer, Delivery, Error, NewRecord, Positions,
    Producer, Reader,
};
use pipeline::admission::{Admission, Decision, Outcome};
use pipeline::definition::Definition;
use pipeline::record::{Headers, Record};
use pipeline::state::{self, State};
use prost::Message;
use schemas::partition::partition_of;
use schemas::v1::entry_record::Act;
use schemas::v1::{self, ActivityDefined, EntryCancelled, EntryRecord, EntryRequested};

use processor::emitter::{Loop, Settings};

pub const PARTITIONS: u32 = 2;
/// 2026-11-22T09:00:00Z.
const START: i64 = 1_795_338_000_000;

/// A topic in memory.
#[derive(Default)]
pub struct Topic(Mutex<Vec<Vec<NewRecord>>>);

impl Topic {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(vec![Vec::new(); PARTITIONS as usize])))
    }

    pub fn push(&self, record: NewRecord) -> Appended {
        let partition = partition_of(&record.key, PARTITIONS);
        let mut all = self.0.lock().unwrap();
        let records = &mut all[partition as usize];
        records.push(record);
        let offset = records.len() as u64 - 1;
        Appended { partition, offset }
    }

    /// Removes what the topic holds.
    pub fn clear(&self) {
        self.0.lock().unwrap().iter_mut().for_each(Vec::clear);
    }

    pub fn ends(&self) -> Vec<u64> {
        let all = self.0.lock().unwrap();
        all.iter().map(|records| records.len() as u64).collect()
    }

    /// Hands every record of a partition over, in order.
    fn each(&self, partition: u32, mut visit: impl FnMut(Record<'_>)) {
        let all = self.0.lock().unwrap();
        for (offset, record) in (0..).zip(&all[partition as usize]) {
            visit(Record {
                offset,
                appended_at: START + 1_000 * offset as i64,
                key: &record.key,
                value: &record.value,
                headers: Headers(&record.headers),
            });
        }
    }
}

/// A follower of a topic in memory; gives at most so many records a poll.
struct Reading {
    topic: Arc<Topic>,
    positions: Arc<dyn Positions>,
    next: Option<Vec<u64>>,
    paused: BTreeSet<u32>,
    most: usize,
}

impl Consumer for Reading {
    fn poll(&mut self, _: Duration) -> Result<Vec<Delivery>, Error> {
        let Some(next) = &mut self.next else {
            let starts = (0..PARTITIONS).map(|partition| self.positions.start(partition).unwrap());
            self.next = Some(starts.collect());
            return Ok(vec![Delivery::Assigned((0..PARTITIONS).collect())]);
        };
        let mut deliveries = Vec::new();
        for partition in (0..PARTITIONS).filter(|of| !self.paused.contains(of)) {
            let mut batch = BatchBuilder::new(partition);
            let next = &mut next[partition as usize];
            let (from, most) = (*next, self.most);
            self.topic.each(partition, |record| {
                if record.offset >= from && batch.len() < most {
                    *next = record.offset + 1;
                    batch.push(
                        record.offset,
                        record.appended_at,
                        record.key,
                        record.value,
                        |_| (),
                    );
                }
            });
            if !batch.is_empty() {
                deliveries.push(Delivery::Batch(batch.build()));
            }
        }
        Ok(deliveries)
    }

    fn pause(&mut self, partition: u32) {
        self.paused.insert(partition);
    }

    fn resume(&mut self, partition: u32) {
        self.paused.remove(&partition);
    }

    fn bounds(&mut self, _: u32) -> Result<Bounds, Error> {
        Err(Error::Transient("not asked here".to_owned()))
    }

    fn leave(self: Box<Self>) {}
}

/// Answers how far a topic in memory reaches.
pub struct Looking(pub Arc<Topic>);

impl Reader for Looking {
    fn partitions(&mut self) -> Result<u32, Error> {
        Ok(PARTITIONS)
    }

    fn bounds(&mut self, partition: u32) -> Result<Bounds, Error> {
        let end = self.0.ends()[partition as usize];
        Ok(Bounds { start: 0, end })
    }

    fn read(
        &mut self,
        _: u32,
        _: u64,
        _: u64,
        _: &mut dyn FnMut(&Batch) -> bool,
    ) -> Result<(), Error> {
        Err(Error::Transient("not read here".to_owned()))
    }
}

/// What becomes of one call to append.
#[derive(Debug, Clone)]
pub enum Fate {
    /// All are appended and acknowledged.
    Good,
    /// None is appended.
    Refused,
    /// All are appended, and the acknowledgement is lost.
    Unheard,
    /// Of each partition so many are appended, and the call fails.
    Cut([usize; PARTITIONS as usize]),
    /// Every record but that one is appended, which no producer without gaps does.
    Gap(usize),
}

/// Appends to a topic in memory as its script says; after the script all is good.
pub struct Scripted {
    pub topic: Arc<Topic>,
    pub script: Mutex<Vec<Fate>>,
}

impl Producer for Scripted {
    fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Appended>, Error> {
        let fate = self.script.lock().unwrap().pop().unwrap_or(Fate::Good);
        let mut taken = [0; PARTITIONS as usize];
        let mut appended = Vec::new();
        for (index, record) in records.into_iter().enumerate() {
            let place = partition_of(&record.key, PARTITIONS) as usize;
            let goes = match &fate {
                Fate::Good | Fate::Unheard => true,
                Fate::Refused => false,
                Fate::Cut(most) => taken[place] < most[place],
                Fate::Gap(missing) => index != *missing,
            };
            if goes {
                taken[place] += 1;
                appended.push(self.topic.push(record));
            }
        }
        match fate {
            Fate::Good => Ok(appended),
            _ => Err(Error::Transient(format!("{fate:?}"))),
        }
    }
}

/// An emitter that is stepped by hand.
pub struct Owner {
    pub looped: Loop,
    pub events: Arc<Scripted>,
}

pub struct World {
    pub entries: Arc<Topic>,
    pub events: Arc<Topic>,
    pub folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        Self {
            entries: Topic::new(),
            events: Topic::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// An emitter that keeps positions in a folder, after each step or never, and gets so many records a poll.
    pub fn owner(&self, folder: &str, keeps: bool, most: usize) -> Owner {
        let settings = Settings {
            partitions: PARTITIONS,
            generation: 1,
            folder: self.path(folder),
            keep_every: if keeps { Duration::ZERO } else { Duration::MAX },
        };
        let events = Arc::new(Scripted {
            topic: self.events.clone(),
            script: Mutex::default(),
        });
        let (topic, producer) = (self.entries.clone(), events.clone());
        let looped = Loop::new(settings, producer, |positions| {
            Ok(Box::new(Reading {
                topic,
                positions,
                next: None,
                paused: BTreeSet::new(),
                most,
            }))
        });
        Owner {
            looped: looped.unwrap(),
            events,
        }
    }

    pub fn path(&self, folder: &str) -> PathBuf {
        Path::new(self.folder.path()).join(folder)
    }

    pub fn define(&self, activity: &str, capacity: u64) {
        self.act(
            activity,
            Act::Defined(ActivityDefined {
                activity_id: activity.to_owned(),
                campaign_id: "spring".to_owned(),
                capacity,
                opens_at_ms: START - 1,
                ..ActivityDefined::default()
            }),
        );
    }

    pub fn request(&self, activity: &str, user: &str, request: &str) {
        self.act(
            activity,
            Act::Requested(EntryRequested {
                activity_id: activity.to_owned(),
                user_id: user.to_owned(),
                request_id: request.to_owned(),
                ..EntryRequested::default()
            }),
        );
    }

    pub fn cancel(&self, activity: &str, user: &str, rank: u64) {
        self.act(
            activity,
            Act::Cancelled(EntryCancelled {
                activity_id: activity.to_owned(),
                user_id: user.to_owned(),
                rank,
            }),
        );
    }

    fn act(&self, activity: &str, act: Act) {
        self.entries.push(NewRecord {
            key: activity.into(),
            value: EntryRecord { act: Some(act) }.encode_to_vec(),
            ..NewRecord::default()
        });
    }

    /// Who was ever given a seat, by activity and user, with how many.
    pub fn admitted(&self) -> BTreeMap<(String, String), u64> {
        let mut admitted = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let mut fold = Admission::new(partition, PARTITIONS);
            self.entries.each(partition, |record| {
                if let Outcome::Decided(decided) = fold.fold(&record)
                    && decided.is_new
                    && matches!(decided.decision, Decision::Admitted(_))
                {
                    *admitted
                        .entry((decided.activity_id, decided.user_id))
                        .or_default() += 1;
                }
            });
        }
        admitted
    }

    /// Which Enter events the fold of events applies, by activity and user, with how many. Nothing is set aside.
    pub fn entered(&self) -> BTreeMap<(String, String), u64> {
        let definition = Arc::new(Definition {
            partitions: PARTITIONS,
            hash_key: "000102030405060708090a0b0c0d0e0f".to_owned(),
            // What comes again is for the source's register: the window forgets at once.
            dedup_slot_ms: 1_000,
            ..Definition::default()
        });
        let mut entered = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let mut fold = State::new(definition.clone(), partition).unwrap();
            self.events.each(partition, |record| {
                let event = v1::Event::decode(record.value).unwrap();
                match fold.apply(record) {
                    state::Outcome::Applied => {
                        assert_eq!(event.kind(), v1::Kind::Enter);
                        assert_eq!(event.campaign_id, "spring");
                        let whose = (event.activity_id, event.user_id);
                        *entered.entry(whose).or_default() += 1;
                    }
                    state::Outcome::Duplicate => {}
                    other => panic!("{other:?}: {:?}", fold.take_letters()),
                }
            });
        }
        entered
    }
}

impl Owner {
    /// What becomes of the next calls.
    pub fn script(&self, fates: &[Fate]) {
        *self.events.script.lock().unwrap() = fates.iter().rev().cloned().collect();
    }

    /// Why partitions stand still.
    pub fn halted(&self) -> Vec<String> {
        let all = self.looped.progress().into_values();
        all.filter_map(|of| of.halted).collect()
    }

    pub fn step(&mut self) {
        self.looped.step().unwrap();
    }

    /// Steps until everything in the log is told.
    pub fn finish(&mut self, world: &World) {
        for _ in 0..10_000 {
            self.step();
            let positions = self.looped.progress();
            let ends = world.entries.ends();
            let is_done = (0..).zip(&ends).all(|(partition, end)| {
                positions
                    .get(&partition)
                    .is_some_and(|of| of.position == *end)
            });
            if is_done {
                return;
            }
        }
        panic!("not told: {:?}", self.looped.progress());
    }
}
