//! I3: a store's rows equal fold(log[0..stored)) after every write, whatever happens to store and worker.
//!
//! The model does what a worker does with a store that may fall back to an earlier state, be wiped,
//! lose answers, and be sent old calls again; each image is compared with a fold from the start.

use std::cell::RefCell;
use std::collections::BTreeMap;

use pipeline::aggregate::Reader;
use pipeline::row::{Facet, FrozenRow, RowKey};
use pipeline::state::State;
use proptest::prelude::*;

use crate::histories::{Flavour, Sent, Setup, any_setup, step, write};
use crate::judge;
use crate::kept::Kept;

/// What happens before a record is folded.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// The worker makes its next call.
    Call,
    /// The call arrives, its answer is lost, and it is sent again.
    CallTwice,
    /// An earlier call, by its number from the last, arrives again.
    Repeat(usize),
    /// The store is back at an earlier image, by its number from the last.
    Failover(usize),
    Wipe,
    Checkpoint,
    /// The worker goes on from its last checkpoint.
    Crash,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => Just(Act::Call),
        2 => Just(Act::CallTwice),
        2 => (0..4usize).prop_map(Act::Repeat),
        2 => (0..6usize).prop_map(Act::Failover),
        1 => Just(Act::Wipe),
        2 => Just(Act::Checkpoint),
        1 => Just(Act::Crash),
    ]
}

type Image = BTreeMap<RowKey, FrozenRow>;

/// A call of the worker.
#[derive(Debug, Clone)]
struct Call {
    base: u64,
    to: u64,
    rows: Vec<FrozenRow>,
    fill: bool,
}

/// Which calls a store accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Guard {
    #[default]
    Range,
    /// A mutant: a call that begins beyond what is stored is accepted.
    WithoutBase,
    /// A mutant: an old call is accepted.
    WithoutTo,
}

/// A store with the guard `base <= stored < to`.
#[derive(Debug, Default)]
struct Store {
    guard: Guard,
    stored: Option<u64>,
    image: Image,
    past: Vec<(Option<u64>, Image)>,
}

impl Store {
    /// Takes a call. Whether it was accepted.
    fn take(&mut self, call: &Call) -> bool {
        let stored = self.stored;
        let forward = self.guard == Guard::WithoutTo || stored.is_none_or(|s| s < call.to);
        let follows = self.guard == Guard::WithoutBase || call.base <= stored.unwrap_or(0);
        let accepted = forward && (call.fill || (follows && call.to > 0));
        if !accepted {
            return false;
        }
        self.past.push((stored, self.image.clone()));
        if call.fill {
            self.image.clear();
        }
        for row in &call.rows {
            match row.row {
                Some(_) => self.image.insert(row.key.clone(), row.clone()),
                None => self.image.remove(&row.key),
            };
        }
        self.stored = Some(call.to);
        true
    }
}

/// Where the worker believes the store to be.
#[derive(Debug, Clone, Copy)]
enum Position {
    Unknown,
    Missing,
    At { offset: u64, synced: bool },
}

/// What the cases put to the proof.
#[derive(Debug, Default)]
struct Judged {
    images: u64,
    refused: u64,
    since: u64,
    fills: u64,
    deletions: u64,
}

struct World<'a> {
    setup: &'a Setup,
    log: &'a [Sent],
    reader: Reader,
    state: State,
    kept: Kept,
    store: Store,
    position: Position,
    sent: Vec<Call>,
    judged: &'a RefCell<Judged>,
}

