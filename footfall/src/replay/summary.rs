//! What became of every line of an import.

use std::collections::BTreeMap;
use std::fmt;

use pipeline::cell::Kind;
use serde::Serialize;

/// How many unreadable lines are shown; all are counted.
pub(super) const SHOWN_UNREADABLE: usize = 10;
/// How much of an unreadable line is shown, characters.
const SHOWN_TEXT: usize = 160;

/// Why a line became no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// A request that fetches no page: HEAD, POST, a broken one …
    NotGet,
    /// The server's answer was no page: an error, a redirect, a part.
    Status,
    /// Images, styles, scripts, downloads …
    Asset,
    /// Nothing stands on the line.
    Blank,
    /// The line is not of the file's format.
    Unreadable,
}

impl Skip {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::NotGet,
        Self::Status,
        Self::Asset,
        Self::Blank,
        Self::Unreadable,
    ];

    /// The name in the summary.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotGet => "not_get",
            Self::Status => "status",
            Self::Asset => "asset",
            Self::Blank => "blank",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
    /// How it begins.
    pub text: String,
}

/// What became of one file's lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileSummary {
    /// The file's path.
    pub file: String,
    /// SHA-256 of its bytes, hexadecimal: its name as a source.
    pub digest: String,
    /// How many lines it has.
    pub lines: u64,
    /// Lines that became events, by kind.
    pub events: BTreeMap<&'static str, u64>,
    /// Lines that did not, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// The first of the unreadable lines.
    pub unreadable: Vec<Unreadable>,
    /// The earliest event, milliseconds since the epoch.
    pub first_ms: Option<i64>,
    /// The latest event, milliseconds since the epoch.
    pub last_ms: Option<i64>,
    /// What the operator should look at.
    pub warnings: Vec<String>,
}

impl FileSummary {
    /// Nothing read yet.
    pub(super) fn new(file: String, digest: String) -> Self {
        Self {
            file,
            digest,
            lines: 0,
            events: Kind::ALL.map(|kind| (kind.as_str(), 0)).into(),
            skipped: Skip::ALL.map(|skip| (skip.as_str(), 0)).into(),
            unreadable: Vec::new(),
            first_ms: None,
            last_ms: None,
            warnings: Vec::new(),
        }
    }

    /// The next line became an event.
    pub(super) fn event(&mut self, kind: &'static str, occurred_at_ms: i64) {
        self.lines += 1;
        *self.events.entry(kind).or_default() += 1;
        self.first_ms = Some(
            self.first_ms
                .map_or(occurred_at_ms, |first| first.min(occurred_at_ms)),
        );
        self.last_ms = Some(
            self.last_ms
                .map_or(occurred_at_ms, |last| last.max(occurred_at_ms)),
        );
    }

    /// The next line became none.
    pub(super) fn skip(&mut self, skip: Skip) {
        self.lines += 1;
        *self.skipped.entry(skip.as_str()).or_default() += 1;
    }

    /// The next line can't be read.
    pub(super) fn unreadable(&mut self, reason: String, text: &str) {
        self.skip(Skip::Unreadable);
        if self.unreadable.len() < SHOWN_UNREADABLE {
            let text = text.chars().take(SHOWN_TEXT).collect();
            self.unreadable.push(Unreadable {
                line: self.lines,
                reason,
                text,
            });
        }
    }

    /// Lines that became events.
    pub fn imported(&self) -> u64 {
        self.events.values().sum()
    }

    /// Whether every line that has anything on it is unreadable.
    pub fn holds_nothing_readable(&self) -> bool {
        let count = |skip: Skip| self.skipped.get(skip.as_str()).copied().unwrap_or(0);
        let unreadable = count(Skip::Unreadable);
        unreadable > 0 && unreadable + count(Skip::Blank) == self.lines
    }

    /// Whether events and reasons add up to the lines.
    pub fn accounts_for_all(&self) -> bool {
        self.imported() + self.skipped.values().sum::<u64>() == self.lines
    }
}

/// What became of the files of one import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Each file, in the order given.
    pub files: Vec<FileSummary>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| file.fmt(f))
    }
}

impl fmt::Display for FileSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.accounts_for_all() {
            "all accounted for"
        } else {
            "NOT ALL ACCOUNTED FOR"
        };
        writeln!(f, "{}: {} lines, {verdict}", self.file, self.lines)?;
        for (kind, count) in self.events.iter().filter(|(_, count)| **count > 0) {
            writeln!(f, "  {count:>9} {kind} events")?;
        }
        for (reason, count) in self.skipped.iter().filter(|(_, count)| **count > 0) {
            writeln!(f, "  {count:>9} skipped: {reason}")?;
        }
        if let (Some(first), Some(last)) = (self.first_ms, self.last_ms) {
            writeln!(f, "  from {} to {}", instant(first), instant(last))?;
        }
        for broken in &self.unreadable {
            writeln!(
                f,
                "  line {} has {}: {}",
                broken.line, broken.reason, broken.text
            )?;
        }
        let unreadable = self
            .skipped
            .get(Skip::Unreadable.as_str())
            .copied()
            .unwrap_or(0);
        let hidden = unreadable - self.unreadable.len() as u64;
        if hidden > 0 {
            writeln!(f, "  … and {hidden} more unreadable lines")?;
        }
        self.warnings
            .iter()
            .try_for_each(|warning| writeln!(f, "  warning: {warning}"))
    }
}

fn instant(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unreadable_line_is_counted_and_the_first_are_shown() {
        let mut summary = FileSummary::new("a.log".to_owned(), "ab".to_owned());
        summary.event("visit", 1_431_857_103_000);
        summary.skip(Skip::Asset);
        for _ in 0..12 {
            summary.unreadable("no time in brackets".to_owned(), &"x".repeat(500));
        }
        assert_eq!((summary.lines, summary.imported()), (14, 1));
        assert!(summary.accounts_for_all());
        assert_eq!(summary.unreadable.len(), SHOWN_UNREADABLE);
        let text = Summary {
            files: vec![summary],
        }
        .to_string();
        assert!(text.contains("14 lines, all accounted for"), "{text}");
        assert!(text.contains("line 3 has no time in brackets"), "{text}");
        assert!(text.contains("and 2 more unreadable lines"), "{text}");
        assert!(text.contains("2015-05-17T10:05:03Z"), "{text}");
    }
}
