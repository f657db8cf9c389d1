//! What a real OpenSearch makes of our index when it is set up otherwise: found, refused with what to do, or harmless.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
mod opensearch;

use ::opensearch::http::Method;
use opensearch::{Server, config, connect};
use serde_json::{Value, json};
use views::opensearch::{Config, Store};
use views::{Error, Finding};

/// Why a store is not connected to.
async fn refusal(config: &Config) -> String {
    match Store::connect(config.clone()).await {
        Err(Error::Fatal(text)) => text,
        other => panic!("not refused: {other:?}"),
    }
}

fn sentences(findings: &[Finding], refused: bool) -> String {
    let found = findings.iter().filter(|one| one.refused == refused);
    found
        .map(|one| one.sentence.clone())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A configuration, and what its index is made with, though no index is there.
async fn prepared() -> (Config, Server, Value) {
    let config = config(1);
    let (store, server) = connect(&config).await;
    let mut made = server.send(Method::Get, "", None).await[store.index()].take();
    server.delete().await;
    let settings = made["settings"]["index"].as_object_mut().unwrap();
    for own in ["creation_date", "uuid", "version", "provided_name"] {
        settings.remove(own);
    }
    (config, server, made)
}

async fn put(server: &Server, body: Value) {
    let done = server.send(Method::Put, "", Some(body)).await;
    assert_eq!(done["acknowledged"], true, "{done}");
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_cluster_as_we_set_it_up_has_no_finding_and_looking_makes_nothing() {
    let config = config(1);
    let findings = Store::inspect(config.clone()).await.unwrap();
    assert_eq!(findings, []);
    let (store, server) = connect(&config).await;
    server.delete().await;
    assert_eq!(Store::inspect(config.clone()).await.unwrap(), []);
    assert!(!server.exists().await);
    store.publish().await.unwrap_err();
    let (_, server) = connect(&config).await;
    assert_eq!(Store::inspect(config).await.unwrap(), []);
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn an_index_with_another_mapping_is_refused_with_what_differs() {
    let (config, server, made) = prepared().await;
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 5] = [
        ("the field kind is missing", |mappings| {
            mappings["properties"]
                .as_object_mut()
                .unwrap()
                .remove("kind");
        }),
        ("the field kind is {\"type\":\"text\"}", |mappings| {
            mappings["properties"]["kind"] = json!({"type": "text"});
        }),
        ("dynamic", |mappings| mappings["dynamic"] = json!("true")),
        ("_routing", |mappings| {
            mappings["_routing"] = json!({"required": false})
        }),
        ("_source", |mappings| {
            mappings["_source"] = json!({"excludes": ["count"]})
        }),
    ];
    for (words, change) in cases {
        let mut body = made.clone();
        change(&mut body["mappings"]);
        put(&server, body).await;
        let text = refusal(&config).await;
        assert!(text.contains(words) && text.contains("DELETE /"), "{text}");
        server.delete().await;
    }
}

#[tokio::test]
#[ignore = "needs servers"]
async fn settings_that_lose_documents_are_refused_and_blocks_are_told() {
    let (config, server, mut made) = prepared().await;
    made["settings"]["index"]["translog"] = json!({"durability": "async"});
    made["settings"]["index"]["number_of_shards"] = json!("2");
    made["settings"]["index"]["blocks"] = json!({"write": "true"});
    put(&server, made).await;
    let findings = Store::inspect(config.clone()).await.unwrap();
    let (refused, warned) = (sentences(&findings, true), sentences(&findings, false));
    assert!(refused.contains("before they are on disk"), "{findings:?}");
    assert!(warned.contains("opensearch.shards"), "{findings:?}");
    assert!(warned.contains("index.blocks.write"), "{findings:?}");
    assert!(refusal(&config).await.contains("index.translog.durability"));

    // As the sentence says.
    let mended = json!({"index.translog.durability": "request"});
    server.send(Method::Put, "/_settings", Some(mended)).await;
    Store::connect(config).await.unwrap();
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_closed_index_is_refused_until_it_is_opened() {
    let config = config(1);
    let (_, server) = connect(&config).await;
    server.send(Method::Post, "/_close", None).await;
    assert!(refusal(&config).await.contains("/_open"));
    server.send(Method::Post, "/_open", None).await;
    Store::connect(config).await.unwrap();
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_write_alias_at_two_indices_is_refused_and_an_alias_of_strangers_is_told() {
    let config = config(1);
    let (store, server) = connect(&config).await;
    let stranger = Server::new(&format!("stranger-of-{}", store.index()));
    let write = format!("{}-write-0", store.index());
    put(
        &stranger,
        json!({"aliases": {&write: {}, store.alias(): {}}}),
    )
    .await;
    let findings = Store::inspect(config.clone()).await.unwrap();
    let warned = sentences(&findings, false);
    assert!(warned.contains("Footfall has not made"), "{findings:?}");
    assert!(warned.contains("count twice"), "{findings:?}");
    let text = refusal(&config).await;
    assert!(
        text.contains("stranger-of-") && text.contains("_aliases"),
        "{text}"
    );
    stranger.delete().await;
    assert_eq!(Store::inspect(config).await.unwrap(), []);
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn an_index_that_has_the_name_of_an_alias_is_refused() {
    let (config, server, made) = prepared().await;
    put(&server, made).await;
    let found = server.send(Method::Get, "/_alias", None).await;
    let (index, _) = found.as_object().unwrap().iter().next().unwrap();
    let write = format!("{index}-write-0");
    server.delete().await;
    let taken = Server::new(&write);
    put(&taken, json!({})).await;
    let text = refusal(&config).await;
    assert!(
        text.contains(&format!("an OpenSearch index is called {write}")),
        "{text}"
    );
    assert!(!server.exists().await);
    taken.delete().await;
}

/// A template of the cluster that matches one configuration's index alone.
struct Template(Server);

impl Template {
    async fn put(kind: &str, config: &Config, mut body: Value) -> Self {
        let this = Self(Server::new(&format!("{kind}/theirs-{}", config.prefix)));
        body["index_patterns"] = json!([format!("*{}*", config.prefix)]);
        put(&this.0, body).await;
        this
    }

    async fn remove(self) {
        self.0.delete().await;
    }
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_template_that_would_spoil_the_index_is_refused_by_name_before_anything_is_made() {
    let (config, server, _) = prepared().await;
    let pipeline = json!({"index.search.default_pipeline": "theirs"});
    for (kind, body) in [
        (
            "_index_template",
            json!({"template": {"settings": pipeline}}),
        ),
        ("_index_template", json!({"data_stream": {}})),
        ("_template", json!({"settings": pipeline})),
        (
            "_template",
            json!({"mappings": {"_source": {"excludes": ["kind"]}}}),
        ),
        (
            "_template",
            json!({"mappings": {"properties": {"kind": {"type": "keyword", "doc_values": false}}}}),
        ),
    ] {
        let template = Template::put(kind, &config, body).await;
        let text = refusal(&config).await;
        let name = format!("DELETE /{kind}/theirs-{}", config.prefix);
        assert!(text.contains(&name), "{text}");
        assert!(!server.exists().await, "{kind}");
        template.remove().await;
    }
    Store::connect(config).await.unwrap();
    server.delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_template_changes_nothing_that_our_index_says_itself() {
    let (config, server, made) = prepared().await;
    let theirs = json!({
        "settings": {"index": {
            "translog": {"durability": "async", "flush_threshold_size": "1gb"}, "refresh_interval": "1s",
            "default_pipeline": "theirs",
            "blocks": {"write": true}, "codec": "best_compression",
        }},
        "mappings": {
            "dynamic": "true", "_source": {"enabled": false},
            "properties": {"kind": {"type": "text"}, "theirs": {"type": "text"}},
        },
    });
    for (kind, body) in [
        ("_index_template", json!({"template": theirs})),
        ("_template", theirs),
    ] {
        let template = Template::put(kind, &config, body).await;
        let findings = Store::inspect(config.clone()).await.unwrap();
        let warned = sentences(&findings, false);
        assert_eq!(sentences(&findings, true), "", "{findings:?}");
        for words in ["theirs-", "index.codec"] {
            assert!(warned.contains(words), "{findings:?}");
        }
        let (store, _) = connect(&config).await;
        let mut found = server.send(Method::Get, "", None).await[store.index()].take();
        let settings = &mut found["settings"]["index"];
        assert_eq!(settings["codec"].take(), "best_compression");
        for setting in ["translog", "refresh_interval", "default_pipeline", "blocks"] {
            assert_eq!(
                settings[setting], made["settings"]["index"][setting],
                "{setting}"
            );
        }
        let fields = found["mappings"]["properties"].as_object_mut().unwrap();
        assert!(fields.remove("theirs").is_some());
        assert_eq!(found["mappings"], made["mappings"]);
        template.remove().await;
        server.delete().await;
    }
}
