//! Settings and blocks of an index, and what to do about those that lose, change or hide documents.

use serde_json::Value;

use crate::Finding;

/// Settings by which an index loses, changes or hides documents.
pub(super) fn of_settings(name: &str, settings: &Value) -> Vec<Finding> {
    let value = |setting: &str| settings[setting].as_str().unwrap_or_default();
    let is_true = |setting: &str| value(setting) == "true";
    let set = |setting: &str, to: &str| format!("PUT /{name}/_settings {{\"{setting}\": {to}}}");
    let mut findings = Vec::new();
    let mut refused = |sentence: String| {
        findings.push(Finding::refused(format!(
            "the OpenSearch index {name} {sentence}"
        )));
    };
    let replication = value("index.replication.type");
    if !["", "DOCUMENT"].contains(&replication) {
        refused(format!(
            "replicates by {replication}, which can lose acknowledged documents; delete it, so that it is made with DOCUMENT \
             and filled anew"
        ));
    }
    if value("index.translog.durability").eq_ignore_ascii_case("async") {
        refused(format!(
            "acknowledges documents before they are on disk; {}",
            set("index.translog.durability", "\"request\"")
        ));
    }
    for pipeline in [
        "index.default_pipeline",
        "index.final_pipeline",
        "index.search.default_pipeline",
    ] {
        if !["", "_none"].contains(&value(pipeline)) {
            refused(format!(
                "sends what goes through it to the pipeline {:?}, which may change it; {}",
                value(pipeline),
                set(pipeline, "\"_none\"")
            ));
        }
    }
    if is_true("index.mapping.ignore_malformed") {
        refused("drops values that don't fit, without a word; delete it, so that it is made and filled anew".to_owned());
    }
    if number(&settings["index.routing_partition_size"]).is_some_and(|size| size > 1) {
        refused(
            "spreads a partition over several shards, which are not seen at one moment; delete it, so that it is made and \
             filled anew"
                .to_owned(),
        );
    }
    if is_true("index.verified_before_close") {
        refused(format!("is closed; open it: POST /{name}/_open"));
    }
    for block in ["read_only_allow_delete", "read_only", "write", "read"] {
        let setting = format!("index.blocks.{block}");
        if is_true(&setting) {
            findings.push(Finding::warning(blocked(name, &setting)));
        }
    }
    findings
}

/// What to do about a block on an index.
pub(super) fn blocked(name: &str, setting: &str) -> String {
    let remove = format!("PUT /{name}/_settings {{\"{setting}\": null}}");
    match setting {
        "index.blocks.read_only_allow_delete" => format!(
            "the OpenSearch index {name} takes no writes, because a disk of its nodes is all but full ({setting}): free disk \
             space or add a node; OpenSearch then removes the block by itself, or remove it with {remove}"
        ),
        "index.blocks.read" => {
            format!("the OpenSearch index {name} answers no question ({setting}); {remove}")
        }
        _ => format!("the OpenSearch index {name} takes no writes ({setting}); {remove}"),
    }
}

/// What to do about a block of which the server says this.
pub(super) fn of_block(index: &str, said: &str) -> String {
    // Each block has a number of its own.
    let numbers = [
        ("/12/", "index.blocks.read_only_allow_delete"),
        ("/8/", "index.blocks.write"),
        ("/5/", "index.blocks.read_only"),
    ];
    let found = numbers.iter().find(|(number, _)| said.contains(number));
    found.map_or_else(
        || format!("a block on the cluster keeps {index} from being written; remove it: {said}"),
        |(_, setting)| blocked(index, setting),
    )
}

/// Numbers of settings come back as text.
pub(super) fn number(setting: &Value) -> Option<u64> {
    setting.as_str().and_then(|text| text.parse().ok())
}
