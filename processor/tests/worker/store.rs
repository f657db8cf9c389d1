//! A store in memory that keeps the contract of `views::Sink`, and breaks whatever the contract lets it.
//!
//! It loses calls and answers, does calls twice, late and out of order, falls back to an earlier state and
//! forgets everything. After each accepted call its image is compared with the fold of its prefix (I3).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use pipeline::aggregate::Reader;
use views::{Change, Error, Sink, Stored};

use crate::judge::{Image, Judge, bytes, holds};
use crate::random::Random;

/// States a partition may fall back to.
const PAST: usize = 12;

pub struct Store {
    name: &'static str,
    reader: Reader,
    judge: Arc<Mutex<Judge>>,
    inner: Mutex<Inner>,
}

struct Inner {
    random: Random,
    /// Nothing fails any more.
    calm: bool,
    partitions: BTreeMap<u32, Held>,
    wrong: Vec<String>,
    seen: Seen,
}

#[derive(Default)]
struct Held {
    stored: Option<u64>,
    image: Image,
    past: Vec<(u64, Image)>,
    /// Calls that have not arrived yet.
    late: Vec<(Change, bool)>,
}

/// What happened, so that a run that proves nothing is seen.
#[derive(Debug, Default, Clone, Copy)]
pub struct Seen {
    pub accepted: u64,
    pub refused: u64,
    pub fills: u64,
    pub lost_calls: u64,
    pub lost_answers: u64,
    pub late: u64,
    pub failovers: u64,
    pub wipes: u64,
}

impl Store {
    pub fn new(name: &'static str, reader: Reader, judge: Arc<Mutex<Judge>>, seed: u64) -> Self {
        Self {
            name,
            reader,
            judge,
            inner: Mutex::new(Inner {
                random: Random::new(seed),
                calm: false,
                partitions: BTreeMap::new(),
                wrong: Vec::new(),
                seen: Seen::default(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// From now on every call arrives and is answered.
    pub fn calm(&self) {
        self.lock().calm = true;
    }

    pub fn seen(&self) -> Seen {
        self.lock().seen
    }

    /// What was wrong after some call, in words.
    pub fn wrong(&self) -> Vec<String> {
        self.lock().wrong.clone()
    }

    /// How far a partition is held.
    pub fn stored_offset(&self, partition: u32) -> Option<u64> {
        self.lock().partitions.get(&partition)?.stored
    }

    /// Whether a partition is held to its end, with all that the fold gives.
    pub fn is_whole(&self, partition: u32) -> bool {
        let mut judge = self.judge.lock().unwrap();
        let end = judge.end(partition);
        let expected = judge.image(self.reader, partition, end);
        drop(judge);
        let inner = self.lock();
        let held = inner.partitions.get(&partition);
        held.is_some_and(|held| held.stored == Some(end) && held.image == *expected)
    }

    /// Falls back to the earliest state it remembers.
    pub fn fall_back(&self, partition: u32) {
        let mut inner = self.lock();
        let held = inner.partitions.get_mut(&partition).unwrap();
        let (stored, image) = held.past.drain(..).next().unwrap();
        (held.stored, held.image) = (Some(stored), image);
    }

    /// Forgets everything.
    pub fn wipe(&self, partition: u32) {
        self.lock().partitions.remove(&partition);
    }

    fn lost(&self, detail: &str) -> Error {
        Error::Transient {
            store: self.name,
            detail: detail.to_owned(),
        }
    }

    /// A call as the network and the store let it happen.
    fn call(&self, change: &Change, fill: bool) -> Result<Stored, Error> {
        let inner = &mut *self.lock();
        if inner.calm {
            return Ok(self.take(inner, change, fill));
        }
        if inner.random.chance(8) {
            inner.seen.lost_calls += 1;
            return Err(self.lost("the call is lost"));
        }
        let held = inner.partitions.entry(change.partition).or_default();
        if inner.random.chance(8) {
            held.late.push((change.clone(), fill));
            return Err(self.lost("the call is late"));
        }
        if inner.random.chance(20) && !held.late.is_empty() {
            let place = inner.random.below(held.late.len() as u64) as usize;
            let (late, fill) = held.late.swap_remove(place);
            inner.seen.late += 1;
            self.take(inner, &late, fill);
        }
        if inner.random.chance(6) {
            fail_over(inner, change.partition);
        }
        if inner.random.chance(2) {
            inner.seen.wipes += 1;
            let held = inner.partitions.entry(change.partition).or_default();
            (held.stored, held.image) = (None, Image::new());
            held.past.clear();
        }
        let answer = self.take(inner, change, fill);
        if inner.random.chance(8) {
            self.take(inner, change, fill);
        }
        if inner.random.chance(8) {
            inner.seen.lost_answers += 1;
            return Err(self.lost("the answer is lost"));
        }
        Ok(answer)
    }

    /// The contract of [`Sink::apply`] and [`Sink::fill`], and the comparison.
    fn take(&self, inner: &mut Inner, change: &Change, fill: bool) -> Stored {
        let held = inner.partitions.entry(change.partition).or_default();
        let follows = fill || change.base <= held.stored.unwrap_or(0);
        let forward = held.stored.is_none_or(|stored| stored < change.to);
        if !follows || !forward {
            inner.seen.refused += 1;
            return held.stored.map_or(Stored::Missing, Stored::At);
        }
        if let Some(stored) = held.stored {
            held.past.push((stored, held.image.clone()));
            let oldest = held.past.len().saturating_sub(PAST);
            held.past.drain(..oldest);
        }
        if fill {
            held.image.clear();
            inner.seen.fills += 1;
        }
        for row in change
            .rows
            .iter()
            .filter(|row| holds(self.reader, &row.key))
        {
            match bytes(row) {
                Some(bytes) => held.image.insert(row.key.clone(), bytes),
                None => held.image.remove(&row.key),
            };
        }
        held.stored = Some(change.to);
        inner.seen.accepted += 1;
        let mut judge = self.judge.lock().unwrap();
        let expected = judge.image(self.reader, change.partition, change.to);
        if held.image != *expected {
            inner.wrong.push(format!(
                "{}: partition {} at {} differs from the fold after {} from {}",
                self.name,
                change.partition,
                change.to,
                if fill { "a fill" } else { "a change" },
                change.base,
            ));
        }
        Stored::At(change.to)
    }
}

/// A replica without the tail takes over.
fn fail_over(inner: &mut Inner, partition: u32) {
    let held = inner.partitions.entry(partition).or_default();
    if held.past.is_empty() {
        return;
    }
    let place = inner.random.below(held.past.len() as u64) as usize;
    if let Some((stored, image)) = held.past.drain(place..).next() {
        (held.stored, held.image) = (Some(stored), image);
        inner.seen.failovers += 1;
    }
}

#[async_trait]
impl Sink for Store {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn stored(&self, partition: u32) -> Result<Stored, Error> {
        let inner = &mut *self.lock();
        if !inner.calm && inner.random.chance(10) {
            return Err(self.lost("the question is lost"));
        }
        let held = inner.partitions.entry(partition).or_default();
        Ok(held.stored.map_or(Stored::Missing, Stored::At))
    }

    async fn apply(&self, change: &Change) -> Result<Stored, Error> {
        self.pause().await;
        self.call(change, false)
    }

    async fn fill(&self, change: &Change) -> Result<Stored, Error> {
        self.pause().await;
        self.call(change, true)
    }
}

impl Store {
    async fn pause(&self) {
        let micros = self.lock().random.below(3_000);
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
}
