//! Redis as views: a question's groups of every partition, read by one call at one instant.
//!
//! A cluster can't read two partitions in one call, and a question of many groups would stop Redis
//! for long: then partitions are read at instants of their own, and `as_of` says which for each.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use async_trait::async_trait;
use fred::types::Value;
use pipeline::row::{NamedCells, Period};

use super::call::{Function, Reply};
use super::failure::transient;
use super::wants::{Want, activity_wants, rows_of, wants};
use super::{MOVES, NAME, Store};
use crate::collect::{PERIODS_MOST, Selection};
use crate::{Answer, AsOf, AsOfKind, Error, Question, Stamp, Views};

/// Groups that one call reads at most, unless one partition's are more: a week of a campaign in
/// 16 partitions. A day's group of 1,000 activities takes Redis 1 ms.
const GROUPS_PER_CALL: usize = 128;
/// Activities whose campaigns are remembered; all are forgotten beyond.
const ACTIVITIES_REMEMBERED: usize = 10_000;

/// One partition's share of a read.
pub(super) struct Share {
    pub(super) stamp: Stamp,
    /// As many as wants, in their order.
    pub(super) groups: Vec<Value>,
}

#[async_trait]
impl Views for Store {
    async fn ask(&self, question: &Question) -> Result<Answer, Error> {
        let selection = Selection::new(question, &self.shared.calendar);
        let periods = selection.periods()?;
        let (wants, shares) = match question {
            Question::Activity { activity, .. } => self.read_activity(activity, &periods).await?,
            _ => {
                let wants = wants(question, &periods);
                let shares = self.read(&wants).await?;
                (wants, shares)
            }
        };
        let as_of = AsOf {
            kind: AsOfKind::Exact,
            partitions: shares.iter().map(|share| share.stamp).collect(),
        };
        let mut rows = Vec::new();
        for share in shares {
            for (want, values) in wants.iter().zip(share.groups) {
                rows_of(want, values, &mut rows)?;
            }
        }
        Ok(selection.collect(as_of, rows))
    }

    async fn dump(&self) -> Result<(AsOf, NamedCells), Error> {
        self.dump_all().await
    }
}

impl Store {
    /// Reads groups of every partition.
    async fn read(&self, wants: &[Want]) -> Result<Vec<Share>, Error> {
        let partitions: Vec<u32> = (0..self.shared.keys.len() as u32).collect();
        let at_once = if self.wire.is_clustered() {
            1
        } else {
            (GROUPS_PER_CALL / (wants.len() + 1)).max(1)
        };
        let calls = partitions
            .chunks(at_once)
            .map(|some| self.read_some(some, wants));
        let shares = futures::future::try_join_all(calls).await?;
        Ok(shares.into_iter().flatten().collect())
    }

    /// Reads groups of some partitions in one call.
    pub(super) async fn read_some(
        &self,
        partitions: &[u32],
        wants: &[Want],
    ) -> Result<Vec<Share>, Error> {
        for _ in 0..MOVES {
            let tokens: Vec<String> = partitions.iter().map(|p| self.token(*p)).collect();
            let mut list = Vec::with_capacity(partitions.len() * (1 + wants.len()));
            for (partition, token) in partitions.iter().zip(&tokens) {
                let keys = self.keys(*partition)?;
                list.push(keys.meta().into());
                list.extend(
                    wants
                        .iter()
                        .map(|want| keys.group(token, &want.group).into()),
                );
            }
            let mut args = vec![
                self.definition(),
                Value::Integer(partitions.len() as i64),
                Value::Integer(wants.len() as i64),
            ];
            args.extend(tokens.into_iter().map(Value::from));
            for want in wants {
                args.push(Value::Integer(want.fields.len() as i64));
                args.extend(want.fields.iter().map(|field| field.as_str().into()));
            }
            match self.call(Function::Read, list, args).await? {
                Reply::Rows(rows) => {
                    let shares = partitions.iter().zip(rows);
                    return shares.map(|(p, share)| share_of(*p, share)).collect();
                }
                Reply::Missing(which) => {
                    return Err(Error::Incomplete {
                        store: NAME,
                        partition: partitions.get(which).copied().unwrap_or_default(),
                    });
                }
                Reply::Moved(tokens) => {
                    for (partition, token) in partitions.iter().zip(tokens) {
                        self.remember(*partition, vec![token]);
                    }
                }
                _ => {
                    return Err(Error::Fatal(
                        "Redis answered a read with a write".to_owned(),
                    ));
                }
            }
        }
        Err(transient(
            "the images moved again and again while they were read",
        ))
    }

    /// Reads an activity in every campaign that has it. The campaigns are remembered from the
    /// last time; the same call reads which they are now, and if there are more it is repeated.
    async fn read_activity(
        &self,
        activity: &str,
        periods: &[Period],
    ) -> Result<(Vec<Want>, Vec<Share>), Error> {
        let mut campaigns = self.campaigns_of(activity);
        for _ in 0..MOVES {
            let groups = campaigns.len() as u64 * periods.len() as u64;
            if groups > PERIODS_MOST {
                return Err(Error::TooWide {
                    periods: groups,
                    most: PERIODS_MOST,
                });
            }
            let wants = activity_wants(activity, periods, &campaigns);
            let shares = self.read(&wants).await?;
            let listed = shares.iter().filter_map(|share| share.groups.first());
            let listed: BTreeSet<String> = listed.flat_map(field_names).collect();
            if listed.is_subset(&campaigns) {
                return Ok((wants, shares));
            }
            campaigns.extend(listed);
            self.remember_campaigns(activity, &campaigns);
        }
        Err(transient(
            "the activity's campaigns changed again and again while they were read",
        ))
    }

    fn campaigns_of(&self, activity: &str) -> BTreeSet<String> {
        let remembered = self.shared.campaigns.lock();
        let remembered = remembered.unwrap_or_else(PoisonError::into_inner);
        remembered.get(activity).cloned().unwrap_or_default()
    }

    fn remember_campaigns(&self, activity: &str, campaigns: &BTreeSet<String>) {
        let remembered = self.shared.campaigns.lock();
        let mut remembered = remembered.unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= ACTIVITIES_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(activity.to_owned(), campaigns.clone());
    }
}

fn share_of(partition: u32, share: Value) -> Result<Share, Error> {
    let strange = || {
        Error::Fatal(format!(
            "Redis answered a read of partition {partition} in an unknown form"
        ))
    };
    let Value::Array(mut list) = share else {
        return Err(strange());
    };
    let offset = list.first().and_then(Value::as_u64).ok_or_else(strange)?;
    let log_time = list.get(1).and_then(Value::as_i64).ok_or_else(strange)?;
    Ok(Share {
        stamp: Stamp {
            partition,
            offset,
            log_time,
        },
        groups: list.drain(2..).collect(),
    })
}

fn field_names(values: &Value) -> Vec<String> {
    match values {
        Value::Array(list) => list
            .iter()
            .step_by(2)
            .filter_map(Value::as_string)
            .collect(),
        _ => Vec::new(),
    }
}
