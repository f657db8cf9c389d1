//! The aliases: which indices they point at, and moving the analysts' one.

use std::collections::BTreeMap;

use opensearch::http::Method;
use serde_json::{Value, json};

use super::Store;
use super::http::{Content, Kind};
use crate::Error;

impl Store {
    /// The indices that the analysts' alias points at.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer.
    pub async fn published(&self) -> Result<Vec<String>, Error> {
        let holders = self.holders(&self.names.analysts).await?;
        Ok(holders.into_keys().collect())
    }

    /// The indices that a name stands for, as the server has them: those that have it as their alias, or the one that is
    /// called so.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer.
    pub(super) async fn holders(&self, name: &str) -> Result<BTreeMap<String, Value>, Error> {
        let path = format!("/{name}");
        let found = self
            .http
            .find(&path, &[], "show what an alias points at")
            .await?;
        let all = found.as_ref().and_then(Value::as_object).cloned();
        Ok(all.unwrap_or_default().into_iter().collect())
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
        let reply = self
            .http
            .send(Kind::Repeatable, Method::Post, "/_aliases", &[], body)
            .await?;
        reply.ok("move the analysts' alias").map(drop)
    }
}
