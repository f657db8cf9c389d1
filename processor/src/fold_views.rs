//! Views read from the fold itself, in the process that folds: the embedded mode's store.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use crossbeam_channel::Sender;
use pipeline::calendar::Calendar;
use pipeline::definition::{self, Definition};
use pipeline::row::{NamedCells, Row, RowKey, add_row};
use pipeline::state::State;
use tokio::sync::oneshot;
use views::collect::Selection;
use views::{Answer, AsOf, AsOfKind, Error, Question, Stamp, Views};

use crate::worker::Control;

const NAME: &str = "fold";

/// The workers of this process, to look at their states.
#[derive(Clone)]
pub struct FoldViews {
    partitions: u32,
    calendar: Calendar,
    workers: Arc<RwLock<BTreeMap<u32, Sender<Control>>>>,
}

type Rows = Vec<(RowKey, Row)>;

impl FoldViews {
    /// Views of a definition, without any worker yet.
    ///
    /// # Errors
    /// When the definition's time zone is unknown.
    pub fn new(definition: &Definition) -> Result<Self, definition::Error> {
        Ok(Self {
            partitions: definition.partitions,
            calendar: Calendar::new(definition)?,
            workers: Arc::default(),
        })
    }

    pub(crate) fn add(&self, partition: u32, worker: Sender<Control>) {
        self.workers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(partition, worker);
    }

    pub(crate) fn remove(&self, partition: u32) {
        self.workers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&partition);
    }

    fn worker(&self, partition: u32) -> Result<Sender<Control>, Error> {
        let workers = self.workers.read().unwrap_or_else(PoisonError::into_inner);
        workers.get(&partition).cloned().ok_or(Error::Incomplete {
            store: NAME,
            partition,
        })
    }

    /// The rows that `read` takes from every partition, each partition's as of one offset.
    async fn rows(
        &self,
        read: impl Fn(&State) -> Rows + Clone + Send + 'static,
    ) -> Result<(AsOf, Rows), Error> {
        let mut answers = Vec::new();
        for partition in 0..self.partitions {
            let worker = self.worker(partition)?;
            let (send, answer) = oneshot::channel();
            let read = read.clone();
            let look = move |state: &State| {
                // Who asked may have gone.
                let _ = send.send((stamp(state), read(state)));
            };
            let missing = |_| Error::Incomplete {
                store: NAME,
                partition,
            };
            worker
                .send(Control::Inspect(Box::new(look)))
                .map_err(missing)?;
            answers.push((partition, answer));
        }
        let mut rows = Vec::new();
        let mut partitions = Vec::new();
        for (partition, answer) in answers {
            let (stamp, found) = answer.await.map_err(|_| Error::Incomplete {
                store: NAME,
                partition,
            })?;
            partitions.push(stamp);
            rows.extend(found);
        }
        let as_of = AsOf {
            kind: AsOfKind::Exact,
            partitions,
        };
        Ok((as_of, rows))
    }
}

fn stamp(state: &State) -> Stamp {
    Stamp {
        partition: state.partition(),
        offset: state.next_offset(),
        log_time: state.log_time(),
    }
}

#[async_trait]
impl Views for FoldViews {
    async fn ask(&self, question: &Question) -> Result<Answer, Error> {
        let (asked, calendar) = (question.clone(), self.calendar.clone());
        let read = move |state: &State| {
            let selection = Selection::new(&asked, &calendar);
            state.read(|key| selection.wants(key))
        };
        let (as_of, rows) = self.rows(read).await?;
        Ok(Selection::new(question, &self.calendar).collect(as_of, rows))
    }

    async fn dump(&self) -> Result<(AsOf, NamedCells), Error> {
        let (as_of, rows) = self.rows(|state| state.read(|_| true)).await?;
        let mut cells = NamedCells::new();
        for (key, row) in &rows {
            add_row(&mut cells, key, row);
        }
        Ok((as_of, cells))
    }
}
