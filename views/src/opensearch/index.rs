//! The index: its names, its mapping, and its creation.
//!
//! The mapping is strict: a field nobody planned is refused, never guessed. An index that can't hold the views
//! (`check.rs`) is refused, never overwritten.

use opensearch::http::Method;
use serde_json::{Value, json};

use super::check::refuse;
use super::http::{Content, Kind};
use super::{Store, transient};
use crate::Error;

/// Changes whenever documents or mapping change so that older ones can't be read alike.
pub(super) const LAYOUT: u32 = 1;

/// Copies of a shard that must be there for a write to begin: the primary.
pub(super) const ACTIVE_COPIES: &str = "1";
pub(super) const WAIT: &str = "index.write.wait_for_active_shards";
pub(super) const REPLICAS: &str = "index.number_of_replicas";

/// Writes of a shard after which it is flushed: some fifty thousand of about 320 bytes.
const FLUSHED_AFTER: &str = "16mb";

/// OpenSearch takes index names of at most 255 bytes; this leaves room for the rest of ours.
const MAX_PREFIX: usize = 128;

/// The names of one definition's index and aliases.
#[derive(Debug)]
pub(super) struct Names {
    /// What every name begins with: `footfall-<prefix>`.
    pub base: String,
    /// The index: `footfall-<prefix>-<definition id>`.
    pub index: String,
    /// What the alias begins with that writes go to; see `generation.rs`. A write that needs an alias never creates an
    /// index, as one to a deleted index would on most clusters: without mapping, hence with guessed fields.
    pub write: String,
    /// The alias for analysts: `footfall-<prefix>-views`. It moves when a definition becomes the
    /// active one.
    pub analysts: String,
}

impl Names {
    /// The names behind `prefix`, which may be empty.
    ///
    /// # Errors
    /// [`Error::Fatal`] when OpenSearch would not take them.
    pub(super) fn new(prefix: &str, definition: &str) -> Result<Self, Error> {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
        if prefix.len() > MAX_PREFIX || !prefix.bytes().all(allowed) {
            return Err(Error::Fatal(format!(
                "the prefix {prefix:?} can't be in the name of an OpenSearch index; use at most \
                 {MAX_PREFIX} lower-case letters, digits, '_', '-' and '.'"
            )));
        }
        let base = if prefix.is_empty() {
            "footfall".to_owned()
        } else {
            format!("footfall-{prefix}")
        };
        Ok(Self {
            index: Self::index_of(&base, definition),
            write: format!("{base}-{definition}-write-"),
            analysts: format!("{base}-views"),
            base,
        })
    }

    /// The index of a definition.
    pub(super) fn index_of(base: &str, definition: &str) -> String {
        format!("{base}-{definition}")
    }
}

/// Whether an index that the server shows was made by Footfall, for whichever definition.
pub(super) fn is_of_ours(found: &Value) -> bool {
    found["mappings"]["_meta"]["definition"].is_string()
}

/// What an index is created with, but for its aliases.
pub(super) fn body(definition: &str, shards: u32, replicas: u32) -> Value {
    json!({
        "settings": {"index": {
            "number_of_shards": shards.max(1),
            "number_of_replicas": replicas,
            // Segment replication has lost acknowledged documents when a primary was promoted.
            "replication.type": "DOCUMENT",
            // Refreshed by the writer alone, so that rows show up with the checkpoint claiming them.
            "refresh_interval": "-1",
            // A write goes to every copy that is in sync, and waits for no copy that is missing: a node that is
            // down must not stop the history, and what a lost shard held is filled anew from the log.
            "write.wait_for_active_shards": ACTIVE_COPIES,
            // Said although they are the defaults: what is said here no template of the cluster changes.
            "translog.durability": "REQUEST",
            // A copy that comes back replays what was written since the last flush. A document is written anew again
            // and again: by the default, 512 MB, that is more than a million writes for a shard of some megabytes.
            "translog.flush_threshold_size": FLUSHED_AFTER,
            "mapping.ignore_malformed": false,
            "routing_partition_size": 1,
            "default_pipeline": "_none",
            "final_pipeline": "_none",
            "blocks": {"read": false, "write": false, "read_only": false, "metadata": false},
        }},
        "mappings": {
            "dynamic": "strict",
            "_meta": {"definition": definition, "layout": LAYOUT},
            "_routing": {"required": true},
            "_source": {"enabled": true},
            "properties": properties(),
        },
    })
}

