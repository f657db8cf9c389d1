//! What the server answers: the requests it knows, each carried out at once.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use views::opensearch::{Documents, Request};

use super::index::{Held, Index};

/// How long a search keeps its place between two pages.
const KEPT: Duration = Duration::from_secs(60);
/// What the ids of checkpoint documents begin with; a partition's number follows.
const CHECKPOINT: &str = "checkpoint-";

/// A request that was sent.
#[derive(Debug)]
pub(super) struct Sent {
    method: &'static str,
    path: String,
    query: Vec<(String, String)>,
    body: String,
}

/// The cluster's one node.
#[derive(Debug, Default)]
pub(super) struct Server {
    index: Option<Index>,
    searches: BTreeMap<u64, Search>,
    searches_begun: u64,
    /// Whether it takes older documents over newer ones.
    pub is_careless: bool,
    /// What went back, in words.
    pub went_back: Vec<String>,
}

/// A search of several pages, with what it saw at its beginning and has not given out.
#[derive(Debug)]
struct Search {
    left: VecDeque<Arc<Held>>,
    page: usize,
    until: Instant,
}

impl Sent {
    pub(super) fn new(request: &Request<'_>) -> Self {
        let pairs = request.query().iter();
        Self {
            method: request.method(),
            path: request.path().to_owned(),
            query: pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: String::from_utf8(request.body().to_vec()).unwrap(),
        }
    }

    /// Whether nobody sends it a second time: a page of a search would be left out.
    pub(super) fn comes_once(&self) -> bool {
        self.method == "POST" && self.path == "/_search/scroll"
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.method, self.path)?;
        if self.path.ends_with("/_bulk") {
            write!(to, " of {}", self.body.lines().count() / 2)?;
        }
        Ok(())
    }
}

impl Server {
    /// Carries a request out. Of a bulk it refuses the documents whose bit is set.
    pub(super) fn answer(&mut self, sent: &Sent, refused: u64) -> (u16, String) {
        let path: Vec<&str> = sent.path.split('/').skip(1).collect();
        let pairs = sent.query.iter();
        let query: Vec<(&str, &str)> = pairs.map(|(name, value)| (&**name, &**value)).collect();
        match (sent.method, path.as_slice(), query.as_slice()) {
            ("GET", ["_index_template"], []) => ok(&json!({"index_templates": []})),
            ("GET", ["_template"], []) => ok(&json!({})),
            ("POST", ["_search", "scroll"], []) => self.next_page(&sent.json()),
            ("DELETE", ["_search", "scroll"], []) => self.end_search(&sent.json()),
            ("PUT", [name], []) => self.create(name, &sent.json()),
            ("GET", [name], [("flat_settings", "true")] | []) => self.show(name),
            ("GET", [name, "_doc", id], [("routing", partition)]) => {
                self.get(name, id, partition.parse().unwrap())
            }
            ("POST", [name, "_refresh"], []) => self.refresh(name, refused != 0),
            (
                "POST",
                [name, "_search"],
                [("scroll", "1m"), ("allow_partial_search_results", "false")],
            ) => self.search(name, &sent.json()),
            (
                "POST",
                [name, "_bulk"],
                [
                    ("require_alias", "true"),
                    ("filter_path", filter),
                    rest @ ..,
                ],
            ) if filter.starts_with("items.") && matches!(rest, [] | [("refresh", "true")]) => {
                self.bulk(name, &sent.body, !rest.is_empty(), refused)
            }
            _ => panic!("OpenSearch in memory does not know {sent} with {query:?}: {sent:?}"),
        }
    }

    /// The index of this name or alias.
    fn find(&self, name: &str) -> Option<&Index> {
        let index = self.index.as_ref();
        index.filter(|index| index.name == name || index.has_alias(name))
    }

