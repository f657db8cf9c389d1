//! What a search answers, as numbers: all of them and exact, or an error.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::v1::PeopleRow;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::people::{PEOPLE_FIELDS, row_of};
use super::query::MAX_SCOPES;
use super::reply::cut;
use super::subcell::SubCell;
use super::transient;
use crate::{Counts, Error, Numbers, Scope};

/// Sums come as doubles, which hold whole numbers exactly below this: 2^53.
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

/// A search's answer.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Hits,
    aggregations: Aggregations,
}

/// A checkpoint document.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Checkpoint {
    /// The partition.
    pub partition: u32,
    /// The first offset that its documents may lack.
    pub offset: u64,
    /// Log time there.
    pub log_time: i64,
}

#[derive(Debug, Deserialize)]
struct Shards {
    failed: u32,
}

#[derive(Debug, Deserialize)]
struct Hits {
    hits: Vec<Hit>,
}

#[derive(Debug, Deserialize)]
struct Hit {
    #[serde(rename = "_source")]
    source: Checkpoint,
}

#[derive(Debug, Deserialize)]
struct Aggregations {
    counts: CountGroups,
    people: Option<PeopleGroups>,
}

#[derive(Debug, Deserialize)]
struct CountGroups {
    scopes: Terms<CountBucket>,
    cells: Option<Terms<CellBucket>>,
}

#[derive(Debug, Deserialize)]
struct PeopleGroups {
    scopes: Terms<PeopleBucket>,
    whole: Option<PeopleSums>,
}

#[derive(Debug, Deserialize)]
struct Terms<B> {
    doc_count_error_upper_bound: i64,
    sum_other_doc_count: u64,
    buckets: Vec<B>,
}

#[derive(Debug, Deserialize)]
struct CountBucket {
    key: Value,
    cells: Terms<CellBucket>,
}

#[derive(Debug, Deserialize)]
struct CellBucket {
    key: u32,
    count: Sum,
    amount: Sum,
}

#[derive(Debug, Deserialize)]
struct PeopleBucket {
    key: Value,
    #[serde(flatten)]
    sums: PeopleSums,
}

/// A sum a member, by field.
#[derive(Debug, Deserialize)]
struct PeopleSums {
    #[serde(flatten)]
    sums: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Sum {
    value: f64,
}

impl Found {
    /// A search's answer, if every shard gave its part in time.
    ///
    /// # Errors
    /// [`Error::Transient`] when one didn't, or the answer has another form.
    pub(super) fn read(body: Value) -> Result<Self, Error> {
        let found: Self = decode(body)?;
        if found.timed_out || found.shards.failed > 0 {
            return Err(transient(format!(
                "a search did not see everything (timed out: {}, shards failed: {})",
                found.timed_out, found.shards.failed
            )));
        }
        Ok(found)
    }

    /// The checkpoint documents.
    pub(super) fn checkpoints(&self) -> impl Iterator<Item = Checkpoint> {
        self.hits.hits.iter().map(|hit| hit.source.clone())
    }

    /// The numbers of each scope with events; `scope` makes one of a bucket's key, `whole` is that
    /// of all buckets together.
    pub(super) fn scopes(
        self,
        scope: &dyn Fn(&Value) -> Result<Scope, Error>,
        whole: Option<Scope>,
    ) -> Result<BTreeMap<Scope, Numbers>, Error> {
        let Aggregations { counts, people } = self.aggregations;
        // Where people are part of the answer, each scope has them: none, if none came.
        let empty = Numbers {
            counts: Counts::default(),
            people: people.as_ref().map(|_| row_of([0; PEOPLE_FIELDS.len()])),
        };
        let mut scopes = BTreeMap::new();
        for bucket in counts.scopes.all()? {
            let numbers = scopes
                .entry(scope(&bucket.key)?)
                .or_insert_with(|| empty.clone());
            numbers.counts = bucket.cells.counts()?;
        }
        for bucket in people.iter().flat_map(|people| &people.scopes.buckets) {
            let numbers = scopes
                .entry(scope(&bucket.key)?)
                .or_insert_with(|| empty.clone());
            numbers.people = Some(bucket.sums.row()?);
        }
        if let Some(whole) = whole {
            let mut numbers = empty;
            if let Some(cells) = counts.cells {
                numbers.counts = cells.counts()?;
            }
            if let Some(sums) = people.as_ref().and_then(|people| people.whole.as_ref()) {
                numbers.people = Some(sums.row()?);
            }
            scopes.insert(whole, numbers);
        }
        if let Some(people) = people {
            people.scopes.all()?;
        }
        scopes.retain(|_, numbers| {
            let nobody = numbers
                .people
                .as_ref()
                .is_none_or(|people| people.users == 0);
            !nobody || numbers.counts != Counts::default()
        });
        Ok(scopes)
    }

