//! Requests to the cluster's nodes, one after the other round the list.
//!
//! What the server can't do now becomes [`Error::Transient`]; every other answer goes to the
//! caller with its status.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opensearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use opensearch::http::transport::{Connection, ConnectionPool, Transport, TransportBuilder};
use opensearch::http::{Method, Url};
use serde_json::Value;

use super::transient;
use crate::Error;

/// How long one request may take. A loaded node needs seconds to create an index or to sum up a
/// year; a minute means that it is gone.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How much of a server's message is repeated in an error, in bytes.
const DETAIL: usize = 600;

/// The nodes of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Http {
    transport: Transport,
    nodes: usize,
}

/// An answer that is not the server's excuse.
#[derive(Debug)]
pub(super) struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when it is empty.
    pub body: Value,
}

/// What is sent.
pub(super) enum Content {
    /// Nothing.
    None,
    /// One JSON value.
    Json(Value),
    /// JSON values, one a line.
    Lines(Vec<u8>),
}

impl Http {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the list is empty or an address can't be read.
    pub(super) fn new(urls: &[String]) -> Result<Self, Error> {
        let mut connections = Vec::new();
        for url in urls {
            // The address may hold a password: it is not repeated.
            let url = Url::parse(url).map_err(|error| {
                Error::Fatal(format!(
                    "an OpenSearch address can't be read ({error}); it looks like http://127.0.0.1:9200"
                ))
            })?;
            if !["http", "https"].contains(&url.scheme()) {
                return Err(Error::Fatal(
                    "an OpenSearch address begins with http:// or https://, as http://127.0.0.1:9200 does".to_owned(),
                ));
            }
            connections.push(Connection::new(url));
        }
        if connections.is_empty() {
            return Err(Error::Fatal(
                "no OpenSearch address was given; it looks like http://127.0.0.1:9200".to_owned(),
            ));
        }
        let nodes = connections.len();
        let transport = TransportBuilder::new(RoundRobin::new(connections))
            .disable_proxy()
            .timeout(REQUEST_TIMEOUT)
            .build()
            .map_err(|error| {
                Error::Fatal(format!("no OpenSearch client could be made: {error}"))
            })?;
        Ok(Self { transport, nodes })
    }

    /// Sends a request; if a node can't be connected to, to the next one.
    ///
    /// # Errors
    /// [`Error::Transient`] when no node answers, or the answer is 429 or 5xx. The request may
    /// have been carried out.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        content: Content,
    ) -> Result<Reply, Error> {
        let (kind, bytes) = match content {
            Content::None => ("application/json", None),
            Content::Json(value) => ("application/json", Some(value.to_string().into_bytes())),
            Content::Lines(lines) => ("application/x-ndjson", Some(lines)),
        };
        let mut refused = String::new();
        for _ in 0..self.nodes {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            let sent = self
                .transport
                .send(method, path, headers, Some(query), bytes.clone(), None)
                .await;
            match sent {
                Ok(response) => return read(response).await,
                Err(error) => refused = chain(&error),
            }
        }
        Err(transient(refused))
    }
}

async fn read(response: opensearch::http::response::Response) -> Result<Reply, Error> {
    let status = response.status_code().as_u16();
    let text = response
        .text()
        .await
        .map_err(|error| transient(chain(&error)))?;
    if status == 429 || status >= 500 {
        return Err(transient(format!("it answered {status}: {}", cut(&text))));
    }
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).map_err(|error| {
            transient(format!(
                "its answer of status {status} is no JSON ({error}): {}",
                cut(&text)
            ))
        })?
    };
    Ok(Reply { status, body })
}

impl Reply {
    /// The body of a 2xx.
    ///
    /// # Errors
    /// [`Error::Fatal`] for every other status, naming what was tried.
    pub(super) fn ok(self, tried: &str) -> Result<Value, Error> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(Error::Fatal(format!(
            "OpenSearch refused to {tried}, with status {}: {}",
            self.status,
            cut(&self.body.to_string())
        )))
    }

    /// Whether it is an error of this type.
    pub(super) fn is_error(&self, kind: &str) -> bool {
        self.body["error"]["type"] == kind
    }
}

/// The start of a server's message.
pub(super) fn cut(text: &str) -> &str {
    let mut end = text.len().min(DETAIL);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// An error with its causes: reqwest's own text says only that sending failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[derive(Debug, Clone)]
struct RoundRobin {
    connections: Arc<[Connection]>,
    next: Arc<AtomicUsize>,
}

impl RoundRobin {
    /// `connections` is not empty.
    fn new(connections: Vec<Connection>) -> Self {
        Self {
            connections: connections.into(),
            next: Arc::default(),
        }
    }
}

impl ConnectionPool for RoundRobin {
    fn next(&self) -> Connection {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.connections[turn % self.connections.len()].clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn an_empty_list_of_addresses_is_refused() {
        assert!(matches!(Http::new(&[]), Err(Error::Fatal(_))));
    }

    #[test]
    fn a_bad_address_is_refused_without_repeating_its_password() {
        let Err(Error::Fatal(text)) = Http::new(&["http://me:secret@ho st".to_owned()]) else {
            panic!("accepted");
        };
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn an_address_without_its_scheme_is_refused_with_what_it_begins_with() {
        let Err(Error::Fatal(text)) = Http::new(&["localhost:9200".to_owned()]) else {
            panic!("accepted");
        };
        assert!(text.contains("http://"), "{text}");
    }

    #[test]
    fn requests_go_round_the_nodes() {
        let url = |port| Connection::new(Url::parse(&format!("http://127.0.0.1:{port}")).unwrap());
        let pool = RoundRobin::new(vec![url(1), url(2)]);
        let turns: Vec<String> = (0..4).map(|_| format!("{:?}", pool.next())).collect();
        assert_ne!(turns[0], turns[1]);
        assert_eq!(turns[0], turns[2]);
        assert_eq!(turns[1], turns[3]);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        assert!(cut(&"가".repeat(1000)).len() <= DETAIL);
    }
}
