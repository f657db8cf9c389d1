//! An index in memory: documents by shard, and what searches see of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

/// An index, as it was created.
#[derive(Debug)]
pub(super) struct Index {
    /// Its name.
    pub name: String,
    /// Its settings by dotted names, mappings and aliases, as the server shows them.
    pub shown: Value,
    /// What its strict mapping has a place for, in order.
    fields: Vec<String>,
    shards: Vec<Shard>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// Its `_id`.
    pub id: String,
    /// Its routing.
    pub partition: u32,
    /// Its version.
    pub version: u64,
    /// Its JSON.
    pub source: String,
}

#[derive(Debug, Default)]
struct Shard {
    held: BTreeMap<String, Arc<Held>>,
    seen: BTreeMap<String, Arc<Held>>,
    /// Those that searches see in an older state, or not yet.
    unseen: BTreeSet<String>,
}

impl Index {
    /// The index that a request asks for.
    pub(super) fn new(name: &str, body: &Value) -> Self {
        let mut settings = Map::new();
        flatten("", &body["settings"], &mut settings);
        let shards = &body["settings"]["index"]["number_of_shards"];
        let shards = shards.as_u64().unwrap_or(1);
        let fields = body["mappings"]["properties"].as_object();
        let mut fields: Vec<String> = fields
            .into_iter()
            .flatten()
            .map(|of| of.0.clone())
            .collect();
        fields.sort_unstable();
        Self {
            fields,
            name: name.to_owned(),
            shown: json!({
                "aliases": body["aliases"],
                "mappings": body["mappings"],
                "settings": settings,
            }),
            shards: (0..shards).map(|_| Shard::default()).collect(),
        }
    }

    /// Whether it has an alias that this pattern matches; `*` may stand at its end.
    pub(super) fn has_alias(&self, pattern: &str) -> bool {
        let aliases = self.shown["aliases"].as_object();
        let mut names = aliases.into_iter().flatten().map(|(name, _)| name);
        match pattern.strip_suffix('*') {
            Some(start) => names.any(|name| name.starts_with(start)),
            None => names.any(|name| name == pattern),
        }
    }

    /// Whether its strict mapping has a place for every field of a document.
    pub(super) fn has_place_for(&self, source: &str) -> bool {
        let fields: BTreeMap<&str, IgnoredAny> = serde_json::from_str(source).unwrap();
        let is_known = |field: &&str| self.fields.binary_search_by(|known| (**known).cmp(field));
        fields.keys().all(|field| is_known(field).is_ok())
    }

    /// How many shards it has.
    pub(super) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// A document, as it is or as searches see it.
    pub(super) fn get(&self, partition: u32, id: &str, seen: bool) -> Option<&Held> {
        let shard = &self.shards[self.place(partition)];
        shard.documents(seen).get(id).map(|held| &**held)
    }

    /// Puts a document in the place of the one with its id.
    pub(super) fn put(&mut self, document: Held) {
        let place = self.place(document.partition);
        let shard = &mut self.shards[place];
        shard.unseen.insert(document.id.clone());
        shard.held.insert(document.id.clone(), Arc::new(document));
    }

    /// Lets searches see all of every shard.
    pub(super) fn refresh(&mut self) {
        self.shards.iter_mut().for_each(Shard::refresh);
    }

    /// Lets searches see all of the partition's shard.
    pub(super) fn refresh_shard_of(&mut self, partition: u32) {
        let place = self.place(partition);
        self.shards[place].refresh();
    }

    /// All documents that searches see.
    pub(super) fn seen(&self) -> impl Iterator<Item = &Arc<Held>> {
        self.shards.iter().flat_map(|shard| shard.seen.values())
    }

    /// A partition's documents, as they are or as searches see them.
    pub(super) fn of(&self, partition: u32, seen: bool) -> impl Iterator<Item = &Arc<Held>> {
        let all = self.shards[self.place(partition)].documents(seen).values();
        all.filter(move |held| held.partition == partition)
    }

    fn place(&self, partition: u32) -> usize {
        partition as usize % self.shards.len()
    }
}

impl Shard {
    fn documents(&self, seen: bool) -> &BTreeMap<String, Arc<Held>> {
        if seen { &self.seen } else { &self.held }
    }

    fn refresh(&mut self) {
        for id in std::mem::take(&mut self.unseen) {
            let held = self.held[&id].clone();
            self.seen.insert(id, held);
        }
    }
}

/// Settings by dotted names, each as text.
fn flatten(name: &str, value: &Value, into: &mut Map<String, Value>) {
    let Some(parts) = value.as_object() else {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        into.insert(name.to_owned(), Value::String(text));
        return;
    };
    for (part, value) in parts {
        let dot = if name.is_empty() { "" } else { "." };
        flatten(&format!("{name}{dot}{part}"), value, into);
    }
}
