//! A look at an OpenSearch that writes nothing: what it holds, how far, and whether its disks have room.

use std::collections::BTreeMap;

use opensearch::http::Method;
use serde_json::Value;

use super::Store;
use super::http::{Content, Kind};
use super::index::Names;
use crate::{Error, Finding};

/// OpenSearch's own: at this share of a disk it moves shards away, and at the next it blocks its indices.
const HIGH_WATERMARK: f64 = 90.0;

impl Store {
    /// The nodes whose disk is all but full; none where the user may not see the disks.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn full_disks(&self) -> Result<Vec<Finding>, Error> {
        match self.look("/_cat/allocation?format=json").await {
            Ok(disks) => Ok(full(&disks)),
            Err(Error::Fatal(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The server's version; `unknown` when it doesn't say.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn version(&self) -> Result<String, Error> {
        let version = &self.look("/").await?["version"]["number"];
        Ok(version.as_str().unwrap_or("unknown").to_owned())
    }

    /// The definitions that have an index under this prefix, with its name.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn definitions(&self) -> Result<BTreeMap<String, String>, Error> {
        let path = format!("/{}-*/_mapping", self.names.base);
        let query = [("filter_path", "*.mappings._meta")];
        let reply = self
            .http
            .send(Kind::Repeatable, Method::Get, &path, &query, Content::None)
            .await?;
        let indices = reply.ok("show the mappings of its indices")?;
        Ok(indices
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(index, found)| {
                let definition = found["mappings"]["_meta"]["definition"].as_str()?;
                // Under an empty prefix the pattern also finds other prefixes' indices.
                let ours = *index == Names::index_of(&self.names.base, definition);
                ours.then(|| (definition.to_owned(), index.clone()))
            })
            .collect())
    }

    async fn look(&self, path: &str) -> Result<Value, Error> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query: Vec<(&str, &str)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let reply = self
            .http
            .send(Kind::Repeatable, Method::Get, path, &query, Content::None)
            .await?;
        reply.ok(&format!("answer {path}"))
    }
}

fn full(disks: &Value) -> Vec<Finding> {
    disks
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|disk| {
            let used: f64 = disk["disk.percent"].as_str()?.parse().ok()?;
            let node = disk["node"].as_str().unwrap_or("unknown");
            (used >= HIGH_WATERMARK).then(|| {
                Finding::warning(format!(
                    "the disk of OpenSearch node {node} is {used} % full; at 95 % OpenSearch makes its indices read-only by default: free space, or add a node"
                ))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_with_a_full_disk_is_named() {
        let disks = json!([
            {"node": "one", "disk.percent": "40"},
            {"node": "two", "disk.percent": "93"},
            {"node": "UNASSIGNED", "disk.percent": null},
        ]);
        let findings = full(&disks);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].sentence.contains("two"), "{findings:?}");
    }
}
