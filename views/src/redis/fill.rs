//! Building an image in calls of bounded size: a whole one to be flipped to, or a large change
//! to be merged. Readers see neither before its last call.
//!
//! Any step may be lost, doubled, delayed, or sent by an owner that was replaced: it is then
//! refused, done already, or harmless (see `footfall.lua`).

use fred::types::Value;

use super::call::{Function, Reply, transient};
use super::plan::{Deletion, Plan};
use super::{MOVES, Store, new_token};
use crate::{Change, Error, Stored};

/// What becomes of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// It replaces the one that is read.
    Flip,
    /// Its rows are put into the one that is read.
    Merge,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Go on with the next step.
    More,
    /// It is over; this is what the store holds.
    Done(Stored),
    /// Another fill took its place, or the store lost part of it: start again.
    Again,
}

/// A fill on its way, a step a call: begin, the chunks, the end. A clone is as good as the
/// original: what one of them did is done for both.
#[derive(Clone)]
pub struct Filling<'a> {
    store: &'a Store,
    change: &'a Change,
    plan: Plan<'a>,
    aim: Aim,
    token: String,
    step: usize,
}

impl Store {
    /// Starts to replace the partition's rows by the change's.
    pub fn filling<'a>(&'a self, change: &'a Change) -> Filling<'a> {
        self.start(change, Plan::new(&change.rows, &self.limits), Aim::Flip)
    }

    /// Starts to apply a change that is too large for one call.
    pub fn staging<'a>(&'a self, change: &'a Change) -> Filling<'a> {
        self.start(change, Plan::new(&change.rows, &self.limits), Aim::Merge)
    }

    pub(super) fn merging<'a>(&'a self, change: &'a Change, plan: Plan<'a>) -> Filling<'a> {
        self.start(change, plan, Aim::Merge)
    }

    fn start<'a>(&'a self, change: &'a Change, plan: Plan<'a>, aim: Aim) -> Filling<'a> {
        Filling {
            store: self,
            change,
            plan,
            aim,
            token: new_token(),
            step: 0,
        }
    }
}

impl Filling<'_> {
    /// Steps from begin to end.
    pub fn steps(&self) -> usize {
        self.plan.calls() + 2
    }

    /// Starts again under another token.
    pub fn restart(&mut self) {
        self.token = new_token();
        self.step = 0;
    }

    /// Takes the next step. After an error the same step is taken again.
    ///
    /// # Errors
    /// When it is unknown whether the step was carried out.
    pub async fn step(&mut self) -> Result<Progress, Error> {
        let progress = if self.step == 0 {
            self.begin().await?
        } else if self.step <= self.plan.calls() {
            self.chunk().await?
        } else if self.aim == Aim::Flip {
            self.flip().await?
        } else {
            self.merge().await?
        };
        if progress == Progress::More {
            self.step += 1;
        }
        Ok(progress)
    }

    async fn begin(&self) -> Result<Progress, Error> {
        let keys = self.store.keys(self.change.partition)?;
        let base = match self.aim {
            Aim::Flip => 0,
            Aim::Merge => self.change.base,
        };
        let list = vec![keys.meta().into(), keys.dead().into()];
        let args = vec![
            self.store.definition(),
            self.token.clone().into(),
            number(base)?,
            number(self.change.to)?,
        ];
        progress(self.store.call(Function::Begin, list, args).await?)
    }

    async fn chunk(&self) -> Result<Progress, Error> {
        let keys = self.store.keys(self.change.partition)?;
        let deletion = match self.aim {
            Aim::Flip => Deletion::LeaveOut,
            Aim::Merge => Deletion::Mark,
        };
        let mut list = vec![keys.meta().into(), keys.index(&self.token).into()];
        let mut args = vec![
            self.store.definition(),
            self.token.clone().into(),
            Value::Integer(self.step as i64),
        ];
        let sections = self.plan.sections(self.step - 1, deletion);
        sections.append(&mut list, &mut args, |name| keys.group(&self.token, name));
        progress(self.store.call(Function::Chunk, list, args).await?)
    }

    async fn flip(&self) -> Result<Progress, Error> {
        let keys = self.store.keys(self.change.partition)?;
        let list = vec![keys.meta().into(), keys.dead().into()];
        let args = vec![
            self.store.definition(),
            self.token.clone().into(),
            Value::Integer(self.plan.calls() as i64),
            number(self.change.to)?,
            Value::Integer(self.change.log_time),
        ];
        progress(self.store.call(Function::Flip, list, args).await?)
    }

    async fn merge(&self) -> Result<Progress, Error> {
        let partition = self.change.partition;
        let keys = self.store.keys(partition)?;
        let groups = self.plan.groups();
        for _ in 0..MOVES {
            let image = self.store.token_or_new(partition);
            let mut list = vec![
                keys.meta().into(),
                keys.index(&image).into(),
                keys.index(&self.token).into(),
            ];
            for name in &groups {
                list.push(keys.group(&image, name).into());
                list.push(keys.group(&self.token, name).into());
            }
            let args = vec![
                self.store.definition(),
                number(self.change.base)?,
                number(self.change.to)?,
                Value::Integer(self.change.log_time),
                image.into(),
                self.token.clone().into(),
                Value::Integer(self.plan.calls() as i64),
            ];
            match self.store.call(Function::Merge, list, args).await? {
                Reply::Moved(tokens) => self.store.remember(partition, tokens),
                reply => return progress(reply),
            }
        }
        Err(transient(
            "the image moved again and again while a change was merged",
        ))
    }
}

fn progress(reply: Reply) -> Result<Progress, Error> {
    Ok(match reply {
        Reply::Done => Progress::More,
        Reply::At(offset) => Progress::Done(Stored::At(offset)),
        Reply::Missing(_) => Progress::Done(Stored::Missing),
        Reply::Again => Progress::Again,
        Reply::Moved(_) | Reply::Rows(_) => {
            return Err(Error::Fatal("Redis answered a fill with a read".to_owned()));
        }
    })
}

/// An offset as an argument.
pub(super) fn number(offset: u64) -> Result<Value, Error> {
    i64::try_from(offset)
        .map(Value::Integer)
        .map_err(|_| Error::Fatal(format!("offset {offset} is beyond what a log can have")))
}
