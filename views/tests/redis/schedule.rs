//! Random schedules of everything that may happen to one partition's writes, judged step by step.
//!
//! Owners that don't know of each other send changes, send old ones again, fill step by step, stop
//! half way, and go on long after they were replaced; the server is wiped, loses its
//! functions, or is put back to an older state, as when a replica without the last writes is
//! promoted. After every step the rows must be those of the prefix up to the stored offset (I3).

use std::collections::{BTreeMap, BTreeSet};

use fred::prelude::*;
use pipeline::calendar::Calendar;
use pipeline::definition::Definition;
use pipeline::row::Row;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use views::redis::{Filling, Limits, Progress, Store};
use views::{AsOf, AsOfKind, Change, Error, Question, Sink, Stamp, Stored, Views};

use super::server::Server;
use crate::conformance::log::Log;
use crate::conformance::questions;

/// Records of the log that schedules run over.
const RECORDS: u64 = 120;
/// Fills are of prefixes up to multiples of this.
const GRID: u64 = 12;
/// Fills under way at once, the dead ones included.
const FILLINGS: usize = 6;
/// Steps of a schedule.
const STEPS: usize = 120;

const PROMOTE: &str = "promote an old state";
const WIPE: &str = "wipe";

/// Small enough that a fill of this log takes several chunks, and some changes are too large.
const LIMITS: Limits = Limits {
    rows_per_chunk: 120,
    bytes_per_chunk: 1 << 16,
    rows_per_change: 200,
    bytes_per_change: 1 << 17,
};

/// What schedules draw from.
pub struct Material {
    pub definition: Definition,
    pub log: Log,
    wholes: Vec<Change>,
    questions: Vec<Question>,
}

impl Material {
    /// A log with whole images and changes between them.
    pub fn new(seed: u64) -> Self {
        let definition = crate::conformance::definition(1);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let log = Log::random(&mut rng, &definition, 0, false, RECORDS);
        let grid: Vec<u64> = (0..=RECORDS / GRID).map(|n| n * GRID).collect();
        Self {
            wholes: grid.iter().map(|to| log.whole(*to)).collect(),
            questions: questions::all(true),
            definition,
            log,
        }
    }
}

/// How often things happened, over all schedules.
#[derive(Debug, Default)]
pub struct Tally(pub BTreeMap<&'static str, u64>);

impl Tally {
    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Apply,
    SendAgain,
    Start,
    TakeStep,
    Double,
    Drop,
    Forget,
    Sweep,
    Save,
    Promote,
    LoseFunctions,
    Wipe,
}

/// How often each happens, before a schedule makes some of them rarer and some more frequent.
const ACTS: [(Act, u32); 12] = [
    (Act::Apply, 220),
    (Act::SendAgain, 100),
    (Act::Start, 120),
    (Act::TakeStep, 360),
    (Act::Double, 30),
    (Act::Drop, 15),
    (Act::Forget, 20),
    (Act::Sweep, 25),
    (Act::Save, 45),
    (Act::Promote, 40),
    (Act::LoseFunctions, 5),
    (Act::Wipe, 5),
];

struct Owner {
    store: Store,
    /// What it believes to be stored.
    known: u64,
}

struct Schedule<'a> {
    rng: ChaCha8Rng,
    acts: Vec<Act>,
    weights: WeightedIndex<u32>,
    server: &'a Server,
    material: &'a Material,
    stores: &'a [Store],
    owners: Vec<Owner>,
    reader: Store,
    sent: Vec<Change>,
    fillings: Vec<Filling<'a>>,
    saved: Vec<(String, Value)>,
    /// What was stored after the last step.
    at: u64,
    tally: &'a mut Tally,
}