    fn create(&mut self, name: &str, body: &Value) -> (u16, String) {
        if let Some(index) = &self.index {
            assert_eq!(index.name, name, "a second index");
            return refusal(400, "resource_already_exists_exception");
        }
        self.index = Some(Index::new(name, body));
        ok(&json!({"acknowledged": true, "shards_acknowledged": true, "index": name}))
    }

    pub(super) fn delete(&mut self) {
        self.index = None;
        self.searches.clear();
    }

    fn show(&self, name: &str) -> (u16, String) {
        match self.find(name) {
            Some(index) => ok(&json!({index.name.as_str(): index.shown})),
            None if name.ends_with('*') => ok(&json!({})),
            None => no_index(),
        }
    }

    fn get(&self, name: &str, id: &str, partition: u32) -> (u16, String) {
        let Some(index) = self.find(name) else {
            return no_index();
        };
        match index.get(partition, id, false) {
            Some(held) => {
                let (version, source) = (held.version, &held.source);
                let text = format!(
                    r#"{{"_id":"{id}","_version":{version},"found":true,"_source":{source}}}"#
                );
                (200, text)
            }
            None => (404, json!({"_id": id, "found": false}).to_string()),
        }
    }

    fn refresh(&mut self, name: &str, fails: bool) -> (u16, String) {
        if self.find(name).is_none() {
            return no_index();
        }
        let index = self.index.as_mut().unwrap();
        if !fails {
            index.refresh();
        }
        let total = index.shards();
        let failed = if fails { total } else { 0 };
        let successful = total - failed;
        ok(&json!({"_shards": {"total": total, "successful": successful, "failed": failed}}))
    }

