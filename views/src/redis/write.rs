//! Redis as a sink: how far it is, a change, a whole image.

use std::time::Duration;

use async_trait::async_trait;
use fred::types::Value;

use super::call::{Function, Reply};
use super::failure::transient;
use super::fill::{Filling, Progress, number};
use super::layout::Keys;
use super::plan::Plan;
use super::{MOVES, NAME, Store};
use crate::{Change, Error, Sink, Stored};

/// Fills begun for one request. More than one owner filling at a time is rare, and each success
/// of one ends the other's.
const FILL_ATTEMPTS: u32 = 3;
/// Times a step is sent. A fill of a thousand steps shouldn't end with one lost reply.
const STEP_ATTEMPTS: u32 = 3;
/// Between them.
const STEP_PAUSE: Duration = Duration::from_millis(200);

#[async_trait]
impl Sink for Store {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn stored(&self, partition: u32) -> Result<Stored, Error> {
        let meta = self.keys(partition)?.meta();
        let fields = [Keys::TOKEN, Keys::STORED].map(Value::from_static_str);
        let held: Vec<Option<String>> = self.ask_of("HMGET", &meta, &fields).await?;
        // A process that starts to write asks this first: time to remove what a dead one left.
        self.sweep_later(partition);
        let [Some(token), Some(stored)] = held.as_slice() else {
            return Ok(Stored::Missing);
        };
        self.remember(partition, vec![token.clone()]);
        stored.parse().map(Stored::At).map_err(|_| {
            Error::Fatal(format!(
                "Redis holds partition {partition} at offset {stored:?}, which is no number; delete the partition's keys and it is filled again"
            ))
        })
    }

    async fn apply(&self, change: &Change) -> Result<Stored, Error> {
        let plan = Plan::new(&change.rows, &self.limits);
        if plan.fits(&self.limits) {
            return self.apply_at_once(change, &plan).await;
        }
        // Too much to be written at one instant: as if the partition were missing, to be filled.
        match self.stored(change.partition).await? {
            Stored::At(at) if at < change.base || at >= change.to => Ok(Stored::At(at)),
            _ => Ok(Stored::Missing),
        }
    }

    async fn fill(&self, change: &Change) -> Result<Stored, Error> {
        let stored = self.run(self.filling(change)).await?;
        self.sweep_later(change.partition);
        Ok(stored)
    }
}

impl Store {
    async fn apply_at_once(&self, change: &Change, plan: &Plan<'_>) -> Result<Stored, Error> {
        let keys = self.keys(change.partition)?;
        for _ in 0..MOVES {
            let token = self.token_or_new(change.partition);
            let mut list = vec![keys.meta().into(), keys.index(&token).into()];
            let mut args = vec![
                self.definition(),
                number(change.base)?,
                number(change.to)?,
                Value::Integer(change.log_time),
                token.clone().into(),
            ];
            plan.all()
                .append(&mut list, &mut args, |name| keys.group(&token, name));
            match self.call(Function::Apply, list, args).await? {
                Reply::At(offset) => return Ok(Stored::At(offset)),
                Reply::Missing(_) => return Ok(Stored::Missing),
                Reply::Moved(tokens) => self.remember(change.partition, tokens),
                _ => {
                    return Err(Error::Fatal(
                        "Redis answered a change with a read".to_owned(),
                    ));
                }
            }
        }
        Err(transient(
            "the image moved again and again while a change was applied",
        ))
    }

    /// Takes every step, and starts again when another fill got in between.
    async fn run(&self, mut filling: Filling<'_>) -> Result<Stored, Error> {
        for _ in 0..FILL_ATTEMPTS {
            loop {
                match step(&mut filling).await? {
                    Progress::More => {}
                    Progress::Done(stored) => return Ok(stored),
                    Progress::Again => break,
                }
            }
            filling.restart();
        }
        Err(transient("another process is filling the same partition"))
    }
}

async fn step(filling: &mut Filling<'_>) -> Result<Progress, Error> {
    for _ in 1..STEP_ATTEMPTS {
        match filling.step().await {
            Err(Error::Transient { .. }) => tokio::time::sleep(STEP_PAUSE).await,
            other => return other,
        }
    }
    filling.step().await
}