fn properties() -> Value {
    let mut fields = json!({
        "doc": {"type": "keyword"},
        "partition": {"type": "short"},
        "campaign_id": {"type": "keyword"},
        "activity_id": {"type": "keyword"},
        "hour": {"type": "date", "format": "strict_date_time_no_millis||epoch_second"},
        "day": {"type": "date", "format": "strict_date"},
        "cell": {"type": "integer"},
        "kind": {"type": "keyword"},
        "device": {"type": "keyword"},
        "os": {"type": "keyword"},
        "is_new_user": {"type": "boolean"},
        "browser": {"type": "keyword"},
        "brand": {"type": "keyword"},
        "currency": {"type": "keyword"},
        "scope": {"type": "keyword"},
        "period": {"type": "keyword"},
        "period_start": {"type": "date", "format": "strict_date"},
        "log_time": {"type": "date", "format": "epoch_millis"},
    });
    // Summed, never searched for: they need columns, not an index.
    let sums = ["count", "amount", "offset"];
    for name in sums.into_iter().chain(super::people::PEOPLE_FIELDS) {
        fields[name] = json!({"type": "long", "index": false});
    }
    fields
}

impl Store {
    /// Creates the index if there is none, unless a template would spoil it; checks the one that is there.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the index of that name can't hold the views, with what to do.
    pub(super) async fn ensure_index(&self) -> Result<(), Error> {
        let mut found = self.show().await?;
        if found.is_none() {
            refuse(self.findings_of_templates().await?)?;
            self.create().await?;
            found = self.show().await?;
        }
        let found =
            found.ok_or_else(|| transient("the index was deleted while it was being created"))?;
        refuse(self.findings_of_index(&found))?;
        self.saw(&found);
        refuse(self.findings_of_write_alias().await?)
    }

    async fn create(&self) -> Result<(), Error> {
        let path = format!("/{}", self.names.index);
        let mut body = self.index_body.clone();
        body["aliases"] = json!({self.names.new_write_alias(&self.ends): {}});
        let body = Content::Json(body);
        let made = self
            .http
            .send(Kind::Repeatable, Method::Put, &path, &[], body)
            .await?;
        // Another process may create it at the same moment.
        if !made.is_error("resource_already_exists_exception") {
            made.ok("create the index")?;
        }
        Ok(())
    }

    /// The index as the server has it: its settings by dotted names, mappings and aliases.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer, or doesn't show it.
    pub(super) async fn show(&self) -> Result<Option<Value>, Error> {
        let path = format!("/{}", self.names.index);
        let query = [("flat_settings", "true")];
        let found = self.http.find(&path, &query, "show the index").await?;
        Ok(found.map(|mut found| found[&self.names.index].take()))
    }

    /// Makes what was written by `alias` visible to searches.
    ///
    /// # Errors
    /// [`Error::Transient`] unless every copy that answers did it.
    pub(super) async fn refresh(&self, alias: &str) -> Result<(), Error> {
        let path = format!("/{alias}/_refresh");
        let reply = self
            .http
            .send(Kind::Repeatable, Method::Post, &path, &[], Content::None)
            .await?;
        if reply.status == 404 {
            return Err(self.gone());
        }
        let done = reply.ok("refresh the index")?;
        if done["_shards"]["failed"] != 0 {
            return Err(transient(format!(
                "a shard was not refreshed: {}",
                done["_shards"]
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_index_is_named_by_prefix_and_definition() {
        let names = Names::new("shop", "0123").unwrap();
        assert_eq!(names.index, "footfall-shop-0123");
        assert_eq!(names.write, "footfall-shop-0123-write-");
        assert_eq!(names.analysts, "footfall-shop-views");
        assert_eq!(Names::new("", "0123").unwrap().index, "footfall-0123");
    }

    #[test]
    fn a_prefix_that_opensearch_refuses_is_refused_with_what_to_use() {
        for prefix in ["Shop", "a/b", "a*", "a b", &"x".repeat(200)] {
            assert!(
                matches!(Names::new(prefix, "0123"), Err(Error::Fatal(_))),
                "{prefix}"
            );
        }
    }

    #[test]
    fn the_mapping_is_strict_and_names_the_definition() {
        let body = body("0123", 1, 0);
        assert_eq!(body["mappings"]["dynamic"], "strict");
        assert_eq!(body["mappings"]["_meta"]["definition"], "0123");
        assert_eq!(body["settings"]["index"]["replication.type"], "DOCUMENT");
    }

    #[test]
    fn a_write_waits_for_no_copy_that_is_missing() {
        for replicas in [0, 1, 2] {
            let body = body("0123", 1, replicas);
            let settings = &body["settings"]["index"];
            assert_eq!(settings["write.wait_for_active_shards"], "1");
        }
    }
}
