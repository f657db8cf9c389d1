//! Index templates of the cluster that match our index: found before it is made.
//!
//! A template is merged into what we ask for. What we say ourselves wins, setting by setting and field by field, so that
//! most templates change nothing that matters; the others are refused by name.

use opensearch::http::Method;
use serde_json::{Map, Value};

use super::Store;
use super::check::{of_mapping, of_settings};
use super::http::Content;
use super::reply::Reply;
use crate::{Error, Finding};

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
        let sent = self.http.ask(Method::Get, &path, &[], Content::None);
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
        let sent = self.http.ask(Method::Post, &path, &[], Content::None);
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

/// Whether a pattern, in which `*` stands for any text, covers the whole name.
fn is_match(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(behind) = name.strip_prefix(head) else {
        return false;
    };
    let ends = behind
        .char_indices()
        .map(|(at, _)| at)
        .chain([behind.len()]);
    ends.into_iter().any(|at| is_match(rest, &behind[at..]))
}

/// Both, ours before theirs wherever both say something. Of a composable template and us, a field is of one; of one of
/// the older kind and us, every part of a field is.
fn merged(theirs: &Value, ours: &Value, deep: bool) -> Value {
    let (Some(parts), Some(own)) = (theirs.as_object(), ours.as_object()) else {
        return if ours.is_null() { theirs } else { ours }.clone();
    };
    let mut both = parts.clone();
    for (name, value) in own {
        let value = match parts.get(name) {
            Some(held) if deep || name == "properties" => merged(held, value, deep),
            _ => value.clone(),
        };
        both.insert(name.clone(), value);
    }
    Value::Object(both)
}

/// Settings by dotted names, as text: `{"index": {"a": {"b": 1}}}` is `{"index.a.b": "1"}`.
fn flat(settings: &Value) -> Value {
    let mut all = Map::new();
    flatten("", settings, &mut all);
    Value::Object(all)
}

fn flatten(name: &str, value: &Value, to: &mut Map<String, Value>) {
    match value {
        Value::Object(parts) => {
            for (part, value) in parts {
                let dot = if name.is_empty() { "" } else { "." };
                flatten(&format!("{name}{dot}{part}"), value, to);
            }
        }
        Value::Null => {}
        value => {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            // A template of the older kind may leave the first part out.
            let prefix = if name.starts_with("index.") {
                ""
            } else {
                "index."
            };
            to.insert(format!("{prefix}{name}"), Value::String(text));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use serde_json::json;

    use super::super::index::body;
    use super::*;

    const INDEX: &str = "footfall-0123";

    fn template(body: Value) -> Template {
        let found = json!({"index_templates": [
            {"name": "other", "index_template": {"index_patterns": ["logs-*"], "template": {}}},
            {"name": "theirs", "index_template": {"index_patterns": ["x", "foot*"], "priority": 3, "template": body}},
        ]});
        let mut all = composable(&found, INDEX);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn judged(template: Value) -> Finding {
        judge(INDEX, &body("0123", 1, 0), &self::template(template))
    }

    #[test]
    fn a_pattern_covers_names_as_in_opensearch() {
        for (pattern, name, covers) in [
            ("*", "footfall-1", true),
            ("foot*", "footfall-1", true),
            ("*fall*1", "footfall-1", true),
            ("footfall-1", "footfall-1", true),
            ("footfall", "footfall-1", false),
            ("*-2", "footfall-1", false),
            ("가*", "가을", true),
        ] {
            assert_eq!(is_match(pattern, name), covers, "{pattern}");
        }
    }

    #[test]
    fn a_template_that_only_adds_is_a_warning_that_names_it() {
        let finding = judged(json!({
            "settings": {"index": {"translog": {"durability": "async"}, "codec": "zstd"}},
            "mappings": {"dynamic": "true", "_source": {"enabled": false}, "properties": {"extra": {"type": "text"}, "kind": {"type": "text"}}},
            "aliases": {"all": {}},
        }));
        assert!(!finding.refused, "{finding:?}");
        for word in ["theirs", "index.codec", "extra", "all"] {
            assert!(finding.sentence.contains(word), "{finding:?}");
        }
    }

    #[test]
    fn a_template_whose_search_pipeline_we_would_take_over_is_refused_by_name() {
        let finding = judged(json!({"settings": {"index.search.default_pipeline": "theirs-too"}}));
        assert!(finding.refused, "{finding:?}");
        for word in [
            "template theirs",
            "theirs-too",
            "DELETE /_index_template/theirs",
        ] {
            assert!(finding.sentence.contains(word), "{finding:?}");
        }
    }

    #[test]
    fn a_template_of_data_streams_is_refused() {
        let mut template = template(json!({}));
        template.makes_streams = true;
        assert!(judge(INDEX, &body("0123", 1, 0), &template).refused);
    }

    #[test]
    fn templates_of_the_older_kind_are_found_by_their_patterns() {
        let found = json!({
            "old": {"order": 2, "index_patterns": ["footfall-*"], "settings": {"refresh_interval": "5s"}},
            "other": {"order": 1, "index_patterns": ["logs-*"]},
        });
        let all = legacy(&found, INDEX);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].name.as_str(), all[0].kind), ("old", OLDER));
    }

    #[test]
    fn a_template_of_the_older_kind_is_merged_into_every_part_of_a_field() {
        let theirs = json!({"properties": {"kind": {"type": "text", "doc_values": false}}});
        let found = json!({"old": {"index_patterns": ["*"], "mappings": theirs}});
        let finding = judge(INDEX, &body("0123", 1, 0), &legacy(&found, INDEX)[0]);
        assert!(
            finding.refused && finding.sentence.contains("doc_values"),
            "{finding:?}"
        );
        assert!(!judged(json!({"mappings": theirs})).refused);
    }
}
