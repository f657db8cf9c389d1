//! Questions: one search request each, whatever the number of activities.
//!
//! The same search gives the numbers, as aggregations, and the checkpoints, as hits. It counts
//! everything or fails: never a part of the shards, of the activities or of the cells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use opensearch::http::Method;
use serde_json::Value;

use super::found::{Checkpoint, Found, name};
use super::http::{Content, Kind};
use super::query::Query;
use super::{NAME, Store, transient};
use crate::{Answer, AsOf, AsOfKind, Error, Question, Scope, Stamp, Step};

const DAY_MS: i64 = 86_400_000;

/// How often an answer that is behind an earlier one is asked for again, of the primaries and of another node. With the
/// pauses below this is about 3 s: longer than a node that was frozen takes to learn what it has missed.
const BEHIND_ATTEMPTS: u32 = 6;
/// The pause after the first; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Which copies of a shard answer.
type Preference = Option<(&'static str, &'static str)>;
const ANY_COPY: Preference = None;
const PRIMARY_FIRST: Preference = Some(("preference", "_primary_first"));

impl Store {
    /// The answer to a question.
    pub(super) async fn answer(&self, question: &Question) -> Result<Answer, Error> {
        let query = Query::new(question, &self.calendar)?;
        let (found, as_of) = self.search_forward(&query).await?;
        let mut answer = Answer {
            as_of,
            scopes: BTreeMap::new(),
            series: BTreeMap::new(),
        };
        match question {
            Question::Campaigns => {
                let scope = |key: &Value| Ok(scope(name(key)?, None));
                answer.scopes = found.scopes(&scope, None)?;
            }
            Question::Campaign { campaign, .. } => {
                let campaign: Arc<str> = Arc::from(campaign.as_str());
                let activity = |key: &Value| Ok(scope(campaign.clone(), Some(name(key)?)));
                let whole = scope(campaign.clone(), None);
                answer.scopes = found.scopes(&activity, Some(whole))?;
            }
            Question::Activity { activity, .. } => {
                let activity: Arc<str> = Arc::from(activity.as_str());
                let campaign = |key: &Value| Ok(scope(name(key)?, Some(activity.clone())));
                answer.scopes = found.scopes(&campaign, None)?;
            }
            Question::Series { step, .. } => {
                answer.series = found.series(|ms| match step {
                    Step::Day => self.calendar.day_start(ms.div_euclid(DAY_MS) as u16),
                    Step::Hour | Step::Minute => ms.div_euclid(1000),
                })?;
            }
        }
        Ok(answer)
    }

    /// What a search finds, no older than what was found before, unless the primaries themselves have gone back.
    async fn search_forward(&self, query: &Query) -> Result<(Found, AsOf), Error> {
        let mut pause = FIRST_PAUSE;
        let mut preference = ANY_COPY;
        for _ in 0..BEHIND_ATTEMPTS {
            let found = self.search(query.body(self.partitions), preference).await?;
            let as_of = self.as_of(found.checkpoints())?;
            if self.seen.advance(&as_of) {
                return Ok((found, as_of));
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            preference = PRIMARY_FIRST;
        }
        let found = self.search(query.body(self.partitions), preference).await?;
        let as_of = self.as_of(found.checkpoints())?;
        self.seen.go_back(&as_of);
        Ok((found, as_of))
    }

    /// What a search finds, from every shard.
    async fn search(&self, body: Value, preference: Preference) -> Result<Found, Error> {
        let path = format!("/{}/_search", self.names.index);
        // A shard that doesn't answer must not look like one without events.
        let mut query = vec![("allow_partial_search_results", "false")];
        query.extend(preference);
        let sent = self.http.send(
            Kind::Question,
            Method::Post,
            &path,
            &query,
            Content::Json(body),
        );
        let reply = match sent.await {
            Err(Error::Transient { detail, .. }) if detail.contains("too_many_buckets") => {
                return Err(Error::Unanswerable(
                    "this has more activities and cells than this OpenSearch adds up in one \
                     answer; ask for one activity, or raise the cluster's search.max_buckets"
                        .to_owned(),
                ));
            }
            other => other?,
        };
        if reply.status == 404 {
            return Err(self.nothing_held());
        }
        Found::read(reply.ok("answer a question")?)
    }

    /// The index was deleted; filling begins with the first partition.
    pub(super) fn nothing_held(&self) -> Error {
        Error::Incomplete {
            store: NAME,
            partition: 0,
        }
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
            let place = stamps.get_mut(found.partition as usize).ok_or_else(|| {
                transient(format!(
                    "it holds a checkpoint of partition {}, which the definition doesn't have",
                    found.partition
                ))
            })?;
            *place = Some(stamp);
        }
        let missing = |partition: usize| Error::Incomplete {
            store: NAME,
            partition: partition as u32,
        };
        let stamps = stamps.into_iter().enumerate();
        Ok(AsOf {
            kind: AsOfKind::AtLeast,
            partitions: stamps
                .map(|(partition, stamp)| stamp.ok_or_else(|| missing(partition)))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn scope(campaign: Arc<str>, activity: Option<Arc<str>>) -> Scope {
    Scope { campaign, activity }
}
