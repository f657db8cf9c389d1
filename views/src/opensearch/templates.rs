//! Index templates of the cluster that match our index: found before it is made.
//!
//! A template is merged into what we ask for. What we say ourselves wins, setting by setting and field by field, so that
//! most templates change nothing that matters; the others are refused by name.

use opensearch::http::Method;
use serde_json::Value;

use super::Store;
use super::check::of_mapping;
use super::http::{Content, Kind};
use super::reply::Reply;
use super::settings::of_settings;
use crate::{Error, Finding};

mod merge;

use merge::{flat, is_match, merged};

const COMPOSABLE: &str = "_index_template";
const OLDER: &str = "_template";

/// A template that matches, with what it adds.
#[derive(Debug, PartialEq)]
struct Template {
    name: String,
    /// [`COMPOSABLE`] or [`OLDER`]: where it is.
    kind: &'static str,
    /// Of its kind, who is asked first, or last.
    rank: i64,
    /// Whether it makes data streams, and no index.
    makes_streams: bool,
    body: Value,
}

impl Store {
    /// What templates would make of our index.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer. Who may not see templates is told so: the index is checked when it is made.
    pub(super) async fn findings_of_templates(&self) -> Result<Vec<Finding>, Error> {
        let composable = match self.templates(COMPOSABLE).await? {
            Ok(found) => composable(&found, &self.names.index),
            Err(finding) => return Ok(vec![finding]),
        };
        // Where a composable one matches, OpenSearch asks no other, nor one of the older kind.
        let first = composable.into_iter().max_by_key(|template| template.rank);
        let matching = match first {
            Some(mut template) => {
                if let Some(body) = self.resolved().await? {
                    template.body = body;
                }
                vec![template]
            }
            None => match self.templates(OLDER).await? {
                Ok(found) => legacy(&found, &self.names.index),
                Err(finding) => return Ok(vec![finding]),
            },
        };
        let findings = matching
            .iter()
            .map(|template| judge(&self.names.index, &self.index_body, template));
        Ok(findings.collect())
    }

    async fn templates(&self, kind: &str) -> Result<Result<Value, Finding>, Error> {
        let path = format!("/{kind}");
        let sent = self
            .http
            .send(Kind::Question, Method::Get, &path, &[], Content::None);
        let reply: Reply = sent.await?;
        if reply.status == 403 {
            return Ok(Err(Finding::warning(
                "this user may not see OpenSearch's index templates, so that only the index itself can be checked when it is \
                 made; allow indices:admin/index_template/get and indices:admin/template/get",
            )));
        }
        reply.ok("show the index templates").map(Ok)
    }

    /// What the first composable template and its components add up to.
    async fn resolved(&self) -> Result<Option<Value>, Error> {
        let path = format!("/_index_template/_simulate_index/{}", self.names.index);
        let sent = self
            .http
            .send(Kind::Question, Method::Post, &path, &[], Content::None);
        let mut reply = sent.await?;
        Ok((reply.status == 200).then(|| reply.body["template"].take()))
    }
}

/// What one template does to our index.
fn judge(index: &str, ours: &Value, template: &Template) -> Finding {
    let (name, kind) = (&template.name, template.kind);
    let mend = format!(
        "give it a pattern that doesn't match {index}, or remove it (DELETE /{kind}/{name}), or give this deployment another \
         opensearch.prefix"
    );
    if template.makes_streams {
        return Finding::refused(format!(
            "OpenSearch's index template {name} makes a data stream of every name that it matches, and it matches {index}; {mend}"
        ));
    }
    let deep = kind == OLDER;
    let mappings = merged(&template.body["mappings"], &ours["mappings"], deep);
    let settings = merged(
        &flat(&template.body["settings"]),
        &flat(&ours["settings"]),
        deep,
    );
    let mut wrong = of_mapping(&ours["mappings"], &mappings);
    let refused = of_settings(index, &settings).into_iter();
    wrong.extend(
        refused
            .filter(|finding| finding.refused)
            .map(|finding| finding.sentence),
    );
    if wrong.is_empty() {
        return Finding::warning(format!(
            "OpenSearch's index template {name} matches {index} and adds {}: Footfall needs nothing of it, and what Footfall \
             says itself wins; {mend}",
            additions(&template.body, ours)
        ));
    }
    Finding::refused(format!(
        "OpenSearch's index template {name} would spoil the index {index}: {}; {mend}",
        wrong.join("; ")
    ))
}

/// What a template says that we don't.
fn additions(template: &Value, ours: &Value) -> String {
    let new = |of: Value, known: Value| -> Vec<String> {
        let names = of.as_object().into_iter().flatten();
        names
            .map(|(name, _)| name.clone())
            .filter(|name| known[name].is_null())
            .collect()
    };
    let mut all = new(flat(&template["settings"]), flat(&ours["settings"]));
    all.extend(new(
        template["mappings"]["properties"].clone(),
        ours["mappings"]["properties"].clone(),
    ));
    all.extend(new(template["aliases"].clone(), Value::Null));
    if all.is_empty() {
        return "nothing".to_owned();
    }
    all.join(", ")
}

fn composable(found: &Value, index: &str) -> Vec<Template> {
    let all = found["index_templates"].as_array().into_iter().flatten();
    all.filter(|one| matches(&one["index_template"]["index_patterns"], index))
        .map(|one| {
            let body = &one["index_template"];
            Template {
                name: one["name"].as_str().unwrap_or_default().to_owned(),
                kind: COMPOSABLE,
                rank: body["priority"].as_i64().unwrap_or(0),
                makes_streams: !body["data_stream"].is_null(),
                body: body["template"].clone(),
            }
        })
        .collect()
}

fn legacy(found: &Value, index: &str) -> Vec<Template> {
    let all = found.as_object().into_iter().flatten();
    all.filter(|(_, body)| matches(&body["index_patterns"], index))
        .map(|(name, body)| Template {
            name: name.clone(),
            kind: OLDER,
            rank: body["order"].as_i64().unwrap_or(0),
            makes_streams: false,
            body: body.clone(),
        })
        .collect()
}

fn matches(patterns: &Value, index: &str) -> bool {
    let mut patterns = patterns.as_array().into_iter().flatten();
    patterns.any(|pattern| is_match(pattern.as_str().unwrap_or_default(), index))
}

#[cfg(test)]
mod tests;
