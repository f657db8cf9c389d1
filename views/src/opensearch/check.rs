//! What is wrong with an index that is there: every way known to us in which it can lose, change or hide documents.

use opensearch::http::Method;
use serde_json::Value;

use super::http::{Content, Http, Kind};
use super::index::{Names, is_of_ours};
use super::settings::{number, of_settings};
use super::{Config, Store};
use crate::{Error, Finding};

impl Store {
    /// Looks at all that an index needs, and changes nothing. Where there is no index yet, it says what would become of
    /// one.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer, or the configuration can't be used.
    pub async fn inspect(config: Config) -> Result<Vec<Finding>, Error> {
        Self::open(config)?.findings().await
    }

    /// Every finding, refused or not.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer.
    pub async fn findings(&self) -> Result<Vec<Finding>, Error> {
        let mut findings = open_wires(&self.http);
        match self.show().await? {
            Some(found) => findings.extend(self.findings_of_index(&found)),
            None => findings.extend(self.findings_of_templates().await?),
        }
        findings.extend(self.findings_of_write_alias().await?);
        findings.extend(self.findings_of_analysts_alias().await?);
        findings.extend(self.findings_of_nodes().await?);
        Ok(findings)
    }

    /// What is wrong with the index that the server shows.
    pub(super) fn findings_of_index(&self, found: &Value) -> Vec<Finding> {
        let name = &self.names.index;
        let (wanted, meta) = (
            &self.index_body["mappings"]["_meta"],
            &found["mappings"]["_meta"],
        );
        if meta != wanted {
            return vec![Finding::refused(format!(
                "the OpenSearch index {name} was made for {meta}, not for {wanted}; delete the index so that it is filled \
                 anew, or give this deployment another prefix"
            ))];
        }
        let mut findings = Vec::new();
        let wrong = of_mapping(&self.index_body["mappings"], &found["mappings"]);
        if !wrong.is_empty() {
            findings.push(Finding::refused(format!(
                "the mapping of the OpenSearch index {name} can't hold the views: {}. Delete the index (DELETE /{name}), so \
                 that it is made and filled anew; if that ends the same, look for an index template that matches its name",
                wrong.join("; ")
            )));
        }
        findings.extend(of_settings(name, &found["settings"]));
        findings.extend(self.findings_of_shards(&found["settings"]));
        findings.extend(of_own_alias(&self.names, found));
        findings
    }

    fn findings_of_shards(&self, settings: &Value) -> Option<Finding> {
        let wanted = &self.index_body["settings"]["index"]["number_of_shards"];
        let held = number(&settings["index.number_of_shards"])?;
        (Some(held) != wanted.as_u64()).then(|| {
            Finding::warning(format!(
                "the OpenSearch index {} has {held} primary shards and opensearch.shards is {wanted}: their number is fixed \
                 when an index is made. Set opensearch.shards = {held}, or delete the index so that it is made and filled \
                 anew",
                self.names.index
            ))
        })
    }

    /// The alias that writes go to points at our index alone.
    pub(super) async fn findings_of_write_alias(&self) -> Result<Vec<Finding>, Error> {
        let index = &self.names.index;
        let holders = self.holders(&format!("{}*", self.names.write)).await?;
        Ok(holders
            .into_iter()
            .filter(|(other, _)| other != index)
            .map(|(other, found)| {
                let alias = self.names.write_alias(&found).unwrap_or(&other);
                Finding::refused(if other == *alias {
                    taken(alias)
                } else {
                    format!(
                        "the alias {alias}, by which {index} is written, points at the index {other} too; take it away: POST \
                         /_aliases {{\"actions\": [{{\"remove\": {{\"index\": \"{other}\", \"alias\": \"{alias}\"}}}}]}}"
                    )
                })
            })
            .collect())
    }

