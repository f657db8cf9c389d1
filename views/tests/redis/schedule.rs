//! Random schedules of everything that may happen to one partition's writes, judged step by step.
//!
//! Owners that don't know of each other send changes, send old ones again, fill and stage step by
//! step, stop half way, and go on long after they were replaced; the server is wiped, loses its
//! functions, or is put back to an older state, as when a replica without the last writes is
//! promoted. After every step the rows must be those of the prefix up to the stored offset (I3).

use std::collections::{BTreeMap, BTreeSet};

use fred::prelude::*;
use pipeline::calendar::Calendar;
use pipeline::definition::Definition;
use pipeline::row::Row;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use views::redis::{Filling, Limits, Progress, Store};
use views::{AsOf, AsOfKind, Change, Error, Question, Sink, Stored, Views};

use super::server::Server;
use crate::conformance::log::Log;
use crate::conformance::questions;

/// Records of the log that schedules run over.
const RECORDS: u64 = 120;
/// Fills and staged changes begin and end at multiples of this.
const GRID: u64 = 12;
/// Fills under way at once, the dead ones included.
const FILLINGS: usize = 6;
/// Steps of a schedule.
const STEPS: usize = 120;

const PROMOTE: &str = "promote an old state";
const WIPE: &str = "wipe";

/// Small enough that a change of these logs takes several calls.
const LIMITS: Limits = Limits {
    rows_per_call: 120,
    bytes_per_call: 1 << 16,
    rows_per_merge: 800,
    bytes_per_merge: 1 << 17,
};

/// What schedules draw from.
pub struct Material {
    definition: Definition,
    log: Log,
    wholes: Vec<Change>,
    changes: Vec<Change>,
    questions: Vec<Question>,
}

impl Material {
    /// A log with whole images and changes between them.
    pub fn new(seed: u64) -> Self {
        let definition = crate::conformance::definition(1);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let log = Log::random(&mut rng, &definition, 0, false, RECORDS);
        let grid: Vec<u64> = (0..=RECORDS / GRID).map(|n| n * GRID).collect();
        let pairs = grid
            .iter()
            .flat_map(|base| grid.iter().map(move |to| (*base, *to)));
        Self {
            wholes: grid.iter().map(|to| log.whole(*to)).collect(),
            changes: pairs
                .filter(|(base, to)| base < to)
                .map(|(base, to)| log.change(base, to))
                .collect(),
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

struct Owner {
    store: Store,
    /// What it believes to be stored.
    known: u64,
}

struct Schedule<'a> {
    rng: ChaCha8Rng,
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
    let mut schedule = Schedule {
        rng: ChaCha8Rng::seed_from_u64(seed),
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
        let what = schedule.act(library.is_none()).await;
        schedule.tally.count(what);
        if matches!(what, PROMOTE | WIPE) {
            schedule.at = 0;
        }
        schedule
            .judge()
            .await
            .map_err(|wrong| format!("seed {seed}, step {step} ({what}): {wrong}"))?;
    }
    Ok(())
}

impl<'a> Schedule<'a> {
    async fn act(&mut self, may_lose_functions: bool) -> &'static str {
        match self.rng.random_range(0..1000) {
            0..220 => self.apply().await,
            220..320 => self.send_again().await,
            320..390 => self.start(false),
            390..460 => self.start(true),
            460..820 => self.take_step().await,
            820..850 => {
                if let Some(filling) = self.fillings.choose(&mut self.rng) {
                    let double = filling.clone();
                    self.keep(double);
                }
                "double a fill"
            }
            850..865 => {
                if !self.fillings.is_empty() {
                    let at = self.rng.random_range(0..self.fillings.len());
                    self.fillings.swap_remove(at);
                }
                "drop a fill"
            }
            865..885 => {
                let owner = self.rng.random_range(0..self.owners.len());
                self.owners[owner].known = self.rng.random_range(0..=RECORDS);
                "forget what is stored"
            }
            885..900 => {
                self.owners[0].store.sweep(0).await.unwrap();
                "sweep"
            }
            900..945 => {
                self.saved = save(self.server).await;
                "save the server's state"
            }
            945..985 => {
                restore(self.server, &self.saved).await;
                PROMOTE
            }
            985..992 if may_lose_functions => {
                self.server.command("FUNCTION", &["FLUSH", "SYNC"]).await;
                "lose the functions"
            }
            _ => {
                self.server.command("FLUSHALL", &[]).await;
                WIPE
            }
        }
    }

    async fn apply(&mut self) -> &'static str {
        let owner = self.rng.random_range(0..self.owners.len());
        let base = self.owners[owner].known;
        let to = (base + self.rng.random_range(0..12)).min(RECORDS);
        let change = self.material.log.change(base, to);
        let stored = self.send(owner, &change).await;
        self.sent.push(change);
        match stored {
            Some(Stored::At(at)) if at == to => "apply: done",
            Some(Stored::At(_)) => "apply: refused",
            Some(Stored::Missing) => "apply: missing or too large",
            None => "apply: given up",
        }
    }