impl World<'_> {
    fn act(&mut self, act: Act) -> Result<(), TestCaseError> {
        match act {
            Act::Call => self.call(false),
            Act::CallTwice => self.call(true),
            Act::Repeat(back) => match self.sent.iter().rev().nth(back).cloned() {
                Some(call) => self.deliver(&call).map(|_| ()),
                None => Ok(()),
            },
            Act::Failover(back) => {
                let keep = self.store.past.len().saturating_sub(back + 1);
                if let Some((stored, image)) = self.store.past.drain(keep..).next() {
                    (self.store.stored, self.store.image) = (stored, image);
                }
                Ok(())
            }
            Act::Wipe => {
                self.store = Store {
                    guard: self.store.guard,
                    ..Store::default()
                };
                Ok(())
            }
            Act::Checkpoint => {
                self.kept.write(self.state.take_change_set());
                Ok(())
            }
            Act::Crash => {
                let readers = [Reader::Checkpoint, self.reader];
                let end = self.state.next_offset();
                self.state = self.kept.load(self.setup.definition(), &readers);
                self.position = Position::Unknown;
                // It folds some of the records again before its next call, or all of them.
                let again = self.log.iter().filter(|sent| sent.offset < end);
                for sent in again.take_while(|sent| sent.offset % 5 != 4) {
                    if sent.offset >= self.state.next_offset() {
                        self.state.apply(sent.record());
                    }
                }
                Ok(())
            }
        }
    }

    /// Folds everything up to this record.
    fn fold_up_to(&mut self, number: usize) {
        for sent in &self.log[..=number] {
            if sent.offset >= self.state.next_offset() {
                self.state.apply(sent.record());
            }
        }
    }

    fn next_call(&mut self) -> Option<Call> {
        let (to, reader) = (self.state.next_offset(), self.reader);
        let mut judged = self.judged.borrow_mut();
        let (base, rows) = match self.position {
            Position::Unknown => return None,
            Position::At { offset, .. } if offset >= to => return None,
            Position::At {
                offset,
                synced: true,
            } => (offset, Some(self.state.take_rows(reader))),
            Position::At { offset, .. } => {
                judged.since += 1;
                (offset, self.state.take_rows_since(reader, offset))
            }
            Position::Missing => (0, None),
        };
        let fill = rows.is_none();
        judged.fills += u64::from(fill);
        let rows = rows.unwrap_or_else(|| self.state.take_all_rows(reader));
        judged.deletions += rows.iter().filter(|row| row.row.is_none()).count() as u64;
        let base = if fill { 0 } else { base };
        Some(Call {
            base,
            to,
            rows,
            fill,
        })
    }

    fn call(&mut self, twice: bool) -> Result<(), TestCaseError> {
        let Some(call) = self.next_call() else {
            if matches!(self.position, Position::Unknown) {
                self.learn(None);
            }
            return Ok(());
        };
        self.deliver(&call)?;
        if twice {
            prop_assert!(!self.deliver(&call)?, "the same call was accepted twice");
        }
        self.learn(Some(call.to));
        self.sent.push(call);
        Ok(())
    }

    /// Takes the store's answer, to a call that would bring it to `to` or to a mere question.
    fn learn(&mut self, to: Option<u64>) {
        self.position = match self.store.stored {
            None => Position::Missing,
            Some(offset) => Position::At {
                offset,
                synced: to == Some(offset),
            },
        };
    }

    fn deliver(&mut self, call: &Call) -> Result<bool, TestCaseError> {
        let accepted = self.store.take(call);
        let mut judged = self.judged.borrow_mut();
        if accepted {
            judged.images += 1;
            drop(judged);
            self.check()?;
        } else {
            judged.refused += 1;
        }
        Ok(accepted)
    }

    /// Compares the image with a fold from the start.
    fn check(&self) -> Result<(), TestCaseError> {
        let stored = self.store.stored.unwrap_or(0);
        let prefix: Vec<_> = self
            .log
            .iter()
            .filter(|s| s.offset < stored)
            .cloned()
            .collect();
        let mut fresh = self.setup.fold(&prefix, self.reader);
        // The history doesn't hold minutes: nothing tells it of those that leave.
        let holds = |row: &FrozenRow| self.reader == Reader::Hot || row.key.facet != Facet::Minutes;
        let expected: Image = fresh
            .take_all_rows(self.reader)
            .into_iter()
            .filter(holds)
            .map(|row| (row.key.clone(), row))
            .collect();
        let found = self.store.image.iter().filter(|(_, row)| holds(row));
        let found: Image = found.map(|(key, row)| (key.clone(), row.clone())).collect();
        prop_assert_eq!(found, expected, "the image at {}", stored);
        Ok(())
    }
}

fn a_store_holds_the_fold_of_its_prefix(reader: Reader, guard: Guard) -> Result<Judged, String> {
    let flavour = Flavour {
        clock: true,
        copies: true,
        ..Flavour::default()
    };
    // The log's clock passes through the events, so that rows leave.
    let setups = (any_setup(), -10..100i64).prop_map(|(setup, ahead_hours)| Setup {
        ahead_hours,
        ..setup
    });
    let acts = proptest::collection::vec(act(), 0..4);
    let histories = (
        setups,
        proptest::collection::vec((step(flavour), acts), 0..40),
    );
    let judged = RefCell::new(Judged::default());
    judge(300, histories, |(setup, steps)| {
        let (steps, acts): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
        let log = write(&setup, &steps);
        let readers = [Reader::Checkpoint, reader];
        let mut world = World {
            setup: &setup,
            log: &log,
            reader,
            state: Kept::default().load(setup.definition(), &readers),
            kept: Kept::default(),
            store: Store {
                guard,
                ..Store::default()
            },
            position: Position::Unknown,
            sent: Vec::new(),
            judged: &judged,
        };
        for (number, acts) in acts.into_iter().enumerate() {
            acts.into_iter().try_for_each(|act| world.act(act))?;
            world.fold_up_to(number);
        }
        // When quiet, a few calls learn where the store is, and bring it up.
        for _ in 0..3 {
            world.act(Act::Call)?;
        }
        let end = world.state.next_offset();
        prop_assert_eq!(world.store.stored.unwrap_or(0), end);
        Ok(())
    })?;
    Ok(judged.into_inner())
}

#[test]
fn the_hot_views_hold_the_fold_of_their_prefix() {
    let judged = a_store_holds_the_fold_of_its_prefix(Reader::Hot, Guard::Range);
    let judged = judged.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{judged:?}");
    assert!(judged.images > 0 && judged.refused > 0, "{judged:?}");
    assert!(judged.since > 0 && judged.fills > 0, "{judged:?}");
    assert!(judged.deletions > 0, "{judged:?}");
}

#[test]
fn the_history_holds_the_fold_of_its_prefix() {
    let judged = a_store_holds_the_fold_of_its_prefix(Reader::History, Guard::Range);
    let judged = judged.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{judged:?}");
    assert!(judged.images > 0 && judged.refused > 0, "{judged:?}");
    assert!(judged.since > 0 && judged.fills > 0, "{judged:?}");
}

#[test]
fn a_guard_that_is_not_a_range_is_caught() {
    for guard in [Guard::WithoutBase, Guard::WithoutTo] {
        for reader in [Reader::Hot, Reader::History] {
            let caught = a_store_holds_the_fold_of_its_prefix(reader, guard);
            assert!(caught.is_err(), "{guard:?} passed for {reader:?}");
        }
    }
}
