//! Gateways, and people who ask them for seats.
//!
//! The gateways are the product's: routes, appends, following, folds and snapshots. They share the topic of entries with the
//! emitters. What comes when, and what is lost, is this module's ([`steps`], [`asking`]); what people are told is held against the
//! log ([`witness`], [`recount`]).

mod asking;
mod calm;
pub mod gateway;
pub mod network;
pub mod people;
mod recount;
mod steps;
#[cfg(test)]
mod tests;
mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use tokio::task::AbortHandle;

use self::gateway::{Gateway, Mailbox};
use self::network::Network;
use self::people::Question;
pub use self::witness::PLAIN;
use self::witness::Witness;
use crate::dice::Dice;
use crate::topic::Topic;

/// Gateways at most; the first and the last keep their folds in one folder.
pub const GATEWAYS: usize = 3;

/// All of them, and whoever asks them.
pub struct Gateways {
    /// Of their own: what they do changes no choice of another.
    dice: Dice,
    all: Vec<Option<Gateway>>,
    /// By how much each one's clock is off, milliseconds.
    skews: Vec<Arc<AtomicI64>>,
    network: Network,
    witness: Witness,
    mailbox: Mailbox,
    /// What is being answered, by number.
    asked: BTreeMap<u64, Asked>,
    numbers: u64,
    starts: u64,
    /// What was asked for a seat, for those who try again.
    past: Vec<Question>,
    /// Of it, what has no answer yet that stays.
    unanswered: Vec<Question>,
    /// Who asked for a seat of [`PLAIN`].
    plain: BTreeSet<String>,
    /// Files of folds as they once were, by folder and partition.
    old_files: BTreeMap<(usize, u32), Vec<u8>>,
}

/// Somebody waits for an answer.
struct Asked {
    question: Question,
    gateway: usize,
    /// The first offset that the answer may not know of.
    least: u64,
    task: AbortHandle,
}

impl Gateways {
    /// None is there yet.
    pub fn new(seed: u64, entries: Topic) -> Self {
        Self {
            dice: Dice::new(seed),
            all: (0..GATEWAYS).map(|_| None).collect(),
            skews: (0..GATEWAYS).map(|_| Arc::default()).collect(),
            network: Network::new(entries.clone()),
            witness: Witness::new(entries),
            mailbox: Mailbox::default(),
            asked: BTreeMap::new(),
            numbers: 0,
            starts: 0,
            past: Vec::new(),
            unanswered: Vec::new(),
            plain: BTreeSet::new(),
            old_files: BTreeMap::new(),
        }
    }
}
