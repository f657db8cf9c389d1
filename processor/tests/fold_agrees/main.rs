//! The fold against the oracle over random histories (I1, I4, I6): every judgement, every letter, every cell.
//!
//! A failure prints its seed, a history shrunk as far as it still fails, and what differs. Run that seed again with
//! FOOTFALL_TEST_SEED=…; more of them with FOOTFALL_TEST_CASES=….
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod faults;
mod history;
mod random;
mod writer;

use std::fmt::Write;
use std::sync::Arc;

use history::{History, Sent};
use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use pipeline::row::{Facet, FrozenRow, NamedCells, add_row};
use pipeline::state::{Outcome, State};
use processor::verify::{Judgement, Oracle, compare};

/// Histories judged unless FOOTFALL_TEST_CASES says otherwise: a few seconds' worth.
const CASES: u64 = 400;
/// Differing cells shown of one history.
const SHOWN: usize = 20;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}")),
    )
}

#[test]
fn the_fold_agrees_with_the_oracle_on_random_histories() {
    let seeds = match number("FOOTFALL_TEST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FOOTFALL_TEST_CASES").unwrap_or(CASES),
    };
    let mut judged = Judged::default();
    let cases = seeds.end - seeds.start;
    for seed in seeds {
        let history = History::random(seed);
        if let Err(difference) = judge(&history, &mut judged) {
            let (history, difference) = shrunk(history, difference);
            panic!("seed {seed}, after {judged:?}\n{history}\n{difference}");
        }
    }
    eprintln!("{cases} histories agree: {judged:?}");
    if cases > 100 {
        judged.saw_everything();
    }
}

/// Lord Howe's clocks go back by half an hour at 15:00Z: its hours begin at full hours UTC before, at half past after.
#[test]
fn a_first_day_on_which_clocks_change_by_half_an_hour_moves_whole() {
    let history = History {
        definition: Definition {
            time_zone: "Australia/Lord_Howe".to_owned(),
            partitions: 1,
            hash_key: "00".repeat(16),
            ..Definition::default()
        },
        partition: 0,
        // An event of the day before comes after those around the change.
        records: vec![
            Sent::visit(0, "2026-04-04T14:50:00Z"),
            Sent::visit(1, "2026-04-04T15:10:00Z"),
            Sent::visit(2, "2026-04-04T15:40:00Z"),
            Sent::visit(3, "2026-04-03T12:00:00Z"),
        ],
    };
    if let Err(difference) = judge(&history, &mut Judged::default()) {
        panic!("{difference}");
    }
}

/// What the histories put to the proof, so that one that proves nothing is seen.
#[derive(Debug, Default)]
struct Judged {
    records: u64,
    applied: u64,
    duplicate: u64,
    late: u64,
    by_reason: [u64; pipeline::rejection::Reason::ALL.len()],
    cells: u64,
    /// Histories beyond a limit: their judgements were compared, their cells were not.
    beyond_limits: u64,
    /// Histories of which the hot window holds some cells and not all.
    parted_by_the_hot_window: u64,
}

impl Judged {
    fn count(&mut self, judgement: Judgement) {
        self.records += 1;
        match judgement {
            Judgement::Applied => self.applied += 1,
            Judgement::Duplicate => self.duplicate += 1,
            Judgement::Late => self.late += 1,
            Judgement::DeadLettered(reason) => self.by_reason[reason as usize] += 1,
        }
    }

    fn saw_everything(&self) {
        let late = pipeline::rejection::Reason::Late as usize;
        let seen = |(n, count): (usize, &u64)| *count > 0 || n == late;
        assert!(self.by_reason.iter().enumerate().all(seen), "{self:?}");
        assert!(
            self.applied > 0 && self.duplicate > 0 && self.late > 0,
            "{self:?}"
        );
        assert!(self.parted_by_the_hot_window > 0, "{self:?}");
    }
}

