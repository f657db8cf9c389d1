//! A change's rows in the order of their groups, as the keys and arguments of calls of bounded
//! size.

use std::collections::BTreeMap;
use std::ops::Range;

use fred::types::Value;
use pipeline::row::{Facet, FrozenRow, Period, Row};
use prost::Message;

use super::layout::{activity_group, place};

/// How much one call may carry. Redis does nothing else meanwhile; times are its own, measured
/// with `examples/redis_costs.rs` on two shared cores, rows of 225 bytes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows of a chunk of a fill: 1,000 take 0.9 ms.
    pub rows_per_chunk: usize,
    /// Bytes of a chunk, unless one row is more.
    pub bytes_per_chunk: usize,
    /// Rows of a change: 50,000 take 40 ms. Staging them in chunks and moving them in one call
    /// would stop Redis for longer, 57 ms.
    pub rows_per_change: usize,
    /// Bytes of a change.
    pub bytes_per_change: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows_per_chunk: 1_000,
            bytes_per_chunk: 1 << 20,
            rows_per_change: 50_000,
            bytes_per_change: 16 << 20,
        }
    }
}

/// A change's rows in the order of their groups, cut into chunks.
#[derive(Debug, Clone)]
pub(super) struct Plan<'a> {
    rows: Vec<&'a FrozenRow>,
    chunks: Vec<Range<usize>>,
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
        let (mut chunks, mut start, mut in_chunk, mut bytes) = (Vec::new(), 0, 0, 0);
        for (at, row) in rows.iter().enumerate() {
            let size = size(row);
            let full =
                at - start == limits.rows_per_chunk || in_chunk + size > limits.bytes_per_chunk;
            if at > start && full {
                chunks.push(start..at);
                (start, in_chunk) = (at, 0);
            }
            in_chunk += size;
            bytes += size;
        }
        if start < rows.len() {
            chunks.push(start..rows.len());
        }
        Self {
            rows,
            chunks,
            bytes,
        }
    }

    /// Whether one call may carry all of it.
    pub(super) fn fits(&self, limits: &Limits) -> bool {
        self.rows.len() <= limits.rows_per_change && self.bytes <= limits.bytes_per_change
    }

    /// How many chunks carry all of it.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// All rows, by group.
    pub(super) fn all(&self) -> Sections {
        Sections::of(&self.rows)
    }

    /// The rows of one chunk, by group. A chunk beyond the last has none.
    pub(super) fn chunk(&self, number: usize) -> Sections {
        let range = self.chunks.get(number).cloned().unwrap_or(0..0);
        Sections::of(&self.rows[range])
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

/// What an image of exactly these rows holds: its groups as its index names them, and their fields.
pub fn image(rows: &[FrozenRow]) -> BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>> {
    let sections = Plan::new(rows, &Limits::default()).all().0;
    let groups = sections.into_iter().map(|(name, section)| {
        let puts = section.puts.into_iter();
        let mut fields: BTreeMap<_, _> = puts.map(|(field, row)| (field.into(), row)).collect();
        for field in section.deletes {
            fields.remove(field.as_bytes());
        }
        (name, fields)
    });
    groups.filter(|(_, fields)| !fields.is_empty()).collect()
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
    fn of(rows: &[&FrozenRow]) -> Self {
        let mut sections = Self::default();
        for row in rows {
            let place = place(&row.key);
            sections.add(place.group, place.field, row.row.as_ref().map(Row::encode));
            if let Some(activity) = listed(row) {
                let listing = row.row.as_ref().map(|_| Vec::new());
                let campaign = row.key.campaign.to_string();
                sections.add(activity_group(activity), campaign, listing);
            }
        }
        sections
    }

    fn add(&mut self, group: String, field: String, bytes: Option<Vec<u8>>) {
        let section = self.0.entry(group).or_default();
        match bytes {
            Some(bytes) => section.puts.push((field, bytes)),
            None => section.deletes.push(field),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::sync::Arc;

    use pipeline::row::RowKey;
    use schemas::v1::CountsRow;

    use super::*;

    const LIMITS: Limits = Limits {
        rows_per_chunk: 10,
        bytes_per_chunk: 1_000,
        rows_per_change: 25,
        bytes_per_change: 5_000,
    };

    fn rows(count: usize, cells: usize) -> Vec<FrozenRow> {
        let row = |n: usize| FrozenRow {
            key: RowKey {
                campaign: Arc::from(format!("campaign {}", n % 3)),
                activity: Some(Arc::from(format!("activity {n}"))),
                period: [Period::Life, Period::Day(1)][n % 2],
                facet: Facet::Counts,
            },
            changed_at: 0,
            row: Some(Row::Counts(CountsRow {
                cells: vec![1; cells],
                counts: vec![1; cells],
                ..CountsRow::default()
            })),
        };
        (0..count).map(row).collect()
    }

    /// The fields of every group of these sections.
    fn fields(sections: Sections) -> Vec<String> {
        let (mut keys, mut args) = (Vec::new(), Vec::new());
        sections.append(&mut keys, &mut args, str::to_owned);
        let mut args = args.into_iter();
        let mut fields = Vec::new();
        for key in keys {
            let puts = args.next().unwrap().as_u64().unwrap();
            for _ in 0..puts {
                let field = args.next().unwrap().into_string().unwrap();
                fields.push(format!("{}/{field}", key.as_str().unwrap()));
                args.next().unwrap();
            }
            assert_eq!(args.next().unwrap().as_u64(), Some(0), "deletes");
        }
        assert_eq!(args.next(), None);
        fields
    }

    #[test]
    fn chunks_carry_every_row_once_and_keep_their_bounds() {
        for (count, cells, chunks) in [
            (0, 1, 0),
            (10, 1, 1),
            (11, 1, 2),
            (25, 100, 7),
            (3, 2_000, 3),
        ] {
            let rows = rows(count, cells);
            let plan = Plan::new(&rows, &LIMITS);
            let each: Vec<Vec<String>> =
                (0..plan.chunks()).map(|n| fields(plan.chunk(n))).collect();
            assert_eq!(each.len(), chunks, "{count} rows of {cells} cells");
            let mut carried = each.concat();
            let mut all = fields(plan.all());
            carried.sort_unstable();
            all.sort_unstable();
            assert_eq!(carried, all);
            // A row of life is also listed under its activity.
            assert_eq!(all.len(), count + count.div_ceil(2));
            assert!(fields(plan.chunk(chunks)).is_empty());
        }
    }

    #[test]
    fn a_change_fits_one_call_by_its_rows_and_by_its_bytes() {
        let fits = |count, cells| Plan::new(&rows(count, cells), &LIMITS).fits(&LIMITS);
        assert!(fits(0, 0) && fits(25, 1));
        assert!(!fits(26, 1) && !fits(25, 200));
    }
}
