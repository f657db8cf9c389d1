//! Questions: one search request each, whatever the number of activities.
//!
//! The same search gives the numbers, as aggregations, and the checkpoints, as hits. It counts
//! everything or fails: never a part of the shards, of the activities or of the cells.

use std::collections::BTreeMap;
use std::sync::Arc;

use opensearch::http::Method;
use pipeline::row::{Period, date_of};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::documents::{PEOPLE_FIELDS, people_row, period_fields};
use super::http::{Content, cut};
use super::subcell::SubCell;
use super::{STORE, Store, transient};
use crate::{Answer, AsOf, AsOfKind, Counts, Error, Numbers, Question, Scope, Span, Stamp, Step};

/// Activities of a campaign, campaigns, or buckets of a series in one answer. Each holds some
/// dozens of cells; a cluster's `search.max_buckets` bounds the two multiplied.
const MAX_SCOPES: u32 = 10_000;
/// Sub-cells of one scope: 5 kinds × 5 device classes × 7 systems × 2 are 350, with browsers and
/// brands below 500; the rest is for money in some dozens of currencies.
const MAX_CELLS: u32 = 10_000;
/// Sums come as doubles, which hold whole numbers exactly below this.
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

/// The fields of a checkpoint document that an answer needs.
const CHECKPOINT_FIELDS: [&str; 3] = ["partition", "offset", "log_time"];

/// What is searched for, and how its buckets are read.
struct Plan {
    /// The filter of count documents.
    counts: Value,
    /// The field whose values are the buckets, if any.
    by: Option<&'static str>,
    /// Whether all of it together is a scope too.
    whole: bool,
    /// The filter of people documents, where there is one.
    people: Option<Value>,
}

impl Store {
    /// The answer to a question.
    pub(super) async fn answer(&self, question: &Question) -> Result<Answer, Error> {
        let plan = self.plan(question)?;
        let found = self.search(&plan.body(self.partitions)).await?;
        let as_of = self.as_of(found.hits.hits.into_iter().map(|hit| hit.source))?;
        let mut answer = Answer {
            as_of,
            scopes: BTreeMap::new(),
            series: BTreeMap::new(),
        };
        let aggregations = found.aggregations;
        match question {
            Question::Campaigns => {
                let name = |key: &Value| {
                    Ok(Scope {
                        campaign: text(key)?,
                        activity: None,
                    })
                };
                answer.scopes = aggregations.scopes(&name, None)?;
            }
            Question::Campaign { campaign, .. } => {
                let campaign: Arc<str> = Arc::from(campaign.as_str());
                let name = |key: &Value| {
                    Ok(Scope {
                        campaign: campaign.clone(),
                        activity: Some(text(key)?),
                    })
                };
                let whole = Scope {
                    campaign: campaign.clone(),
                    activity: None,
                };
                answer.scopes = aggregations.scopes(&name, Some(whole))?;
            }
            Question::Activity { activity, .. } => {
                let activity: Arc<str> = Arc::from(activity.as_str());
                let name = |key: &Value| {
                    Ok(Scope {
                        campaign: text(key)?,
                        activity: Some(activity.clone()),
                    })
                };
                answer.scopes = aggregations.scopes(&name, None)?;
            }
            Question::Series { step, .. } => {
                let start = |key: &Value| {
                    let ms = key.as_i64().ok_or_else(|| unreadable("a bucket's time"))?;
                    Ok(match step {
                        Step::Day => self.calendar.day_start((ms / 86_400_000) as u16),
                        _ => ms / 1000,
                    })
                };
                answer.series = aggregations.series(&start)?;
            }
        }
        Ok(answer)
    }

    fn plan(&self, question: &Question) -> Result<Plan, Error> {
        Ok(match question {
            Question::Campaigns => Plan {
                counts: counts_filter(vec![]),
                by: Some("campaign_id"),
                whole: false,
                people: people_filter(json!({"term": {"scope": "campaign"}}), Period::Life),
            },
            Question::Campaign { campaign, span } => {
                let campaign = json!({"term": {"campaign_id": campaign}});
                Plan {
                    counts: counts_filter(with_days(campaign.clone(), *span)),
                    by: Some("activity_id"),
                    whole: true,
                    people: span
                        .people_period()
                        .and_then(|period| people_filter(campaign, period)),
                }
            }
            Question::Activity { activity, span } => {
                let activity = json!({"term": {"activity_id": activity}});
                Plan {
                    counts: counts_filter(with_days(activity.clone(), *span)),
                    by: Some("campaign_id"),
                    whole: false,
                    people: span
                        .people_period()
                        .and_then(|period| people_filter(activity, period)),
                }
            }
            Question::Series {
                campaign,
                from,
                to,
                step,
            } => {
                let campaign = json!({"term": {"campaign_id": campaign}});
                let (by, range) = match step {
                    Step::Minute => return Err(Error::Unanswerable(
                        "OpenSearch holds no minutes; ask for the series by hour or day, or ask \
                         the hot views, which keep minutes of the last 48 hours"
                            .to_owned(),
                    )),
                    Step::Hour => ("hour", hours(*from, *to)),
                    Step::Day => ("day", self.days(*from, *to)),
                };
                Plan {
                    counts: counts_filter(vec![campaign, range]),
                    by: Some(by),
                    whole: false,
                    people: None,
                }
            }
        })
    }
}