    /// Analysts ask one index of ours, and all of it.
    async fn findings_of_analysts_alias(&self) -> Result<Vec<Finding>, Error> {
        let alias = &self.names.analysts;
        let holders = self.holders(alias).await?;
        let mut findings = Vec::new();
        for (index, found) in &holders {
            if index == alias {
                findings.push(Finding::refused(taken(alias)));
            } else if !is_of_ours(found) {
                findings.push(Finding::warning(format!(
                    "the alias {alias}, which analysts ask, points at the index {index}, which Footfall has not made; take it \
                     away: POST /_aliases {{\"actions\": [{{\"remove\": {{\"index\": \"{index}\", \"alias\": \
                     \"{alias}\"}}}}]}}"
                )));
            } else if !found["aliases"][alias]["filter"].is_null() {
                findings.push(Finding::warning(format!(
                    "the alias {alias} shows analysts only what its filter lets through; if that is not meant, set the alias \
                     of {index} anew without one"
                )));
            }
        }
        if holders.len() > 1 {
            let names: Vec<&str> = holders.keys().map(String::as_str).collect();
            findings.push(Finding::warning(format!(
                "the alias {alias} points at {}: analysts who add up what it holds count twice; leave it on one of them",
                names.join(" and ")
            )));
        }
        Ok(findings)
    }

    async fn findings_of_nodes(&self) -> Result<Option<Finding>, Error> {
        let sent = self.http.send(
            Kind::Question,
            Method::Get,
            "/_cluster/health",
            &[],
            Content::None,
        );
        let health = sent.await?.body;
        Ok(self.too_few_nodes(&health).map(Finding::warning))
    }
}

/// Fails with all that is refused.
///
/// # Errors
/// [`Error::Fatal`] with a sentence for each.
pub(super) fn refuse(findings: impl IntoIterator<Item = Finding>) -> Result<(), Error> {
    let refused = findings.into_iter().filter(|finding| finding.refused);
    let sentences: Vec<String> = refused.map(|finding| finding.sentence).collect();
    if sentences.is_empty() {
        return Ok(());
    }
    Err(Error::Fatal(sentences.join("\n")))
}

fn open_wires(http: &Http) -> Vec<Finding> {
    let open = http.open_wires().iter();
    open.map(|name| {
        Finding::warning(format!(
            "the password of OpenSearch goes to {name} unencrypted; use an address that begins with https://"
        ))
    })
    .collect()
}

fn taken(alias: &str) -> String {
    format!(
        "an OpenSearch index is called {alias}, which is the name of an alias of ours; delete that index, or give this \
         deployment another opensearch.prefix"
    )
}

/// What of a mapping is not as documents and questions need it.
pub(super) fn of_mapping(wanted: &Value, found: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if found["dynamic"] != wanted["dynamic"] {
        wrong.push(format!("dynamic is {}, not \"strict\"", found["dynamic"]));
    }
    if found["_routing"]["required"] != true {
        wrong.push("_routing is not required".to_owned());
    }
    let source = &found["_source"];
    let is_cut = |list: &Value| list.as_array().is_some_and(|names| !names.is_empty());
    if source["enabled"] == false || is_cut(&source["includes"]) || is_cut(&source["excludes"]) {
        wrong.push(format!(
            "_source is {source}, so that documents are not kept whole"
        ));
    }
    let fields = wanted["properties"].as_object().into_iter().flatten();
    for (name, field) in fields {
        match &found["properties"][name] {
            Value::Null => wrong.push(format!("the field {name} is missing")),
            held if held != field => wrong.push(format!("the field {name} is {held}, not {field}")),
            _ => {}
        }
    }
    wrong
}

/// The alias that writes go to, as our index has it.
fn of_own_alias(names: &Names, found: &Value) -> Option<Finding> {
    let index = &names.index;
    let Some(name) = names.write_alias(found) else {
        return Some(Finding::refused(format!(
            "the OpenSearch index {index} lacks its alias {}…, by which it is written; delete the index so that it is made and \
             filled anew",
            names.write
        )));
    };
    let alias = &found["aliases"][name];
    let bent = alias["is_write_index"] == false
        || ["filter", "index_routing", "search_routing"]
            .iter()
            .any(|part| !alias[part].is_null());
    bent.then(|| {
        Finding::refused(format!(
            "the alias {name} of the OpenSearch index {index} is {alias}, which sends documents elsewhere or hides them; set it \
             anew: POST /_aliases {{\"actions\": [{{\"remove\": {{\"index\": \"{index}\", \"alias\": \"{name}\"}}}}, {{\"add\": \
             {{\"index\": \"{index}\", \"alias\": \"{name}\"}}}}]}}"
        ))
    })
}

#[cfg(test)]
mod tests;
