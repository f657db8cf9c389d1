//! The index: its names, its mapping, its creation, and the alias for analysts.
//!
//! The mapping is strict: a field nobody planned is refused, never guessed. An index that names
//! another definition or layout is refused, never overwritten.

use opensearch::http::Method;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::http::Content;
use super::{Store, transient};
use crate::Error;

/// Changes whenever documents or mapping change so that older ones can't be read alike.
pub(super) const LAYOUT: u32 = 1;

/// Copies of a shard that must be there for a write to begin: the primary.
const ACTIVE_COPIES: &str = "1";
const WAIT: &str = "index.write.wait_for_active_shards";
const REPLICAS: &str = "index.number_of_replicas";

/// OpenSearch takes index names of at most 255 bytes; this leaves room for the rest of ours.
const MAX_PREFIX: usize = 128;

/// The names of one definition's index and aliases.
#[derive(Debug)]
pub(super) struct Names {
    /// What every name begins with: `footfall-<prefix>`.
    pub base: String,
    /// The index: `footfall-<prefix>-<definition id>`.
    pub index: String,
    /// The alias that writes go to. A write that needs an alias never creates an index, as one to
    /// a deleted index would on most clusters: without mapping, hence with guessed fields.
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
            write: format!("{base}-{definition}-write"),
            analysts: format!("{base}-views"),
            base,
        })
    }

    /// The index of a definition.
    pub(super) fn index_of(base: &str, definition: &str) -> String {
        format!("{base}-{definition}")
    }
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
        }},
        "mappings": {
            "dynamic": "strict",
            "_meta": {"definition": definition, "layout": LAYOUT},
            "_routing": {"required": true},
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
    /// Creates the index if there is none; checks the one that is there.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the index of that name holds something else.
    pub(super) async fn ensure_index(&self) -> Result<(), Error> {
        let path = format!("/{}", self.names.index);
        let query = [("flat_settings", "true")];
        let mut reply = self
            .http
            .send(Method::Get, &path, &query, Content::None)
            .await?;
        if reply.status == 404 {
            let mut body = self.index_body.clone();
            body["aliases"] = json!({self.names.write.as_str(): {}});
            let made = self
                .http
                .send(Method::Put, &path, &[], Content::Json(body))
                .await?;
            // Another process may create it at the same moment.
            if !made.is_error("resource_already_exists_exception") {
                made.ok("create the index")?;
            }
            reply = self
                .http
                .send(Method::Get, &path, &query, Content::None)
                .await?;
        }
        if reply.status == 404 {
            return Err(transient(
                "the index was deleted while it was being created",
            ));
        }
        let found = reply.ok("show the index")?;
        self.check_index(&found[&self.names.index])
    }

    pub(super) fn check_index(&self, found: &Value) -> Result<(), Error> {
        let name = &self.names.index;
        let (wanted, meta) = (
            &self.index_body["mappings"]["_meta"],
            &found["mappings"]["_meta"],
        );
        if meta != wanted {
            return Err(Error::Fatal(format!(
                "the OpenSearch index {name} was made for {meta}, not for {wanted}; delete the \
                 index so that it is filled anew, or give this deployment another prefix"
            )));
        }
        let replication = &found["settings"]["index.replication.type"];
        if !replication.is_null() && replication != "DOCUMENT" {
            return Err(Error::Fatal(format!(
                "the OpenSearch index {name} replicates by {replication}, which can lose \
                 acknowledged documents; delete it, so that it is made with DOCUMENT and filled anew"
            )));
        }
        if found["aliases"][&self.names.write].is_null() {
            return Err(Error::Fatal(format!(
                "the OpenSearch index {name} lacks its alias {}; add the alias, or delete the \
                 index so that it is filled anew",
                self.names.write
            )));
        }
        Ok(())
    }

    /// Brings an index that is there already to the replicas of this configuration, and warns where the cluster has
    /// too few nodes for them. For who owns the index: a processor, not who reads.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer, or doesn't show the index.
    pub async fn keep_replicas(&self) -> Result<(), Error> {
        let path = format!("/{}/_settings", self.names.index);
        let query = [("flat_settings", "true")];
        let reply = self
            .http
            .send(Method::Get, &path, &query, Content::None)
            .await?;
        if reply.status == 404 {
            return Err(transient("the index was deleted while it was looked at"));
        }
        let found = reply.ok("show the index's settings")?;
        for (setting, value) in self.other_settings(&found[&self.names.index]["settings"]) {
            info!(index = self.names.index, "{setting} is set to {value}");
            let body = Content::Json(json!({setting: value}));
            let reply = self.http.send(Method::Put, &path, &[], body).await?;
            // A block, or no permission: the index takes writes as it is, or says why it doesn't.
            if let Err(error) = reply.ok("change the index's settings") {
                warn!(index = self.names.index, "{error}");
            }
        }
        self.warn_of_few_nodes().await
    }

    /// What must be set for an index to be as this configuration makes it, in this order: replicas that are fewer
    /// than what a write waits for are refused.
    fn other_settings(&self, found: &Value) -> Vec<(&'static str, Value)> {
        let mut changed = Vec::new();
        let active = &found[WAIT];
        if !active.is_null() && active != ACTIVE_COPIES {
            changed.push((WAIT, Value::from(ACTIVE_COPIES)));
        }
        // Where OpenSearch itself chooses their number, its operators said so.
        let automatic = found["index.auto_expand_replicas"]
            .as_str()
            .is_some_and(|range| range != "false");
        // Numbers come back as text.
        let held: Option<u64> = found[REPLICAS].as_str().and_then(|text| text.parse().ok());
        let replicas = &self.index_body["settings"]["index"]["number_of_replicas"];
        if !automatic && held != replicas.as_u64() {
            changed.push((REPLICAS, replicas.clone()));
        }
        changed
    }

    /// A node may only be down, so it is no reason to refuse; nor is a cluster that doesn't tell.
    async fn warn_of_few_nodes(&self) -> Result<(), Error> {
        let path = "/_cluster/health";
        let reply = self
            .http
            .send(Method::Get, path, &[], Content::None)
            .await?;
        let nodes = reply.body["number_of_data_nodes"].as_u64();
        let replicas = self.index_body["settings"]["index"]["number_of_replicas"].as_u64();
        if let (Some(nodes), Some(replicas)) = (nodes, replicas)
            && let Some(sentence) = too_few_nodes(nodes, replicas)
        {
            warn!(index = self.names.index, "{sentence}");
        }
        Ok(())
    }

    /// The indices that the analysts' alias points at.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer.
    pub async fn published(&self) -> Result<Vec<String>, Error> {
        let path = format!("/_alias/{}", self.names.analysts);
        let reply = self
            .http
            .send(Method::Get, &path, &[], Content::None)
            .await?;
        if reply.status == 404 {
            return Ok(Vec::new());
        }
        let found = reply.ok("show the analysts' alias")?;
        Ok(found
            .as_object()
            .into_iter()
            .flat_map(|all| all.keys().cloned())
            .collect())
    }

    /// Points the analysts' alias at this index alone, in one step.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer, or an index has the alias's name.
    pub async fn publish(&self) -> Result<(), Error> {
        let alias = &self.names.analysts;
        let mut actions = vec![json!({"add": {"index": self.names.index, "alias": alias}})];
        for index in self.published().await? {
            if index != self.names.index {
                actions.push(json!({"remove": {"index": index, "alias": alias}}));
            }
        }
        let body = Content::Json(json!({"actions": actions}));
        let reply = self.http.send(Method::Post, "/_aliases", &[], body).await?;
        reply.ok("move the analysts' alias").map(drop)
    }

    /// Makes what was written visible to searches.
    ///
    /// # Errors
    /// [`Error::Transient`] unless every copy that answers did it.
    pub(super) async fn refresh(&self) -> Result<(), Error> {
        let path = format!("/{}/_refresh", self.names.index);
        let reply = self
            .http
            .send(Method::Post, &path, &[], Content::None)
            .await?;
        if reply.status == 404 {
            return Err(transient(
                "the index was deleted; it will be made and filled anew",
            ));
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

/// What to say where so many data nodes can't hold every copy.
fn too_few_nodes(nodes: u64, replicas: u64) -> Option<String> {
    (replicas >= nodes).then(|| {
        let most = nodes.saturating_sub(1);
        format!(
            "opensearch.replicas is {replicas}, and OpenSearch has {nodes} data {}: not every copy has a node. Bring \
             back the nodes that are down, or set opensearch.replicas = {most} and start again",
            if nodes == 1 { "node" } else { "nodes" }
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_index_is_named_by_prefix_and_definition() {
        let names = Names::new("shop", "0123").unwrap();
        assert_eq!(names.index, "footfall-shop-0123");
        assert_eq!(names.write, "footfall-shop-0123-write");
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

    #[test]
    fn too_few_nodes_are_named_with_what_to_set() {
        assert_eq!(too_few_nodes(3, 2), None);
        assert_eq!(too_few_nodes(1, 0), None);
        for (nodes, replicas, most) in [(1, 1, 0), (2, 2, 1), (2, 5, 1)] {
            let sentence = too_few_nodes(nodes, replicas).unwrap();
            let set = format!("set opensearch.replicas = {most} ");
            assert!(sentence.contains(&set), "{sentence}");
        }
    }
}
