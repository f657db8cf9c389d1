//! What was made, and what must become of it.

use std::collections::BTreeMap;

use pipeline::rejection::Reason;
use serde::Serialize;

/// Counts of what was made. `records = applied + duplicates + the bad`, late ones being applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Journal {
    /// Records made.
    pub records: u64,
    /// Records that must be applied: every id once. Late ones are among them, for by default none is too late.
    pub applied: u64,
    /// Of the applied: events that occurred days before the others.
    pub late: u64,
    /// Of the applied: events of crawlers.
    pub bots: u64,
    /// Records that repeat one before them and must be applied no second time.
    pub duplicates: u64,
    /// Records that must be refused, by reason.
    pub bad: BTreeMap<&'static str, u64>,
    /// Applied events by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Amounts of applied purchases by currency, minor units.
    pub amounts: BTreeMap<&'static str, i64>,
    /// Different people among the applied events, without crawlers.
    pub people: u64,
}

impl Journal {
    /// Notes a record that must be refused.
    pub(super) fn bad(&mut self, reason: Reason) {
        self.records += 1;
        *self.bad.entry(reason.as_str()).or_default() += 1;
    }

    /// How many must be refused.
    pub fn rejected(&self) -> u64 {
        self.bad.values().sum()
    }
}