/// Runs one schedule, with the functions replaced by `library` if given.
///
/// # Errors
/// The step after which the rows were no prefix's, and how.
pub async fn run(
    seed: u64,
    server: &Server,
    material: &Material,
    library: Option<&str>,
    tally: &mut Tally,
) -> Result<(), String> {
    server.command("FLUSHALL", &[]).await;
    let mut stores = Vec::new();
    for _ in 0..3 {
        let store = Store::connect(&server.url(), &material.definition)
            .await
            .unwrap();
        stores.push(store.with_limits(LIMITS));
    }
    if let Some(library) = library {
        server
            .command("FUNCTION", &["LOAD", "REPLACE", library])
            .await;
    }
    let owner = |store: &Store| Owner {
        store: store.clone(),
        known: 0,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let acts = ACTS.iter().map(|(act, _)| *act);
    let weights = ACTS.iter().map(|(act, weight)| {
        let factor = match act {
            // Without steps no fill would be worth its start.
            Act::TakeStep => 4,
            _ => *[0, 1, 4, 16].choose(&mut rng).unwrap(),
        };
        // A changed library would be loaded over.
        let never = *act == Act::LoseFunctions && library.is_some();
        if never { 0 } else { weight * factor + 1 }
    });
    let weights = WeightedIndex::new(weights.collect::<Vec<u32>>()).unwrap();
    let mut schedule = Schedule {
        acts: acts.collect(),
        weights,
        rng,
        server,
        material,
        owners: stores[..2].iter().map(owner).collect(),
        reader: stores[2].clone(),
        stores: &stores[..2],
        sent: Vec::new(),
        fillings: Vec::new(),
        saved: Vec::new(),
        at: 0,
        tally,
    };
    for step in 0..STEPS {
        let wrong = |wrong| format!("seed {seed}, step {step}: {wrong}");
        let what = schedule.act().await.map_err(wrong)?;
        schedule.tally.count(what);
        if matches!(what, PROMOTE | WIPE) {
            schedule.at = 0;
        }
        let judged = schedule.judge().await;
        judged.map_err(|text| wrong(format!("after {what}: {text}")))?;
    }
    Ok(())
}

impl<'a> Schedule<'a> {
    async fn act(&mut self) -> Result<&'static str, String> {
        Ok(match self.acts[self.weights.sample(&mut self.rng)] {
            Act::Apply => self.apply().await?,
            Act::SendAgain => self.send_again().await?,
            Act::Start => self.start(),
            Act::TakeStep => self.take_step().await?,
            Act::Double => {
                if let Some(filling) = self.fillings.choose(&mut self.rng) {
                    let double = filling.clone();
                    self.keep(double);
                }
                "double a fill"
            }
            Act::Drop => {
                if !self.fillings.is_empty() {
                    let at = self.rng.random_range(0..self.fillings.len());
                    self.fillings.swap_remove(at);
                }
                "drop a fill"
            }
            Act::Forget => {
                let owner = self.rng.random_range(0..self.owners.len());
                self.owners[owner].known = self.rng.random_range(0..=RECORDS);
                "forget what is stored"
            }
            Act::Sweep => {
                let swept = self.owners[0].store.sweep(0).await;
                swept.map_err(|error| error.to_string())?;
                "sweep"
            }
            Act::Save => {
                self.saved = save(self.server).await;
                "save the server's state"
            }
            Act::Promote => {
                restore(self.server, &self.saved).await;
                PROMOTE
            }
            Act::LoseFunctions => {
                self.server.command("FUNCTION", &["FLUSH", "SYNC"]).await;
                "lose the functions"
            }
            Act::Wipe => {
                self.server.command("FLUSHALL", &[]).await;
                WIPE
            }
        })
    }

    async fn apply(&mut self) -> Result<&'static str, String> {
        let owner = self.rng.random_range(0..self.owners.len());
        let base = self.owners[owner].known;
        let to = (base + self.rng.random_range(0..12)).min(RECORDS);
        let change = self.material.log.change(base, to);
        let stored = self.send(owner, &change).await?;
        self.sent.push(change);
        Ok(match stored {
            Stored::At(at) if at == to => "apply: done",
            Stored::At(_) => "apply: refused",
            Stored::Missing => "apply: missing or too large",
        })
    }

    async fn send_again(&mut self) -> Result<&'static str, String> {
        let owner = self.rng.random_range(0..self.owners.len());
        if let Some(change) = self.sent.choose(&mut self.rng).cloned() {
            self.send(owner, &change).await?;
        }
        Ok("send an old change again")
    }

    async fn send(&mut self, owner: usize, change: &Change) -> Result<Stored, String> {
        let stored = self.owners[owner].store.apply(change).await;
        let stored = stored.map_err(|error| error.to_string())?;
        self.owners[owner].known = match stored {
            Stored::At(at) => at,
            Stored::Missing => 0,
        };
        Ok(stored)
    }

    fn start(&mut self) -> &'static str {
        let material = self.material;
        // Mostly one that has a chance: the others are refused at once.
        let from = if self.rng.random_ratio(1, 4) {
            0
        } else {
            self.at + 1
        };
        let some = material.wholes.iter().filter(|whole| whole.to >= from);
        let some: Vec<&Change> = some.collect();
        let Some(whole) = some.choose(&mut self.rng) else {
            return "nothing to fill with";
        };
        let store = self.stores.choose(&mut self.rng).unwrap();
        self.keep(store.filling(whole));
        "start a fill"
    }

    fn keep(&mut self, filling: Filling<'a>) {
        if self.fillings.len() == FILLINGS {
            let at = self.rng.random_range(0..FILLINGS);
            self.fillings.swap_remove(at);
        }
        self.fillings.push(filling);
    }

    /// Most often of the youngest fill: else none would ever end.
    async fn take_step(&mut self) -> Result<&'static str, String> {
        let Some(youngest) = self.fillings.len().checked_sub(1) else {
            return Ok("no fill to go on with");
        };
        let at = if self.rng.random_ratio(3, 4) {
            youngest
        } else {
            self.rng.random_range(0..=youngest)
        };
        let filling = &mut self.fillings[at];
        let progress = filling.step().await.map_err(|error| error.to_string())?;
        Ok(match progress {
            Progress::More => "fill: a step",
            Progress::Done(_) => {
                if self.rng.random_ratio(3, 4) {
                    self.fillings.swap_remove(at);
                }
                "fill: the end"
            }
            Progress::Again => {
                if self.rng.random() {
                    filling.restart();
                }
                "fill: start again"
            }
        })
    }

    async fn judge(&mut self) -> Result<(), String> {
        let log = &self.material.log;
        let Some(stamp) = judge_prefix(&self.reader, log, self.at).await? else {
            return self.judge_missing().await;
        };
        self.at = stamp.offset;
        let image = log.image(stamp.offset);
        self.judge_index().await?;
        let question = self.material.questions.choose(&mut self.rng).unwrap();
        let answer = self
            .reader
            .ask(question)
            .await
            .map_err(|error| error.to_string())?;
        let as_of = AsOf {
            kind: AsOfKind::Exact,
            partitions: vec![stamp],
        };
        let calendar = Calendar::new(&self.material.definition).unwrap();
        if answer != questions::answer(question, &calendar, as_of, &[image]) {
            return Err(format!(
                "at {}, a wrong answer to {question:?}",
                stamp.offset
            ));
        }
        Ok(())
    }

    async fn judge_missing(&self) -> Result<(), String> {
        match self.reader.ask(&Question::Campaigns).await {
            Err(Error::Incomplete { .. }) => Ok(()),
            other => Err(format!("a missing partition was answered: {other:?}")),
        }
    }

    /// The index of the image that is read names exactly its groups.
    async fn judge_index(&self) -> Result<(), String> {
        let keys = self.server.keys().await;
        let tag = format!("ff:{{{}:0}}:", self.material.definition.id());
        let token = self
            .server
            .command("HGET", &[&format!("{tag}meta"), "token"])
            .await;
        let prefix = format!("{tag}{}:", token.into_string().unwrap());
        let index = self
            .server
            .command("SMEMBERS", &[&format!("{prefix}groups")])
            .await;
        let index = index.into_array().into_iter();
        let named: BTreeSet<String> = index.map(|name| name.into_string().unwrap()).collect();
        let groups = keys.iter().filter_map(|key| key.strip_prefix(&prefix));
        let there: BTreeSet<String> = groups
            .filter(|name| *name != "groups")
            .map(str::to_owned)
            .collect();
        if named != there {
            return Err(format!("the index names {named:?}, there are {there:?}"));
        }
        Ok(())
    }
}

