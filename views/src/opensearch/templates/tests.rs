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