    async fn send_again(&mut self) -> &'static str {
        let owner = self.rng.random_range(0..self.owners.len());
        if let Some(change) = self.sent.choose(&mut self.rng).cloned() {
            self.send(owner, &change).await;
        }
        "send an old change again"
    }

    /// Two stagings may take each other's place for ever; then the change is given up.
    async fn send(&mut self, owner: usize, change: &Change) -> Option<Stored> {
        match self.owners[owner].store.apply(change).await {
            Ok(stored) => {
                self.owners[owner].known = match stored {
                    Stored::At(at) => at,
                    Stored::Missing => 0,
                };
                Some(stored)
            }
            Err(Error::Transient { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn start(&mut self, staged: bool) -> &'static str {
        let store = self.stores.choose(&mut self.rng).unwrap();
        let material = self.material;
        // Mostly one that has a chance: the others are refused at once.
        let (at, any) = (self.at, self.rng.random_ratio(1, 4));
        let has_a_chance = |change: &&Change| any || (change.base <= at && at < change.to);
        let all = if staged {
            &material.changes
        } else {
            &material.wholes
        };
        let some: Vec<&Change> = all.iter().filter(has_a_chance).collect();
        let Some(change) = some.choose(&mut self.rng) else {
            return "nothing to fill with";
        };
        let filling = if staged {
            store.staging(change)
        } else {
            store.filling(change)
        };
        self.keep(filling);
        if staged {
            "start a staged change"
        } else {
            "start a fill"
        }
    }

    fn keep(&mut self, filling: Filling<'a>) {
        if self.fillings.len() == FILLINGS {
            let at = self.rng.random_range(0..FILLINGS);
            self.fillings.swap_remove(at);
        }
        self.fillings.push(filling);
    }

    /// Most often of the youngest fill: else none would ever end.
    async fn take_step(&mut self) -> &'static str {
        let Some(youngest) = self.fillings.len().checked_sub(1) else {
            return "no fill to go on with";
        };
        let at = if self.rng.random_ratio(3, 4) {
            youngest
        } else {
            self.rng.random_range(0..=youngest)
        };
        let filling = &mut self.fillings[at];
        match filling.step().await.unwrap() {
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
        }
    }

    async fn judge(&mut self) -> Result<(), String> {
        let (stamp, rows) = match self.reader.dump_partition(0).await {
            Err(Error::Incomplete { .. }) => return self.judge_missing().await,
            other => other.map_err(|error| error.to_string())?,
        };
        let log = &self.material.log;
        if stamp.offset < self.at {
            return Err(format!("stored went from {} to {}", self.at, stamp.offset));
        }
        self.at = stamp.offset;
        if stamp.log_time != log.log_time(stamp.offset) {
            return Err(format!("log time {} at {}", stamp.log_time, stamp.offset));
        }
        let rows: BTreeMap<_, Row> = rows.into_iter().collect();
        let image = log.image(stamp.offset);
        for (key, row) in image {
            if rows.get(key) != Some(row.as_ref()) {
                return Err(format!(
                    "at {}, {key:?} is {:?}",
                    stamp.offset,
                    rows.get(key)
                ));
            }
        }
        if let Some(key) = rows.keys().find(|key| !image.contains_key(key)) {
            return Err(format!("at {}, {key:?} is there", stamp.offset));
        }
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

async fn save(server: &Server) -> Vec<(String, Value)> {
    let mut saved = Vec::new();
    for key in server.keys().await {
        let value: Value = server.admin().dump(&key).await.unwrap();
        saved.push((key, value));
    }
    saved
}

async fn restore(server: &Server, saved: &[(String, Value)]) {
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