/// That the rows are those of the prefix up to the stored offset, and this not before `at`.
pub async fn judge_prefix(store: &Store, log: &Log, at: u64) -> Result<Option<Stamp>, String> {
    let (stamp, rows) = match store.dump_partition(0).await {
        Err(Error::Incomplete { .. }) => return Ok(None),
        other => other.map_err(|error| error.to_string())?,
    };
    if stamp.offset < at {
        return Err(format!("stored went from {at} to {}", stamp.offset));
    }
    if stamp.log_time != log.log_time(stamp.offset) {
        return Err(format!("log time {} at {}", stamp.log_time, stamp.offset));
    }
    let rows: BTreeMap<_, Row> = rows.into_iter().collect();
    let image = log.image(stamp.offset);
    for (key, row) in image {
        if rows.get(key) != Some(row.as_ref()) {
            let found = rows.get(key);
            return Err(format!("at {}, {key:?} is {found:?}", stamp.offset));
        }
    }
    if let Some(key) = rows.keys().find(|key| !image.contains_key(key)) {
        return Err(format!("at {}, {key:?} is there", stamp.offset));
    }
    Ok(Some(stamp))
}

/// Everything the server holds.
pub async fn save(server: &Server) -> Vec<(String, Value)> {
    let mut saved = Vec::new();
    for key in server.keys().await {
        let value: Value = server.admin().dump(&key).await.unwrap();
        saved.push((key, value));
    }
    saved
}

/// Puts the server back to what it held.
pub async fn restore(server: &Server, saved: &[(String, Value)]) {
    server.command("FLUSHALL", &[]).await;
    let pipeline = server.admin().pipeline();
    for (key, value) in saved {
        let () = pipeline
            .restore(key, 0, value.clone(), false, false, None, None)
            .await
            .unwrap();
    }
    if !saved.is_empty() {
        let _: Vec<Value> = pipeline.all().await.unwrap();
    }
}

/// The library with one check changed.
pub fn mutant(from: &str, to: &str) -> String {
    let library = include_str!("../../src/redis/footfall.lua");
    assert_eq!(
        library.matches(from).count(),
        1,
        "{from:?} must occur once in the library"
    );
    library.replace(from, to)
}
