//! An index as servers show it, with what would make it lose or hide documents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use serde_json::{Value, json};

use super::super::index::{Names, body};
use super::*;

fn settings(name: &str, value: &str) -> Vec<Finding> {
    of_settings(
        "footfall-0123",
        &json!({name: value, "index.number_of_shards": "1"}),
    )
}

#[test]
fn settings_that_lose_change_or_hide_documents_are_refused_with_what_to_do() {
    for (name, value, words) in [
        ("index.replication.type", "SEGMENT", "delete it"),
        ("index.translog.durability", "ASYNC", "\"request\""),
        ("index.default_pipeline", "theirs", "\"_none\""),
        ("index.final_pipeline", "theirs", "\"_none\""),
        ("index.search.default_pipeline", "theirs", "\"_none\""),
        ("index.mapping.ignore_malformed", "true", "delete it"),
        ("index.routing_partition_size", "2", "delete it"),
        ("index.verified_before_close", "true", "/_open"),
    ] {
        let findings = settings(name, value);
        assert_eq!(findings.len(), 1, "{name}: {findings:?}");
        assert!(findings[0].refused, "{name}: {findings:?}");
        assert!(findings[0].sentence.contains(words), "{findings:?}");
    }
}

#[test]
fn a_block_is_a_warning_with_what_to_do_for_it_may_be_lifted() {
    for (block, words) in [
        ("read_only_allow_delete", "free disk space"),
        ("read_only", "takes no writes"),
        ("write", "takes no writes"),
        ("read", "answers no question"),
    ] {
        let setting = format!("index.blocks.{block}");
        let findings = settings(&setting, "true");
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            !findings[0].refused && findings[0].sentence.contains(words),
            "{findings:?}"
        );
        assert!(findings[0].sentence.contains(&setting), "{findings:?}");
        assert_eq!(settings(&setting, "false"), []);
    }
}

#[test]
fn what_we_make_ourselves_has_no_finding() {
    let own = [
        ("index.replication.type", "DOCUMENT"),
        ("index.translog.durability", "REQUEST"),
        ("index.default_pipeline", "_none"),
        ("index.routing_partition_size", "1"),
        ("index.refresh_interval", "-1"),
    ];
    for (name, value) in own {
        assert_eq!(settings(name, value), [], "{name}");
    }
    let wanted = &body("0123", 1, 0)["mappings"];
    assert_eq!(of_mapping(wanted, wanted), Vec::<String>::new());
}

#[test]
fn a_mapping_that_is_not_ours_is_named_part_by_part() {
    let wanted = &body("0123", 1, 0)["mappings"];
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut found = wanted.clone();
        change(&mut found);
        let wrong = of_mapping(wanted, &found);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        wrong[0].clone()
    };
    let missing = wrong(&|found| {
        found["properties"].as_object_mut().unwrap().remove("kind");
    });
    assert!(missing.contains("kind is missing"), "{missing}");
    let other = wrong(&|found| found["properties"]["kind"] = json!({"type": "text"}));
    assert!(other.contains("kind is {\"type\":\"text\"}"), "{other}");
    let open = wrong(&|found| found["dynamic"] = json!("true"));
    assert!(open.contains("strict"), "{open}");
    let routing = wrong(&|found| found["_routing"] = Value::Null);
    assert!(routing.contains("_routing"), "{routing}");
    for source in [json!({"enabled": false}), json!({"excludes": ["kind"]})] {
        let cut = wrong(&|found| found["_source"] = source.clone());
        assert!(cut.contains("_source"), "{cut}");
    }
}

#[test]
fn a_field_more_is_no_harm() {
    let wanted = &body("0123", 1, 0)["mappings"];
    let mut found = wanted.clone();
    found["properties"]["theirs"] = json!({"type": "text"});
    assert_eq!(of_mapping(wanted, &found), Vec::<String>::new());
}

#[test]
fn an_alias_that_bends_writes_is_refused() {
    let names = Names::new("", "0123").unwrap();
    let with = |name: &str, alias: Value| of_own_alias(&names, &json!({"aliases": {name: alias}}));
    let own = "footfall-0123-write-7";
    assert_eq!(with(own, json!({})), None);
    assert_eq!(with(own, json!({"is_write_index": true})), None);
    for (name, alias) in [
        ("footfall-views", json!({})),
        (own, json!({"is_write_index": false})),
        (own, json!({"index_routing": "7", "search_routing": "7"})),
        (own, json!({"filter": {"term": {"kind": "visit"}}})),
    ] {
        let finding = with(name, alias).unwrap();
        assert!(
            finding.refused && finding.sentence.contains("alias"),
            "{finding:?}"
        );
    }
}

#[test]
fn every_refused_sentence_is_told_at_once() {
    let findings = [
        Finding::refused("one"),
        Finding::warning("two"),
        Finding::refused("three"),
    ];
    let Err(Error::Fatal(text)) = refuse(findings) else {
        panic!("accepted");
    };
    assert_eq!(text, "one\nthree");
    assert!(refuse([Finding::warning("two")]).is_ok());
}
