//! The indices of past definitions: which there are, and dropping whole ones that nobody uses.
//!
//! A change of the definition makes another index; the one before stays. Only whole indices are dropped, never
//! documents, and only those that Footfall has made for this prefix, that analysts are not shown, that are not the
//! configured definition's, and that nobody has written to for the time asked for.

use std::time::Duration;

use jiff::Timestamp;
use opensearch::http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::Config;
use super::http::{Content, Http, Kind};
use super::index::Names;
use crate::{Error, metrics as names};

/// More indices than a deployment ever has; OpenSearch must name a number.
const MOST: usize = 10_000;

/// Index names under one prefix end in a definition's id: so many hexadecimal digits.
const ID_DIGITS: usize = 16;

/// The indices under one prefix.
#[derive(Debug)]
pub struct Indices {
    http: Http,
    names: Names,
    /// What stands before a definition's id in a name.
    base: String,
}

/// One index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// The definition that it was made for; none where Footfall hasn't made it.
    pub definition: Option<String>,
    /// Documents, of one copy.
    pub documents: u64,
    /// Bytes on disk, of all copies.
    pub bytes: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used to hold something: made, or written to, or brought further along the log.
    pub fresh: Timestamp,
    /// Whether the analysts' alias points at it.
    pub published: bool,
    /// An alias that isn't Footfall's and points at it: somebody uses it under that name.
    pub alias: Option<String>,
    /// Whether it is the configured definition's.
    pub active: bool,
    /// Write operations that its nodes have counted since they started.
    #[serde(skip)]
    writes: u64,
}

impl Index {
    /// Why it is not dropped; nothing when it may be.
    pub fn kept(&self, now: Timestamp, older_than: Duration) -> Option<&'static str> {
        let age = now.duration_since(self.fresh);
        if self.definition.is_none() {
            Some("not made by Footfall")
        } else if self.active {
            Some("holds the configured definition")
        } else if self.published {
            Some("analysts are shown it")
        } else if self.alias.is_some() {
            Some("an alias of your own points at it")
        } else if Duration::try_from(age).is_ok_and(|age| age >= older_than) {
            None
        } else {
            Some("made or written to since then")
        }
    }
}

impl Indices {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the configuration can't be used.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let id = config.definition.id();
        let names = Names::new(&config.prefix, &id)?;
        Ok(Self {
            http: Http::new(&config.urls, &config.access)?,
            base: names.index[..names.index.len() - id.len()].to_owned(),
            names,
        })
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer.
    pub async fn list(&self) -> Result<Vec<Index>, Error> {
        let every = format!("/{}*", self.base);
        let query = [("flat_settings", "true"), ("expand_wildcards", "all")];
        let shown = self.get(&every, &query, "show the indices").await?;
        let path = format!("{every}/_stats/docs,store,indexing");
        let query = [
            ("expand_wildcards", "all"),
            ("forbid_closed_indices", "false"),
        ];
        let stats = self.get(&path, &query, "show what indices hold").await?;
        let newest = self.newest_records(&every).await?;
        let all = shown.as_object().into_iter().flatten();
        let mut all: Vec<Index> = all
            .filter(|(name, _)| self.is_of_this_prefix(name))
            .map(|(name, shown)| self.index(name, shown, &stats["indices"][name], &newest))
            .collect();
        all.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
        Ok(all)
    }

    /// Sets the gauge of the indices that might be dropped: of those that nobody has written to for so long.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer, or refuses.
    pub async fn count_unused(&self, older_than: Duration) -> Result<usize, Error> {
        let (all, now) = (self.list().await?, Timestamp::now());
        let unused = all.iter().filter(|of| of.kept(now, older_than).is_none());
        let unused = unused.count();
        metrics::gauge!(names::UNUSED_INDICES).set(unused as f64);
        Ok(unused)
    }

    /// Drops the index, unless it has been written to, published or used otherwise since it was listed.
    ///
    /// # Errors
    /// [`Error::Unanswerable`] with why it is kept; else when OpenSearch doesn't answer, or refuses.
    pub async fn drop_index(&self, listed: &Index, older_than: Duration) -> Result<(), Error> {
        let name = &listed.name;
        let now = self.list().await?;
        let Some(index) = now.iter().find(|index| index.name == *name) else {
            return Err(Error::Unanswerable(format!("{name} is gone already")));
        };
        let kept = if index.writes > listed.writes {
            Some("written to this very moment")
        } else {
            index.kept(Timestamp::now(), older_than)
        };
        if let Some(why) = kept {
            return Err(Error::Unanswerable(format!("{name} is kept: {why}")));
        }
        let path = format!("/{name}");
        let sent = self
            .http
            .send(Kind::Repeatable, Method::Delete, &path, &[], Content::None);
        let reply = sent.await?;
        if reply.status == 404 {
            // Sent twice, or somebody else was quicker.
            return Ok(());
        }
        reply.ok("drop an index (indices:admin/delete)").map(drop)
    }

