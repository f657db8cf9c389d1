//! How far one store holds one partition, and what to send it next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use mutants::Mutant;
use pipeline::aggregate::Reader;
use pipeline::state::State;
use views::{Change, Stored};

use crate::metrics;
use crate::projector::{Call, Projector};
use crate::worker::Control;

/// Longest time between two projections while catching up.
const SLOWEST: Duration = Duration::from_secs(2);
/// A store that has fallen back while no records come is asked, and found out, after this long.
const QUIET: Duration = Duration::from_secs(5);
/// A projection takes about a fifth of the time: it waits this many times as long as the last took.
const SHARE: u32 = 4;

/// Time a stopping worker waits for the hot views: people look at them meanwhile.
const LAST_HOT: Duration = Duration::from_secs(5);
/// Time it waits for the history, a call to which may take seconds.
const LAST_HISTORY: Duration = Duration::from_secs(1);

/// Where a projection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// The store was not asked yet.
    Unknown,
    /// A call is under way.
    Flying {
        /// The rows marked since are all that changed, if the store answers with this offset.
        synced_at: Option<u64>,
        /// Whether it brings rows; else it is a question.
        brings_rows: bool,
    },
    /// The store holds nothing of the partition.
    Missing,
    /// The store holds fold(log[0..offset)).
    At {
        offset: u64,
        /// Whether the rows marked for it are all that changed since.
        synced: bool,
    },
    /// The store can't hold views; a person must look.
    Refused,
}

/// One store's share of one partition.
pub struct Projection {
    projector: Projector,
    reader: Reader,
    fastest: Duration,
    position: Position,
    due: Instant,
    sent: Instant,
    behind: bool,
    /// Log time of what is under way.
    log_time: i64,
    alive: Arc<()>,
}

impl Projection {
    /// A projection to a store that was not asked yet; at most one call each `fastest`.
    pub fn new(projector: Projector, reader: Reader, fastest: Duration, now: Instant) -> Self {
        Self {
            projector,
            reader,
            fastest,
            position: Position::Unknown,
            due: now,
            sent: now,
            behind: false,
            log_time: 0,
            alive: Arc::new(()),
        }
    }

    /// The store's name.
    pub fn name(&self) -> &'static str {
        self.projector.name()
    }

    /// Rows the store has yet to be sent.
    pub fn waiting(&self, state: &State) -> usize {
        state.rows_waiting(self.reader)
    }

    /// How far the store is known to hold the partition.
    pub fn stored_offset(&self) -> Option<u64> {
        match self.position {
            Position::At { offset, .. } => Some(offset),
            _ => None,
        }
    }

    /// Whether the store holds everything up to `offset`, or never will.
    pub fn is_at(&self, offset: u64) -> bool {
        self.position == Position::Refused || self.stored_offset().is_some_and(|at| at >= offset)
    }

    /// How long a stopping worker waits for the store to hold everything.
    pub const fn last_wait(&self) -> Duration {
        match self.reader {
            Reader::History => LAST_HISTORY,
            _ => LAST_HOT,
        }
    }

    /// Makes the next call due now.
    pub fn hurry(&mut self, now: Instant) {
        self.due = now;
    }

    /// Sends what is due. `behind` says that more records wait: projecting then gives way, and makes up for it
    /// at once when they have come.
    pub fn step(
        &mut self,
        number: usize,
        state: &mut State,
        behind: bool,
        me: &Sender<Control>,
        now: Instant,
    ) {
        let least = if behind { SLOWEST } else { Duration::ZERO };
        if std::mem::replace(&mut self.behind, behind) && !behind && self.fastest < SLOWEST {
            self.hurry(now);
        }
        if now < self.due || now.duration_since(self.sent) < least {
            return;
        }
        let Some(call) = self.next_call(state, now) else {
            return;
        };
        let to = match &call {
            Call::Stored => None,
            Call::Apply(change) | Call::Fill(change) => Some(change.to),
        };
        let synced_at = match self.position {
            // Rows stay marked by a question.
            Position::At {
                offset,
                synced: true,
            } if to.is_none() => Some(offset),
            _ => to,
        };
        self.log_time = state.log_time();
        self.position = Position::Flying {
            synced_at,
            brings_rows: to.is_some(),
        };
        self.sent = now;
        self.projector
            .send(number, state.partition(), call, me.clone(), &self.alive);
    }

    fn next_call(&self, state: &mut State, now: Instant) -> Option<Call> {
        let later = u64::from(mutants::is(Mutant::ValuesLater));
        let to = state.next_offset().saturating_sub(later);
        let change = |base, rows, state: &State| Change {
            partition: state.partition(),
            base,
            to,
            log_time: state.log_time(),
            rows,
        };
        match self.position {
            Position::Unknown => Some(Call::Stored),
            Position::Flying { .. } | Position::Refused => None,
            Position::At { offset, .. } if offset >= to => {
                let quiet = now.duration_since(self.sent);
                (quiet >= QUIET.max(self.fastest)).then_some(Call::Stored)
            }
            Position::At {
                offset,
                synced: true,
            } => {
                let rows = state.take_rows(self.reader);
                Some(Call::Apply(change(offset, rows, state)))
            }
            Position::At { offset, .. } => match state.take_rows_since(self.reader, offset) {
                Some(rows) => Some(Call::Apply(change(offset, rows, state))),
                None => Some(self.fill(state, change)),
            },
            Position::Missing => Some(self.fill(state, change)),
        }
    }

    fn fill(
        &self,
        state: &mut State,
        change: impl Fn(u64, Vec<pipeline::row::FrozenRow>, &State) -> Change,
    ) -> Call {
        let rows = state.take_all_rows(self.reader);
        Call::Fill(change(0, rows, state))
    }

    /// Takes the store's answer.
    ///
    /// # Errors
    /// The sentence with which the store refused for good.
    pub fn answered(
        &mut self,
        result: Result<Stored, String>,
        log_time: i64,
        now: Instant,
    ) -> Result<(), String> {
        let Position::Flying {
            synced_at,
            brings_rows,
        } = self.position
        else {
            return Ok(());
        };
        let took = now.duration_since(self.sent);
        self.position = match result {
            Ok(Stored::Missing) => Position::Missing,
            Ok(Stored::At(offset)) => Position::At {
                offset,
                synced: synced_at == Some(offset),
            },
            Err(sentence) => {
                self.position = Position::Refused;
                return Err(sentence);
            }
        };
        if let (Some(to), Position::At { offset, .. }) = (synced_at, self.position)
            && brings_rows
            && offset >= to
        {
            metrics::took(metrics::PROJECTION, self.name(), took);
            metrics::fresh(self.name(), self.log_time.min(log_time));
            let slowest = SLOWEST.max(self.fastest);
            self.due = now + (took * SHARE).clamp(self.fastest, slowest);
        }
        Ok(())
    }
}