    /// The counts of each bucket of time with events; `start` makes UTC seconds of a bucket's
    /// milliseconds.
    pub(super) fn series(self, start: impl Fn(i64) -> i64) -> Result<BTreeMap<i64, Counts>, Error> {
        let mut series = BTreeMap::new();
        for bucket in self.aggregations.counts.scopes.all()? {
            let ms = bucket
                .key
                .as_i64()
                .ok_or_else(|| unreadable("a bucket's time"))?;
            series.insert(start(ms), bucket.cells.counts()?);
        }
        series.retain(|_, counts| *counts != Counts::default());
        Ok(series)
    }
}

impl<B> Terms<B> {
    /// The buckets, if they are all there are.
    fn all(self) -> Result<Vec<B>, Error> {
        if self.sum_other_doc_count == 0 && self.doc_count_error_upper_bound == 0 {
            return Ok(self.buckets);
        }
        Err(Error::Unanswerable(format!(
            "this has more than {MAX_SCOPES} activities, campaigns or hours, which are not added \
             up in one answer; ask for a shorter span or for one activity"
        )))
    }
}

impl Terms<CellBucket> {
    /// The counts. A cell corrected to zero is as good as none.
    fn counts(self) -> Result<Counts, Error> {
        let mut counts = Counts::default();
        for bucket in self.all()? {
            let sub_cell = SubCell::from_number(bucket.key).ok_or_else(|| {
                Error::Fatal(format!(
                    "OpenSearch holds cell {}, which this version can't name; every process of a \
                     deployment must be of one version",
                    bucket.key
                ))
            })?;
            let sum = match sub_cell {
                SubCell::Money(..) => bucket.amount,
                _ => bucket.count,
            };
            match sum.exact()? {
                0 => {}
                sum => sub_cell.add_to(&mut counts, sum),
            }
        }
        Ok(counts)
    }
}

impl PeopleSums {
    fn row(&self) -> Result<PeopleRow, Error> {
        let mut members = [0; PEOPLE_FIELDS.len()];
        for (member, field) in members.iter_mut().zip(PEOPLE_FIELDS) {
            let sum = self.sums.get(field).ok_or_else(|| unreadable(field))?;
            *member = decode::<Sum>(sum.clone())?.exact()?;
        }
        Ok(row_of(members))
    }
}

impl Sum {
    fn exact(self) -> Result<i64, Error> {
        if self.value.abs() < EXACT_BELOW {
            return Ok(self.value as i64);
        }
        Err(Error::Unanswerable(format!(
            "a sum of {:e} is too great for OpenSearch to give exactly; ask for a shorter span",
            self.value
        )))
    }
}

/// The name in a bucket's key.
///
/// # Errors
/// When the key is no text.
pub(super) fn name(key: &Value) -> Result<Arc<str>, Error> {
    key.as_str()
        .map(Arc::from)
        .ok_or_else(|| unreadable("a bucket's name"))
}

/// A value of the server's answer in its type.
///
/// # Errors
/// When it has another form.
pub(super) fn decode<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(&value).map_err(|error| {
        transient(format!(
            "its answer can't be read ({error}): {}",
            cut(&value.to_string())
        ))
    })
}

fn unreadable(what: &str) -> Error {
    transient(format!(
        "its answer can't be read: {what} is missing or of another type"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use serde_json::json;

    use super::*;

    fn terms(buckets: Value, others: u64) -> Value {
        json!({
            "doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": buckets,
        })
    }

    fn cell(key: u32, count: f64, amount: f64) -> Value {
        json!({"key": key, "doc_count": 1, "count": {"value": count}, "amount": {"value": amount}})
    }

    fn found(scopes: Value) -> Value {
        json!({
            "timed_out": false, "_shards": {"failed": 0}, "hits": {"hits": []},
            "aggregations": {"counts": {"doc_count": 1, "scopes": scopes}},
        })
    }

    fn scopes(body: Value) -> Result<BTreeMap<Scope, Numbers>, Error> {
        let scope = |key: &Value| {
            Ok(Scope {
                campaign: name(key)?,
                activity: None,
            })
        };
        Found::read(body)?.scopes(&scope, None)
    }

    fn bucket(cells: Value) -> Value {
        json!([{"key": "c", "doc_count": 1, "cells": cells}])
    }

    #[test]
    fn sums_come_as_whole_numbers_and_zeroes_are_left_out() {
        let cells = terms(json!([cell(1000, 1.234E3, 0.0), cell(1001, 0.0, 0.0)]), 0);
        let scopes = scopes(found(terms(bucket(cells), 0))).unwrap();
        let counts = &scopes.values().next().unwrap().counts;
        assert_eq!(counts.cells.values().collect::<Vec<_>>(), [&1234]);
    }

    #[test]
    fn a_scope_of_zeroes_alone_is_absent() {
        let cells = terms(json!([cell(1000, 0.0, 0.0)]), 0);
        assert!(scopes(found(terms(bucket(cells), 0))).unwrap().is_empty());
    }

    #[test]
    fn a_sum_that_a_double_may_have_rounded_is_refused() {
        let cells = terms(json!([cell(1000, EXACT_BELOW, 0.0)]), 0);
        let refused = scopes(found(terms(bucket(cells), 0)));
        assert!(
            matches!(refused, Err(Error::Unanswerable(_))),
            "{refused:?}"
        );
    }

    #[test]
    fn scopes_or_cells_that_were_left_out_are_an_error() {
        for (cells, scopes_left_out) in [(0, 1), (1, 0)] {
            let cells = terms(json!([cell(1000, 1.0, 0.0)]), cells);
            let refused = scopes(found(terms(bucket(cells), scopes_left_out)));
            assert!(
                matches!(refused, Err(Error::Unanswerable(_))),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn a_search_that_a_shard_failed_is_no_answer() {
        let mut body = found(terms(json!([]), 0));
        body["_shards"]["failed"] = json!(1);
        assert!(matches!(scopes(body), Err(Error::Transient { .. })));
    }
}
