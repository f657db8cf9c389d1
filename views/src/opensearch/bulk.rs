//! Bulk requests: bounded, each item's status read, only what failed for now sent again.
//!
//! A bulk answers 200 with failed items inside. 409 is done: the document there is newer.

use std::time::Duration;

use opensearch::http::Method;
use pipeline::row::FrozenRow;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::warn;

use super::documents::{self, Document};
use super::http::Content;
use super::reply::{Reply, cut};
use super::{Store, transient};
use crate::{Change, Error, Stored};

/// Documents in one bulk request: enough that the request's own cost no longer counts.
const BULK_DOCUMENTS: usize = 2_000;
/// Bytes in one bulk request, but for its last document; OpenSearch advises 5 to 15 MiB at most.
const BULK_BYTES: usize = 4 * 1024 * 1024;
/// How often a bulk's remainder is sent before the caller hears of it. With the pauses below this
/// is about 3 s; the caller then sends the whole change again, which is safe.
const ATTEMPTS: u32 = 6;
/// The pause after the first attempt; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What became of one document.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is there, or a newer one is.
    Done,
    /// Not now: send it again.
    Again(String),
    /// Never: the document doesn't fit the index.
    Never(String),
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
        let (kind, text) = self.error.map_or_else(Default::default, |error| {
            let text = format!("{}: {}", error.kind, error.reason.unwrap_or_default());
            (error.kind, text)
        });
        match self.status {
            200..300 => Verdict::Done,
            409 if kind == "version_conflict_engine_exception" => Verdict::Done,
            // Blocks are set and lifted by operators and by a full disk.
            403 if kind == "cluster_block_exception" => Verdict::Again(text),
            // The index was deleted; the next fill creates it.
            404 | 409 | 429 | 500.. => Verdict::Again(text),
            _ => Verdict::Never(text),
        }
    }
}

impl Store {
    /// Writes the change's rows, those that changed first before the others, and waits until each document is
    /// acknowledged.
    pub(super) async fn write_rows(&self, change: &Change) -> Result<(), Error> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut rows: Vec<&FrozenRow> = change.rows.iter().collect();
        rows.sort_by_key(|row| row.changed_at);
        for row in rows {
            for document in documents::of_row(change.partition, row, &self.calendar)? {
                bytes += document.source.len() + document.id.len();
                batch.push(document);
                if batch.len() >= BULK_DOCUMENTS || bytes >= BULK_BYTES {
                    self.write(std::mem::take(&mut batch), &[]).await?;
                    bytes = 0;
                }
            }
        }
        self.write(batch, &[]).await
    }

    /// Moves a partition's checkpoint, unless it is further already, and makes it visible.
    pub(super) async fn write_checkpoint(&self, checkpoint: Document) -> Result<(), Error> {
        self.write(vec![checkpoint], &[("refresh", "true")]).await
    }

    /// How far the partition's documents go at least.
    pub(super) async fn read_checkpoint(&self, partition: u32) -> Result<Stored, Error> {
        let id = documents::checkpoint_id(partition);
        let path = format!("/{}/_doc/{id}", self.names.index);
        let routing = partition.to_string();
        let query = [("routing", routing.as_str())];
        let reply = self
            .http
            .ask(Method::Get, &path, &query, Content::None)
            .await?;
        if reply.status == 404 {
            return Ok(Stored::Missing);
        }
        let found = reply.ok("read a checkpoint")?;
        let offset = found["_source"]["offset"].as_u64().ok_or_else(|| {
            Error::Fatal(format!(
                "the checkpoint document {id} in {} has no offset; delete the index so that it is \
                 filled anew",
                self.names.index
            ))
        })?;
        Ok(Stored::At(offset))
    }

    /// Writes documents of one bulk until each is acknowledged or the attempts are used up.
    async fn write(&self, documents: Vec<Document>, query: &[(&str, &str)]) -> Result<(), Error> {
        let mut pending = documents;
        let mut pause = FIRST_PAUSE;
        let mut reason = String::new();
        for attempt in 1..=ATTEMPTS {
            if pending.is_empty() {
                return Ok(());
            }
            if attempt > 1 {
                warn!(
                    documents = pending.len(),
                    attempt, reason, "a bulk is sent again"
                );
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            (pending, reason) = match self.send_bulk(&pending, query).await {
                Ok(reply) => remainder(pending, reply)?,
                Err(Error::Transient { detail, .. }) => (pending, detail),
                Err(error) => return Err(error),
            };
        }
        if pending.is_empty() {
            return Ok(());
        }
        Err(transient(format!(
            "{} documents were not taken in {ATTEMPTS} attempts: {reason}",
            pending.len()
        )))
    }

    async fn send_bulk(
        &self,
        documents: &[Document],
        query: &[(&str, &str)],
    ) -> Result<Reply, Error> {
        // The semaphore is never closed.
        let _place = self.bulks.acquire().await.ok();
        self.pace.wait(documents.len()).await;
        let path = format!("/{}/_bulk", self.names.write);
        let mut all = vec![
            ("require_alias", "true"),
            (
                "filter_path",
                "items.*.status,items.*.error.type,items.*.error.reason",
            ),
        ];
        all.extend_from_slice(query);
        self.http
            .send(Method::Post, &path, &all, Content::Lines(body(documents)))
            .await
    }
}

/// The request's lines: an action and a source a document.
fn body(documents: &[Document]) -> Vec<u8> {
    let mut lines = Vec::new();
    for document in documents {
        let action = json!({"index": {
            "_id": document.id,
            "routing": document.partition.to_string(),
            "version": document.version,
            "version_type": "external_gte",
        }});
        lines.extend_from_slice(action.to_string().as_bytes());
        lines.push(b'\n');
        lines.extend_from_slice(document.source.as_bytes());
        lines.push(b'\n');
    }
    lines
}

/// The documents to send again, and why.
///
/// # Errors
/// [`Error::Fatal`] naming a document that the index will never take.
fn remainder(sent: Vec<Document>, reply: Reply) -> Result<(Vec<Document>, String), Error> {
    let items = match items(reply) {
        Ok(items) => items,
        Err(Error::Transient { detail, .. }) => return Ok((sent, detail)),
        Err(error) => return Err(error),
    };
    if items.len() != sent.len() {
        let reason = format!(
            "it answered for {} of {} documents",
            items.len(),
            sent.len()
        );
        return Ok((sent, reason));
    }
    let mut again = Vec::new();
    let mut last = String::new();
    for (document, item) in sent.into_iter().zip(items) {
        match item.index.verdict() {
            Verdict::Done => {}
            Verdict::Again(reason) => {
                again.push(document);
                last = reason;
            }
            Verdict::Never(reason) => {
                return Err(Error::Fatal(format!(
                    "OpenSearch will never take document {:?} ({}): {reason}; the index was made \
                     by another version: delete it, so that it is made and filled anew",
                    document.id,
                    cut(&document.source)
                )));
            }
        }
    }
    Ok((again, last))
}

fn items(reply: Reply) -> Result<Vec<ItemReply>, Error> {
    let body = match reply.status {
        // The whole request met a deleted index or a block.
        403 if reply.is_error("cluster_block_exception") => return Err(blocked(&reply.body)),
        404 => return Err(blocked(&reply.body)),
        _ => reply.ok("take a bulk")?,
    };
    let bulk: BulkReply = serde_json::from_value(body)
        .map_err(|error| transient(format!("its answer to a bulk can't be read: {error}")))?;
    Ok(bulk.items)
}

fn blocked(body: &Value) -> Error {
    transient(format!("it takes no bulk now: {}", cut(&body.to_string())))
}

#[cfg(test)]
mod tests;
