//! Building an image in calls of bounded size: begin, the chunks, and the flip by which readers
//! go from the old image to the new one.
//!
//! Any step may be lost, doubled, delayed, or sent by an owner that was replaced: it is then
//! refused, done already, or harmless (see `footfall.lua`).

use fred::types::Value;

use super::Store;
use super::call::{Function, Reply};
use super::plan::Plan;
use crate::{Change, Error, Stored};

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
    token: String,
    step: usize,
}

impl Store {
    /// Starts to replace the partition's rows by the change's.
    pub fn filling<'a>(&'a self, change: &'a Change) -> Filling<'a> {
        Filling {
            store: self,
            change,
            plan: Plan::new(&change.rows, &self.limits),
            token: self.new_token(),
            step: 0,
        }
    }
}

impl Filling<'_> {
    /// Steps from begin to end.
    pub fn steps(&self) -> usize {
        self.plan.chunks() + 2
    }

    /// Starts again under another token.
    pub fn restart(&mut self) {
        self.token = self.store.new_token();
        self.step = 0;
    }

    /// Takes the next step. After an error the same step is taken again.
    ///
    /// # Errors
    /// When it is unknown whether the step was carried out.
    pub async fn step(&mut self) -> Result<Progress, Error> {
        let progress = if self.step == 0 {
            self.begin().await?
        } else if self.step <= self.plan.chunks() {
            self.chunk().await?
        } else {
            self.flip().await?
        };
        if progress == Progress::More {
            self.step += 1;
        }
        Ok(progress)
    }

    async fn begin(&self) -> Result<Progress, Error> {
        let keys = self.store.keys(self.change.partition)?;
        let list = vec![keys.meta().into(), keys.dead().into()];
        let args = vec![
            self.store.definition(),
            self.token.clone().into(),
            number(self.change.to)?,
        ];
        progress(self.store.call(Function::Begin, list, args).await?)
    }

    async fn chunk(&self) -> Result<Progress, Error> {
        let keys = self.store.keys(self.change.partition)?;
        let mut list = vec![keys.meta().into(), keys.index(&self.token).into()];
        let mut args = vec![
            self.store.definition(),
            self.token.clone().into(),
            Value::Integer(self.step as i64),
        ];
        let sections = self.plan.chunk(self.step - 1);
        sections.append(&mut list, &mut args, |name| keys.group(&self.token, name));
        progress(self.store.call(Function::Chunk, list, args).await?)
    }

    async fn flip(&self) -> Result<Progress, Error> {
        let keys = self.store.keys(self.change.partition)?;
        let list = vec![keys.meta().into(), keys.dead().into()];
        let args = vec![
            self.store.definition(),
            self.token.clone().into(),
            Value::Integer(self.plan.chunks() as i64),
            number(self.change.to)?,
            Value::Integer(self.change.log_time),
        ];
        progress(self.store.call(Function::Flip, list, args).await?)
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
