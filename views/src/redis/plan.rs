//! A change cut into calls of bounded size, and its rows as a call's keys and arguments.

use std::collections::BTreeMap;
use std::ops::Range;

use fred::types::Value;
use pipeline::row::{Facet, FrozenRow, Period, Row};
use prost::Message;

use super::layout::{activity_group, place};

/// How much one call may carry. Redis does nothing else meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows that a call writes at most.
    pub rows_per_call: usize,
    /// Bytes that a call carries at most, unless one row is more.
    pub bytes_per_call: usize,
    /// Rows that a staged change may move into the image in one call; with more, fill.
    pub rows_per_merge: usize,
    /// Bytes likewise.
    pub bytes_per_merge: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows_per_call: 1_000,
            bytes_per_call: 1 << 20,
            rows_per_merge: 50_000,
            bytes_per_merge: 32 << 20,
        }
    }
}

/// What stands for a row to be deleted in a staged change; `footfall.lua` knows it too. It is no
/// protobuf message, so no row's bytes.
const DELETED: &[u8] = &[0xff];

/// How a row that has left the views is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deletion {
    /// Deleted from the image.
    Delete,
    /// Not at all: an image being filled never had it.
    LeaveOut,
    /// Marked, to be deleted when the staged change is merged.
    Mark,
}

/// A change's rows in the order of their groups, cut into calls.
#[derive(Debug, Clone)]
pub(super) struct Plan<'a> {
    rows: Vec<&'a FrozenRow>,
    calls: Vec<Range<usize>>,
    bytes: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn new(rows: &'a [FrozenRow], limits: &Limits) -> Self {
        let mut rows: Vec<&FrozenRow> = rows.iter().collect();
        // Rows of one group side by side: fewer commands inside Redis.
        rows.sort_unstable_by(|a, b| {
            let order = |row: &'a FrozenRow| (&row.key.campaign, row.key.period);
            order(a).cmp(&order(b)).then_with(|| a.key.cmp(&b.key))
        });
        let (mut calls, mut start, mut in_call, mut bytes) = (Vec::new(), 0, 0, 0);
        for (at, row) in rows.iter().enumerate() {
            let size = size(row);
            let full = at - start == limits.rows_per_call || in_call + size > limits.bytes_per_call;
            if at > start && full {
                calls.push(start..at);
                (start, in_call) = (at, 0);
            }
            in_call += size;
            bytes += size;
        }
        if start < rows.len() {
            calls.push(start..rows.len());
        }
        Self { rows, calls, bytes }
    }

    /// Calls that carry all of it.
    pub(super) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Whether a staged change of it may be merged in one call.
    pub(super) fn can_be_merged(&self, limits: &Limits) -> bool {
        self.rows.len() <= limits.rows_per_merge && self.bytes <= limits.bytes_per_merge
    }

    /// The rows of one call by group. A call beyond the last has none.
    pub(super) fn sections(&self, call: usize, deletion: Deletion) -> Sections {
        let range = self.calls.get(call).cloned().unwrap_or(0..0);
        Sections::of(&self.rows[range], deletion)
    }

    /// The names of all groups.
    pub(super) fn groups(&self) -> Vec<String> {
        let all = Sections::names(&self.rows);
        all.into_keys().collect()
    }
}

/// About the bytes that a row takes in a call: its contents and its names.
fn size(row: &FrozenRow) -> usize {
    let contents = match &row.row {
        None => 1,
        Some(Row::Counts(row)) => row.encoded_len(),
        Some(Row::People(row)) => row.encoded_len(),
        Some(Row::Minutes(row)) => row.encoded_len(),
    };
    contents + 2 * row.key.activity.as_ref().map_or(0, |name| name.len()) + row.key.campaign.len()
}

/// The rows of a call, by the name of their group.
#[derive(Debug, Default)]
pub(super) struct Sections(BTreeMap<String, Section>);

#[derive(Debug, Default)]
struct Section {
    puts: Vec<(String, Vec<u8>)>,
    deletes: Vec<String>,
}

impl Sections {
    fn of(rows: &[&FrozenRow], deletion: Deletion) -> Self {
        let mut sections = Self::default();
        for row in rows {
            let place = place(&row.key);
            let bytes = row.row.as_ref().map(Row::encode);
            sections.add(place.group, place.field, bytes, deletion);
            if let Some(activity) = listed(row) {
                let bytes = row.row.as_ref().map(|_| Vec::new());
                let field = row.key.campaign.to_string();
                sections.add(activity_group(activity), field, bytes, deletion);
            }
        }
        sections
    }

    fn names(rows: &[&FrozenRow]) -> BTreeMap<String, ()> {
        let mut names = BTreeMap::new();
        for row in rows {
            names.insert(place(&row.key).group, ());
            if let Some(activity) = listed(row) {
                names.insert(activity_group(activity), ());
            }
        }
        names
    }

    fn add(&mut self, group: String, field: String, bytes: Option<Vec<u8>>, deletion: Deletion) {
        let section = self.0.entry(group).or_default();
        match (bytes, deletion) {
            (Some(bytes), _) => section.puts.push((field, bytes)),
            (None, Deletion::Mark) => section.puts.push((field, DELETED.to_vec())),
            (None, Deletion::Delete) => section.deletes.push(field),
            (None, Deletion::LeaveOut) => {}
        }
    }

    /// Appends a key for each group, made by `key` from its name, and its rows.
    pub(super) fn append(
        self,
        keys: &mut Vec<Value>,
        args: &mut Vec<Value>,
        key: impl Fn(&str) -> String,
    ) {
        for (name, section) in self.0 {
            keys.push(key(&name).into());
            args.push(Value::Integer(section.puts.len() as i64));
            for (field, bytes) in section.puts {
                args.push(field.into());
                args.push(bytes.into_boxed_slice().into());
            }
            args.push(Value::Integer(section.deletes.len() as i64));
            args.extend(section.deletes.into_iter().map(Value::from));
        }
    }
}

/// The activity that a row makes its campaign be listed under: each has one row of life counts.
fn listed(row: &FrozenRow) -> Option<&str> {
    (row.key.period == Period::Life && row.key.facet == Facet::Counts)
        .then_some(row.key.activity.as_deref())
        .flatten()
}