    fn is_of_this_prefix(&self, name: &str) -> bool {
        name.strip_prefix(&self.base).is_some_and(|id| {
            id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }

    fn index(&self, name: &str, shown: &Value, stats: &Value, newest: &Value) -> Index {
        let moment = |ms: Option<i64>| Timestamp::from_millisecond(ms.unwrap_or(0)).ok();
        let created = shown["settings"]["index.creation_date"].as_str();
        let created = moment(created.and_then(|ms| ms.parse().ok())).unwrap_or_default();
        let buckets = newest["aggregations"]["index"]["buckets"].as_array();
        let record = buckets.into_iter().flatten().find(|one| one["key"] == name);
        let record = record.and_then(|one| one["newest"]["value"].as_f64());
        // Servers before 3.0 don't say it.
        let written = &stats["total"]["indexing"]["max_last_index_request_timestamp"];
        let fresh = [
            Some(created),
            moment(record.map(|ms| ms as i64)),
            moment(written.as_i64()),
        ];
        Index {
            name: name.to_owned(),
            definition: shown["mappings"]["_meta"]["definition"]
                .as_str()
                .map(str::to_owned),
            documents: stats["primaries"]["docs"]["count"].as_u64().unwrap_or(0),
            bytes: stats["total"]["store"]["size_in_bytes"]
                .as_u64()
                .unwrap_or(0),
            created,
            fresh: fresh.into_iter().flatten().max().unwrap_or(created),
            published: !shown["aliases"][&self.names.analysts].is_null(),
            alias: self.strange_alias(name, &shown["aliases"]),
            active: name == self.names.index,
            writes: stats["total"]["indexing"]["index_total"]
                .as_u64()
                .unwrap_or(0),
        }
    }

    fn strange_alias(&self, index: &str, aliases: &Value) -> Option<String> {
        let writes = format!("{index}-write");
        let ours = |alias: &str| alias.starts_with(&writes) || alias == self.names.analysts;
        let mut names = aliases.as_object().into_iter().flatten();
        let found = names.find(|(alias, _)| !ours(alias));
        found.map(|(alias, _)| alias.clone())
    }

    /// The moment of the last record that each index holds, by its checkpoints.
    async fn newest_records(&self, every: &str) -> Result<Value, Error> {
        let path = format!("{every}/_search");
        let query = [
            ("ignore_unavailable", "true"),
            ("expand_wildcards", "open,hidden"),
        ];
        let body = json!({
            "size": 0,
            "query": {"term": {"doc": "checkpoint"}},
            "aggs": {"index": {
                "terms": {"field": "_index", "size": MOST},
                "aggs": {"newest": {"max": {"field": "log_time"}}},
            }},
        });
        let sent = self.http.send(
            Kind::Question,
            Method::Post,
            &path,
            &query,
            Content::Json(body),
        );
        sent.await?.ok("look how far indices are")
    }

    async fn get(&self, path: &str, query: &[(&str, &str)], tried: &str) -> Result<Value, Error> {
        let sent = self
            .http
            .send(Kind::Question, Method::Get, path, query, Content::None);
        sent.await?.ok(tried)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use pipeline::definition::Definition;

    use super::super::Access;
    use super::*;

    fn indices(prefix: &str) -> Indices {
        let config = Config {
            urls: vec!["http://127.0.0.1:9200".to_owned()],
            access: Access::default(),
            prefix: prefix.to_owned(),
            definition: Definition::default(),
            shards: 1,
            replicas: 0,
            documents_per_second: 0,
        };
        Indices::new(&config).unwrap()
    }

    #[test]
    fn only_names_of_this_prefix_are_its_indices() {
        let (bare, shop) = (indices(""), indices("shop"));
        for (name, of_bare, of_shop) in [
            ("footfall-0123456789abcdef", true, false),
            ("footfall-shop-0123456789abcdef", false, true),
            ("footfall-0123456789abcdef-write", false, false),
            ("footfall-views", false, false),
            ("other-0123456789abcdef", false, false),
        ] {
            assert_eq!(bare.is_of_this_prefix(name), of_bare, "{name}");
            assert_eq!(shop.is_of_this_prefix(name), of_shop, "{name}");
        }
        assert!(bare.is_of_this_prefix(&bare.names.index));
    }

    #[test]
    fn what_is_used_or_young_or_foreign_is_kept() {
        let day = Duration::from_secs(86_400);
        let now: Timestamp = "2026-03-31T00:00:00Z".parse().unwrap();
        let old = Index {
            name: "footfall-0123456789abcdef".to_owned(),
            definition: Some("0123456789abcdef".to_owned()),
            documents: 1,
            bytes: 1,
            created: now - day * 40,
            fresh: now - day * 30,
            published: false,
            alias: None,
            active: false,
            writes: 0,
        };
        assert_eq!(old.kept(now, day * 30), None);
        assert!(old.kept(now, day * 31).is_some());
        let others = [
            Index {
                published: true,
                ..old.clone()
            },
            Index {
                alias: Some("of-somebody".to_owned()),
                ..old.clone()
            },
            Index {
                active: true,
                ..old.clone()
            },
            Index {
                definition: None,
                ..old.clone()
            },
            Index {
                fresh: now,
                ..old.clone()
            },
            // A clock that is behind makes nothing old.
            Index {
                fresh: now + day,
                ..old
            },
        ];
        for index in others {
            assert!(index.kept(now, day * 30).is_some(), "{index:?}");
        }
    }

    #[test]
    fn an_index_is_as_fresh_as_its_last_write_or_record() {
        let indices = indices("");
        let name = "footfall-0123456789abcdef";
        let shown =
            json!({"settings": {"index.creation_date": "1000"}, "aliases": {"footfall-views": {}}});
        let newest = json!({"aggregations": {"index": {"buckets": [{"key": name, "newest": {"value": 5000.0}}]}}});
        let stats = |written: i64| json!({"total": {"indexing": {"max_last_index_request_timestamp": written}}});
        let fresh = |stats: &Value, newest: &Value| {
            let index = indices.index(name, &shown, stats, newest);
            assert!(index.published && !index.active && index.definition.is_none());
            index.fresh.as_millisecond()
        };
        assert_eq!(fresh(&stats(0), &Value::Null), 1000);
        assert_eq!(fresh(&Value::Null, &newest), 5000);
        assert_eq!(fresh(&stats(7000), &newest), 7000);
    }
}
