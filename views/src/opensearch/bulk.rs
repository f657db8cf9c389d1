//! Bulk requests: bounded, each item's status read, only what failed for now sent again.
//!
//! A bulk answers 200 with failed items inside. 409 is done: the document there is newer. Where the cluster has too much
//! to do, bulks become smaller (`pressure.rs`) and pauses longer; a block that somebody or a full disk has set is named
//! with what removes it, and writing goes on by itself when it is gone.

use std::time::Duration;

use metrics::{counter, gauge};
use mutants::Mutant;
use opensearch::http::Method;
use pipeline::row::FrozenRow;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::documents::{self, Document};
use super::http::{Content, Kind};
use super::reply::{Reply, cut};
use super::{Store, settings, transient};
use crate::metrics::{BLOCKED, THROTTLED};
use crate::{Change, Error};

/// Bytes in one bulk request, but for its last document; OpenSearch advises 5 to 15 MiB at most.
const BULK_BYTES: usize = 4 * 1024 * 1024;
/// How often, one after the other, a bulk is sent of which no document is taken, before the caller hears of it. With the
/// pauses below this is about 3 s; the caller then sends the whole change again, which is safe.
const FRUITLESS_ATTEMPTS: u32 = 6;
/// The pause after a bulk that was not taken whole; each next one is twice as long, until one is taken in part.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Why documents are to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// Something that passes.
    Passing,
    /// The cluster has too much to do, or the request is too large.
    Throttled,
    /// The index takes no writes until a block is removed.
    Blocked,
    /// The index was deleted: what is there now, if anything, lacks what went before.
    Gone,
}

/// What became of one document.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is there, or a newer one is.
    Done,
    /// Not now: send it again.
    Again(Why, String),
    /// Never: the document doesn't fit the index.
    Never(String),
}

/// What is left of a bulk.
#[derive(Debug)]
struct Left {
    again: Vec<Document>,
    why: Why,
    reason: String,
}

/// The line before a document's.
#[derive(Serialize)]
struct Action<'a> {
    index: Place<'a>,
}

#[derive(Serialize)]
struct Place<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    routing: String,
    version: u64,
    version_type: &'static str,
}

#[derive(Debug, Deserialize)]
struct BulkReply {
    items: Vec<ItemReply>,
}

#[derive(Debug, Deserialize)]
struct ItemReply {
    index: ItemResult,
}

#[derive(Debug, Deserialize)]
struct ItemResult {
    status: u16,
    error: Option<ItemError>,
}

#[derive(Debug, Deserialize)]
struct ItemError {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    reason: Option<String>,
}

impl ItemResult {
    fn verdict(self) -> Verdict {
        if mutants::is(Mutant::BulkErrorsIgnored) {
            return Verdict::Done;
        }
        let (kind, text) = self.error.map_or_else(Default::default, |error| {
            let text = format!("{}: {}", error.kind, error.reason.unwrap_or_default());
            (error.kind, text)
        });
        match (self.status, kind.as_str()) {
            (409, _) if mutants::is(Mutant::ConflictIsFailure) => {
                Verdict::Again(Why::Passing, text)
            }
            (200..300, _) | (409, "version_conflict_engine_exception") => Verdict::Done,
            // A full disk says it with 429, people's blocks with 403; a cluster without a leader with 503.
            (403 | 429, "cluster_block_exception") => Verdict::Again(Why::Blocked, text),
            (_, "circuit_breaking_exception") | (429, _) => Verdict::Again(Why::Throttled, text),
            (404, _) => Verdict::Again(Why::Gone, text),
            // Or the index was closed, and somebody opens it.
            (409 | 500.., _) | (_, "index_closed_exception") => Verdict::Again(Why::Passing, text),
            _ => Verdict::Never(text),
        }
    }
}

