//! The copies of each shard: kept as configured, and what to say where nodes are too few for them.

use opensearch::http::Method;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::http::{Content, Kind};
use super::index::{ACTIVE_COPIES, REPLICAS, WAIT};
use super::settings::number;
use super::{Store, transient};
use crate::Error;

impl Store {
    /// Brings an index that is there already to the replicas of this configuration. For who owns the index: a processor, not who reads.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer, or doesn't show the index.
    pub async fn keep_replicas(&self) -> Result<(), Error> {
        let path = format!("/{}/_settings", self.names.index);
        let query = [("flat_settings", "true")];
        let reply = self
            .http
            .send(Kind::Repeatable, Method::Get, &path, &query, Content::None)
            .await?;
        if reply.status == 404 {
            return Err(transient("the index was deleted while it was looked at"));
        }
        let found = reply.ok("show the index's settings")?;
        for (setting, value) in self.other_settings(&found[&self.names.index]["settings"]) {
            info!(index = self.names.index, "{setting} is set to {value}");
            let body = Content::Json(json!({setting: value}));
            let reply = self
                .http
                .send(Kind::Repeatable, Method::Put, &path, &[], body)
                .await?;
            // A block, or no permission: the index takes writes as it is, or says why it doesn't.
            if let Err(error) = reply.ok("change the index's settings") {
                warn!(index = self.names.index, "{error}");
            }
        }
        Ok(())
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
        let held = number(&found[REPLICAS]);
        let replicas = &self.index_body["settings"]["index"]["number_of_replicas"];
        if !automatic && held != replicas.as_u64() {
            changed.push((REPLICAS, replicas.clone()));
        }
        changed
    }

    /// A node may only be down, so it is no reason to refuse; nor is a cluster that doesn't tell.
    pub(super) fn too_few_nodes(&self, health: &Value) -> Option<String> {
        let nodes = health["number_of_data_nodes"].as_u64()?;
        let replicas = self.index_body["settings"]["index"]["number_of_replicas"].as_u64()?;
        too_few_nodes(nodes, replicas)
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