/// Folds the history twice; what differs is an error that says so.
fn judge(history: &History, judged: &mut Judged) -> Result<(), String> {
    let mut oracle = Oracle::new(&history.definition, history.partition).unwrap();
    let mut fold = State::new(Arc::new(history.definition.clone()), history.partition).unwrap();
    for sent in &history.records {
        let expected = oracle.take(sent.record()).unwrap();
        let found = match fold.apply(sent.record()) {
            Outcome::Applied => Judgement::Applied,
            Outcome::Duplicate => Judgement::Duplicate,
            Outcome::Late => Judgement::Late,
            Outcome::DeadLettered(reason) => Judgement::DeadLettered(reason),
        };
        if expected != found {
            return Err(format!(
                "offset {}: expected {expected:?}, found {found:?}",
                sent.offset
            ));
        }
        judged.count(expected);
    }
    tallies(&oracle, &fold)?;
    letters(&oracle, &mut fold, history)?;
    let view = oracle.view().unwrap();
    if !view.limits_met.is_empty() {
        judged.beyond_limits += 1;
        return Ok(());
    }
    judged.cells += same_cells("all", &view.cells, fold.all_rows())?;
    let hot = oracle.hot_view().unwrap();
    if !hot.cells.is_empty() && hot.cells.len() < view.cells.len() {
        judged.parted_by_the_hot_window += 1;
    }
    same_cells("hot", &hot.cells, fold.take_all_rows(Reader::Hot))?;
    Ok(())
}

/// How many cells were compared; those that differ are an error.
fn same_cells(which: &str, expected: &NamedCells, rows: Vec<FrozenRow>) -> Result<u64, String> {
    let mut cells = NamedCells::new();
    for frozen in rows {
        if let Some(row) = frozen.row.filter(|_| frozen.key.facet != Facet::Minutes) {
            add_row(&mut cells, &frozen.key, &row);
        }
    }
    let comparison = compare(expected, &cells);
    if comparison.agrees() {
        return Ok(comparison.compared);
    }
    let mut text = format!("{} of {which} cells differ:\n", comparison.differences);
    for difference in comparison.listed.iter().take(SHOWN) {
        writeln!(text, "  {difference}").unwrap();
    }
    Err(text)
}

fn tallies(oracle: &Oracle, fold: &State) -> Result<(), String> {
    let (expected, found) = (oracle.tallies(), fold.tally());
    let dead_lettered = pipeline::rejection::Reason::ALL
        .map(|reason| expected.dead_lettered.get(&reason).copied().unwrap_or(0));
    let same = (
        expected.consumed,
        expected.applied,
        expected.duplicate,
        expected.late,
    ) == (found.consumed, found.applied, found.duplicate, found.late)
        && dead_lettered == found.dead_lettered;
    if same && found.is_conserved() {
        return Ok(());
    }
    Err(format!("tallies: expected {expected:?}, found {found:?}"))
}

fn letters(oracle: &Oracle, fold: &mut State, history: &History) -> Result<(), String> {
    let letters = fold.take_letters();
    let found: Vec<_> = letters
        .iter()
        .map(|letter| (letter.offset, letter.rejection.reason))
        .collect();
    if found != oracle.dead_letters() {
        return Err(format!(
            "letters: expected {:?}, found {found:?}",
            oracle.dead_letters()
        ));
    }
    for letter in letters {
        let whole = |sent: &&Sent| {
            sent.offset == letter.offset
                && sent.key == letter.key
                && sent.value == letter.value
                && sent.headers == letter.headers
                && sent.appended_at == letter.appended_at
                && history.partition == letter.partition
        };
        if !history.records.iter().any(|sent| whole(&sent)) {
            return Err(format!(
                "the letter of offset {} is not its record",
                letter.offset
            ));
        }
        if letter.rejection.detail.is_empty() {
            return Err(format!(
                "the letter of offset {} has no sentence",
                letter.offset
            ));
        }
    }
    Ok(())
}

/// Leaves out records, half of them at a time and less, as long as the fold and the oracle still differ.
fn shrunk(mut history: History, mut difference: String) -> (History, String) {
    let mut width = history.records.len().div_ceil(2);
    while width > 0 {
        let mut start = 0;
        while start < history.records.len() {
            let mut shorter = history.clone();
            let end = (start + width).min(history.records.len());
            shorter.records.drain(start..end);
            match judge(&shorter, &mut Judged::default()) {
                Err(other) => (history, difference) = (shorter, other),
                Ok(()) => start += width,
            }
        }
        width /= 2;
    }
    (history, difference)
}