impl Store {
    /// Writes the change's rows, those that changed first before the others, and waits until each document is
    /// acknowledged.
    pub(super) async fn write_rows(&self, change: &Change, alias: &str) -> Result<(), Error> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut rows: Vec<&FrozenRow> = change.rows.iter().collect();
        rows.sort_by_key(|row| row.changed_at);
        for row in rows {
            for document in documents::of_row(change.partition, row, &self.calendar)? {
                bytes += document.source.len() + document.id.len();
                batch.push(document);
                if batch.len() >= self.pressure.documents() || bytes >= BULK_BYTES {
                    self.write(std::mem::take(&mut batch), alias, &[]).await?;
                    bytes = 0;
                }
            }
        }
        self.write(batch, alias, &[]).await
    }

    /// Moves a partition's checkpoint, unless it is further already, and makes it visible.
    pub(super) async fn write_checkpoint(
        &self,
        checkpoint: Document,
        alias: &str,
    ) -> Result<(), Error> {
        self.write(vec![checkpoint], alias, &[("refresh", "true")])
            .await
    }

    /// Writes documents until each is acknowledged, as many at a time as the cluster takes; gives up when attempt after
    /// attempt none is, or when the index is gone.
    async fn write(
        &self,
        documents: Vec<Document>,
        alias: &str,
        query: &[(&str, &str)],
    ) -> Result<(), Error> {
        let mut pending = documents;
        let (mut fruitless, mut pause) = (0, FIRST_PAUSE);
        while !pending.is_empty() {
            let rest = pending.split_off(self.pressure.documents().min(pending.len()));
            let sent = pending.len();
            let left = self.attempt(pending, alias, query).await?;
            pending = left.again;
            if pending.len() < sent {
                (fruitless, pause) = (0, FIRST_PAUSE);
            } else {
                fruitless += 1;
            }
            let (again, of) = (pending.len(), sent);
            pending.extend(rest);
            if again == 0 {
                continue;
            }
            if left.why == Why::Gone {
                return Err(self.gone());
            }
            if left.why == Why::Blocked || fruitless == FRUITLESS_ATTEMPTS {
                let reason = left.reason;
                let count = pending.len();
                return Err(transient(format!(
                    "{count} documents were not taken: {reason}"
                )));
            }
            warn!(again, of, reason = left.reason, "documents are sent again");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Ok(())
    }

    /// Sends one bulk, and learns from what is said of it.
    async fn attempt(
        &self,
        documents: Vec<Document>,
        alias: &str,
        query: &[(&str, &str)],
    ) -> Result<Left, Error> {
        let mut left = match self.send_bulk(&documents, alias, query).await {
            Ok(reply) => remainder(documents, reply)?,
            Err(Error::Transient { detail, .. }) => Left::all(documents, Why::Passing, detail),
            Err(error) => return Err(error),
        };
        if left.again.is_empty() {
            self.pressure.taken();
            gauge!(BLOCKED).set(0);
            return Ok(left);
        }
        match left.why {
            Why::Passing | Why::Gone => {}
            Why::Throttled => {
                self.pressure.refused();
                counter!(THROTTLED).increment(left.again.len() as u64);
            }
            Why::Blocked => {
                self.pressure.closed();
                gauge!(BLOCKED).set(1);
                left.reason = settings::of_block(&self.names.index, &left.reason);
            }
        }
        Ok(left)
    }

    async fn send_bulk(
        &self,
        documents: &[Document],
        alias: &str,
        query: &[(&str, &str)],
    ) -> Result<Reply, Error> {
        // The semaphore is never closed.
        let _place = self.bulks.acquire().await.ok();
        self.pace.wait(documents.len()).await;
        let path = format!("/{alias}/_bulk");
        let mut all = vec![
            ("require_alias", "true"),
            (
                "filter_path",
                "items.*.status,items.*.error.type,items.*.error.reason",
            ),
        ];
        all.extend_from_slice(query);
        self.http
            .send(
                Kind::Repeatable,
                Method::Post,
                &path,
                &all,
                Content::Lines(body(documents)),
            )
            .await
    }
}

/// The request's lines: an action and a source a document.
fn body(documents: &[Document]) -> Vec<u8> {
    let mut lines = Vec::new();
    for document in documents {
        let action = Action {
            index: Place {
                id: &document.id,
                routing: document.partition.to_string(),
                version: document.version,
                version_type: "external_gte",
            },
        };
        lines.extend_from_slice(documents::to_text(&action).as_bytes());
        lines.push(b'\n');
        lines.extend_from_slice(document.source.as_bytes());
        lines.push(b'\n');
    }
    lines
}

impl Left {
    fn all(again: Vec<Document>, why: Why, reason: String) -> Self {
        Self { again, why, reason }
    }
}

/// The documents to send again, and why.
///
/// # Errors
/// [`Error::Fatal`] naming a document that the index will never take.
fn remainder(sent: Vec<Document>, reply: Reply) -> Result<Left, Error> {
    if let Some((why, reason)) = refused_whole(&reply) {
        return Ok(Left::all(sent, why, reason));
    }
    let items = match items(reply) {
        Ok(items) => items,
        Err(Error::Transient { detail, .. }) => {
            return Ok(Left::all(sent, Why::Passing, detail));
        }
        Err(error) => return Err(error),
    };
    if items.len() != sent.len() {
        let (said, count) = (items.len(), sent.len());
        let reason = format!("it answered for {said} of {count} documents");
        return Ok(Left::all(sent, Why::Passing, reason));
    }
    let mut left = Left::all(Vec::new(), Why::Passing, String::new());
    for (document, item) in sent.into_iter().zip(items) {
        match item.index.verdict() {
            Verdict::Done => {}
            Verdict::Again(why, reason) => {
                left.again.push(document);
                // What matters most is told.
                if why >= left.why {
                    (left.why, left.reason) = (why, reason);
                }
            }
            Verdict::Never(reason) => {
                return Err(Error::Fatal(format!(
                    "OpenSearch will never take document {:?} ({}): {reason}; the index was made by another version: delete \
                     it, so that it is made and filled anew",
                    document.id,
                    cut(&document.source)
                )));
            }
        }
    }
    Ok(left)
}

/// Why a request met something before any of its documents was looked at.
fn refused_whole(reply: &Reply) -> Option<(Why, String)> {
    let why = match reply.status {
        403 | 429 if reply.is_error("cluster_block_exception") => Why::Blocked,
        429 => Why::Throttled,
        413 => {
            let reason = "the request was too large for OpenSearch or for a proxy before it; smaller ones follow. If \
                          this goes on, raise http.max_content_length, or the proxy's limit, to 8 MB";
            return Some((Why::Throttled, reason.to_owned()));
        }
        404 => Why::Gone,
        _ => return None,
    };
    let text = reply.body.to_string();
    Some((why, format!("it takes no bulk now: {}", cut(&text))))
}

fn items(reply: Reply) -> Result<Vec<ItemReply>, Error> {
    let body = reply.ok("take a bulk (indices:data/write/bulk)")?;
    let bulk: BulkReply = serde_json::from_value(body)
        .map_err(|error| transient(format!("its answer to a bulk can't be read: {error}")))?;
    Ok(bulk.items)
}

#[cfg(test)]
mod tests;