impl Store {
    /// The documents found, whole and in time, or an error.
    async fn search(&self, body: &Value) -> Result<Found, Error> {
        let path = format!("/{}/_search", self.names.index);
        // A shard that doesn't answer must not look like one without events.
        let query = [("allow_partial_search_results", "false")];
        let content = Content::Json(body.clone());
        let reply = match self.http.send(Method::Post, &path, &query, content).await {
            Err(Error::Transient { detail, .. }) if detail.contains("too_many_buckets") => {
                return Err(Error::Unanswerable(
                    "the campaign has more activities and cells than this OpenSearch adds up in \
                     one answer; raise its setting search.max_buckets"
                        .to_owned(),
                ));
            }
            other => other?,
        };
        if reply.status == 404 {
            // The index was deleted; filling begins with the first partition.
            return Err(Error::Incomplete {
                store: STORE,
                partition: 0,
            });
        }
        read_found(reply.ok("answer a question")?)
    }

    /// What the checkpoint documents say; every partition's is needed.
    pub(super) fn as_of(
        &self,
        checkpoints: impl Iterator<Item = Checkpoint>,
    ) -> Result<AsOf, Error> {
        let mut stamps = vec![None; self.partitions as usize];
        for found in checkpoints {
            let stamp = Stamp {
                partition: found.partition,
                offset: found.offset,
                log_time: found.log_time,
            };
            if let Some(place) = stamps.get_mut(found.partition as usize) {
                *place = Some(stamp);
            }
        }
        let missing = |partition: usize| Error::Incomplete {
            store: STORE,
            partition: partition as u32,
        };
        let partitions = stamps.into_iter().enumerate();
        Ok(AsOf {
            kind: AsOfKind::AtLeast,
            partitions: partitions
                .map(|(partition, stamp)| stamp.ok_or_else(|| missing(partition)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The local days that begin from `from` on and before `to`.
    fn days(&self, from: i64, to: i64) -> Value {
        let first_from = |instant: i64| {
            let day = self.calendar.day_of_hour(instant);
            if self.calendar.day_start(day) < instant {
                day.saturating_add(1)
            } else {
                day
            }
        };
        let (from, to) = (date_of(first_from(from)), date_of(first_from(to)));
        json!({"range": {"day": {"gte": from.to_string(), "lt": to.to_string()}}})
    }
}

/// The local hours that begin from `from` on and before `to`.
fn hours(from: i64, to: i64) -> Value {
    json!({"range": {"hour": {"gte": from, "lt": to, "format": "epoch_second"}}})
}

fn with_days(names: Value, span: Span) -> Vec<Value> {
    let mut all = vec![names];
    if let Span::Days { from, to } = span {
        let (from, to) = (date_of(from).to_string(), date_of(to).to_string());
        all.push(json!({"range": {"day": {"gte": from, "lte": to}}}));
    }
    all
}

fn counts_filter(mut filters: Vec<Value>) -> Value {
    filters.push(json!({"terms": {"doc": ["count", "browser", "brand"]}}));
    json!({"bool": {"filter": filters}})
}

fn people_filter(names: Value, period: Period) -> Option<Value> {
    let (period, start) = period_fields(period)?;
    let mut filters = vec![
        json!({"term": {"doc": "people"}}),
        json!({"term": {"period": period}}),
        names,
    ];
    if let Some(start) = start {
        filters.push(json!({"term": {"period_start": start}}));
    }
    Some(json!({"bool": {"filter": filters}}))
}

impl Plan {
    /// The search request.
    fn body(&self, partitions: u32) -> Value {
        let checkpoint = json!({"term": {"doc": "checkpoint"}});
        let mut wanted = vec![checkpoint.clone(), self.counts.clone()];
        let mut aggregations = json!({
            "counts": {"filter": self.counts, "aggs": self.groups(&cells_aggregation())},
        });
        if let Some(people) = &self.people {
            wanted.push(people.clone());
            // A whole campaign's people are documents of their own: nobody counts twice.
            let mut groups = json!({"scopes": self.terms(&people_aggregation())});
            if self.whole {
                let campaign = json!({"term": {"scope": "campaign"}});
                groups["whole"] = json!({"filter": campaign, "aggs": people_aggregation()});
            }
            aggregations["people"] = json!({"filter": people, "aggs": groups});
        }
        json!({
            "query": {"bool": {"filter": [{"bool": {"should": wanted}}]}},
            "aggs": aggregations,
            // The checkpoints alone are hits; aggregations don't heed this filter.
            "post_filter": checkpoint,
            "size": partitions,
            "track_total_hits": false,
            "_source": CHECKPOINT_FIELDS,
        })
    }

    fn groups(&self, inner: &Value) -> Value {
        let mut groups = json!({"scopes": self.terms(inner)});
        if self.whole {
            groups["cells"] = inner["cells"].clone();
        }
        groups
    }

    fn terms(&self, inner: &Value) -> Value {
        json!({"terms": {"field": self.by, "size": MAX_SCOPES}, "aggs": inner})
    }
}

fn cells_aggregation() -> Value {
    json!({"cells": {
        "terms": {"field": "cell", "size": MAX_CELLS},
        "aggs": {"count": {"sum": {"field": "count"}}, "amount": {"sum": {"field": "amount"}}},
    }})
}

fn people_aggregation() -> Value {
    let sums = PEOPLE_FIELDS.map(|field| (field.to_owned(), json!({"sum": {"field": field}})));
    Value::Object(sums.into_iter().collect())
}

/// A checkpoint document.
#[derive(Debug, Deserialize)]
pub(super) struct Checkpoint {
    partition: u32,
    offset: u64,
    log_time: i64,
}

/// A search's answer.
#[derive(Debug, Deserialize)]
struct Found {
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Hits,
    aggregations: Aggregations,
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
    doc_count: u64,
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

#[derive(Debug, Deserialize)]
struct PeopleSums {
    doc_count: u64,
    #[serde(flatten)]
    sums: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Sum {
    value: f64,
}

fn read_found(body: Value) -> Result<Found, Error> {
    let found: Found = decode(body)?;
    if found.timed_out || found.shards.failed > 0 {
        return Err(transient(format!(
            "a search did not see everything (timed out: {}, shards failed: {})",
            found.timed_out, found.shards.failed
        )));
    }
    Ok(found)
}

impl Aggregations {
    /// The numbers of each scope; `name` makes a scope of a bucket's key.
    fn scopes(
        self,
        name: &dyn Fn(&Value) -> Result<Scope, Error>,
        whole: Option<Scope>,
    ) -> Result<BTreeMap<Scope, Numbers>, Error> {
        let mut scopes: BTreeMap<Scope, Numbers> = BTreeMap::new();
        for bucket in self.counts.scopes.all("activities or campaigns")? {
            scopes.entry(name(&bucket.key)?).or_default().counts = bucket.cells.counts()?;
        }
        if let (Some(whole), Some(cells)) = (&whole, self.counts.cells)
            && self.counts.doc_count > 0
        {
            scopes.entry(whole.clone()).or_default().counts = cells.counts()?;
        }
        let Some(people) = self.people else {
            return Ok(scopes);
        };
        for bucket in people.scopes.all("activities or campaigns")? {
            scopes.entry(name(&bucket.key)?).or_default().people = bucket.sums.row()?;
        }
        if let (Some(whole), Some(sums)) = (whole, people.whole)
            && let Some(row) = sums.row()?
        {
            scopes.entry(whole).or_default().people = Some(row);
        }
        Ok(scopes)
    }

    /// The counts of each bucket of time; `start` makes UTC seconds of a bucket's key.
    fn series(
        self,
        start: &dyn Fn(&Value) -> Result<i64, Error>,
    ) -> Result<BTreeMap<i64, Counts>, Error> {
        let buckets = self.counts.scopes.all("hours or days")?;
        buckets
            .into_iter()
            .map(|bucket| Ok((start(&bucket.key)?, bucket.cells.counts()?)))
            .collect()
    }
}

impl<B> Terms<B> {
    /// The buckets, if they are all there are.
    fn all(self, what: &str) -> Result<Vec<B>, Error> {
        if self.sum_other_doc_count == 0 && self.doc_count_error_upper_bound == 0 {
            return Ok(self.buckets);
        }
        Err(Error::Unanswerable(format!(
            "there are more than {} {what} to be answered at once; ask for a shorter span or for \
             one activity",
            self.buckets.len()
        )))
    }
}

impl Terms<CellBucket> {
    fn counts(self) -> Result<Counts, Error> {
        let mut counts = Counts::default();
        for bucket in self.all("cells")? {
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
            sub_cell.add_to(&mut counts, sum.exact()?);
        }
        Ok(counts)
    }
}

impl PeopleSums {
    /// The row, if any document was added up.
    fn row(self) -> Result<Option<schemas::v1::PeopleRow>, Error> {
        if self.doc_count == 0 {
            return Ok(None);
        }
        let mut members = [0; PEOPLE_FIELDS.len()];
        for (member, field) in members.iter_mut().zip(PEOPLE_FIELDS) {
            let sum = self.sums.get(field).ok_or_else(|| unreadable(field))?;
            *member = decode::<Sum>(sum.clone())?.exact()?;
        }
        Ok(Some(people_row(members)))
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

fn text(key: &Value) -> Result<Arc<str>, Error> {
    key.as_str()
        .map(Arc::from)
        .ok_or_else(|| unreadable("a bucket's name"))
}

/// A value of the server's answer in its type.
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
