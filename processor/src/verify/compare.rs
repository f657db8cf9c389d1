//! What differs between the cells that should be and those a store holds.

use std::fmt;

use pipeline::row::{NamedCell, NamedCells};

/// Differences listed by one comparison; the rest are counted only.
const MAX_LISTED: usize = 1_000;

/// One cell in which two views differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which cell.
    pub cell: NamedCell,
    /// What it should be; 0 when no such cell should exist.
    pub expected: i64,
    /// What the store holds; 0 when it has no such cell.
    pub found: i64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, found {}",
            self.cell, self.expected, self.found
        )
    }
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The first 1,000 differences, in the order of their cells.
    pub listed: Vec<Difference>,
    /// All differences.
    pub differences: u64,
    /// Cells compared: those that either side holds.
    pub compared: u64,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn agrees(&self) -> bool {
        self.differences == 0
    }
}

/// Compares every cell. A cell that is absent is zero.
///
/// The oracle has no cells by minute: leave them out of `found`.
pub fn compare(expected: &NamedCells, found: &NamedCells) -> Comparison {
    let mut comparison = Comparison::default();
    let [mut expected, mut found] = [expected, found].map(|side| side.iter().peekable());
    // Both are in order: the lesser of their next cells is next.
    while let Some(cell) = [expected.peek(), found.peek()].into_iter().flatten().min() {
        let cell = cell.0;
        let [expected, found] = [&mut expected, &mut found].map(|side| {
            let value = side.next_if(|(of, _)| *of == cell);
            value.map_or(0, |(_, value)| *value)
        });
        comparison.compared += 1;
        if expected == found {
            continue;
        }
        comparison.differences += 1;
        if comparison.listed.len() < MAX_LISTED {
            comparison.listed.push(Difference {
                cell: cell.clone(),
                expected,
                found,
            });
        }
    }
    comparison
}