    fn bulk(&mut self, alias: &str, lines: &str, refresh: bool, refused: u64) -> (u16, String) {
        let is_there = self.index.as_ref().is_some_and(|of| of.has_alias(alias));
        let mut items = Vec::new();
        let mut lines = lines.lines();
        while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
            let document = document(action, source);
            let partition = document.partition;
            let (place, number) = (items.len() % 64, items.len());
            items.push(if !is_there {
                item(404, "index_not_found_exception")
            } else if refused >> place & 1 == 0 {
                self.put(document)
            } else if number % 2 == 0 {
                item(429, "rejected_execution_exception")
            } else {
                item(503, "unavailable_shards_exception")
            });
            if refresh && let Some(index) = &mut self.index {
                index.refresh_shard_of(partition);
            }
        }
        (200, format!(r#"{{"items":[{}]}}"#, items.join(",")))
    }

    fn put(&mut self, document: Held) -> String {
        let index = self.index.as_mut().unwrap();
        if !index.has_place_for(&document.source) {
            return item(400, "strict_dynamic_mapping_exception");
        }
        let mut status = 201;
        if let Some(held) = index.get(document.partition, &document.id, false) {
            if document.version < held.version && !self.is_careless {
                return item(409, "version_conflict_engine_exception");
            }
            self.went_back.extend(going_back(held, &document));
            status = 200;
        }
        index.put(document);
        format!(r#"{{"index":{{"status":{status}}}}}"#)
    }

    fn search(&mut self, name: &str, body: &Value) -> (u16, String) {
        assert_eq!(body["sort"], json!(["_doc"]), "a search of a dump: {body}");
        let Some(index) = self.find(name) else {
            return no_index();
        };
        let now = Instant::now();
        let search = Search {
            left: index.seen().cloned().collect(),
            page: body["size"].as_u64().unwrap() as usize,
            until: now + KEPT,
        };
        self.searches.retain(|_, search| now <= search.until);
        self.searches_begun += 1;
        self.searches.insert(self.searches_begun, search);
        self.page(self.searches_begun)
    }

    fn next_page(&mut self, body: &Value) -> (u16, String) {
        assert_eq!(body["scroll"], "1m", "{body}");
        self.page(number_of(body))
    }

    fn page(&mut self, number: u64) -> (u16, String) {
        let now = Instant::now();
        let search = self.searches.get_mut(&number);
        let Some(search) = search.filter(|search| now <= search.until) else {
            return refusal(404, "search_context_missing_exception");
        };
        search.until = now + KEPT;
        let most = search.page.min(search.left.len());
        let page = search.left.drain(..most);
        let hits: Vec<String> = page
            .map(|held| format!(r#"{{"_source":{}}}"#, held.source))
            .collect();
        let hits = hits.join(",");
        let text = format!(
            r#"{{"_scroll_id":"{number}","_shards":{{"failed":0}},"hits":{{"hits":[{hits}]}}}}"#
        );
        (200, text)
    }

    fn end_search(&mut self, body: &Value) -> (u16, String) {
        let freed = usize::from(self.searches.remove(&number_of(body)).is_some());
        let status = if freed == 0 { 404 } else { 200 };
        let said = json!({"succeeded": true, "num_freed": freed});
        (status, said.to_string())
    }

    /// The offset that a partition's checkpoint document says, as it is or as searches see it.
    pub(super) fn checkpoint(&self, partition: u32, seen: bool) -> Option<u64> {
        let id = format!("{CHECKPOINT}{partition}");
        let held = self.index.as_ref()?.get(partition, &id, seen)?;
        offset(&held.source)
    }

    /// A partition's other documents, as they are or as searches see them.
    pub(super) fn documents(&self, partition: u32, seen: bool) -> Documents {
        let index = self.index.iter();
        let all = index.flat_map(|index| index.of(partition, seen));
        all.filter(|held| !is_checkpoint(&held.id))
            .map(|held| (held.id.clone(), (held.version, held.source.clone())))
            .collect()
    }
}

/// What is wrong with a document that takes another one's place.
fn going_back(held: &Held, next: &Held) -> Option<String> {
    let id = &next.id;
    let (was, is) = (held.version, next.version);
    if is < was {
        return Some(format!("{id} went back from version {was} to {is}"));
    }
    if is == was && held.source != next.source {
        let (was, is) = (&held.source, &next.source);
        return Some(format!(
            "{id} changed at version {}: {was}, {is}",
            held.version
        ));
    }
    let back = is_checkpoint(id) && offset(&next.source) < offset(&held.source);
    back.then(|| {
        format!(
            "{id} went back at version {is}: {}, {}",
            held.source, next.source
        )
    })
}

fn is_checkpoint(id: &str) -> bool {
    id.starts_with(CHECKPOINT)
}

fn offset(checkpoint: &str) -> Option<u64> {
    let source: Value = serde_json::from_str(checkpoint).ok()?;
    source["offset"].as_u64()
}

/// The first line of a bulk's document: these fields, and no other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Action<'a> {
    #[serde(borrow)]
    index: Place<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place<'a> {
    #[serde(rename = "_id")]
    id: String,
    routing: &'a str,
    version: u64,
    version_type: &'a str,
}

/// The document of a bulk's two lines.
fn document(action: &str, source: &str) -> Held {
    let Action { index } = serde_json::from_str(action).unwrap();
    assert_eq!(index.version_type, "external_gte", "{action}");
    Held {
        id: index.id,
        partition: index.routing.parse().unwrap(),
        version: index.version,
        source: source.to_owned(),
    }
}

fn number_of(body: &Value) -> u64 {
    body["scroll_id"].as_str().unwrap().parse().unwrap()
}

fn ok(body: &Value) -> (u16, String) {
    (200, body.to_string())
}

fn no_index() -> (u16, String) {
    refusal(404, "index_not_found_exception")
}

/// An answer that refuses a whole request.
pub(super) fn refusal(status: u16, kind: &str) -> (u16, String) {
    let body =
        json!({"error": {"type": kind, "reason": "as a simulator wants it"}, "status": status});
    (status, body.to_string())
}

fn item(status: u16, kind: &str) -> String {
    let error = json!({"type": kind, "reason": "as a simulator wants it"});
    json!({"index": {"status": status, "error": error}}).to_string()
}
