//! One request to one node.

use opensearch::http::Method;
use serde_json::Value;

/// What is sent.
pub(super) enum Content {
    /// Nothing.
    None,
    /// One JSON value.
    Json(Value),
    /// JSON values, one a line.
    Lines(Vec<u8>),
}

/// A request, as a [`Wire`](super::Wire) carries it.
#[derive(Debug)]
pub struct Request<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The content's type.
    pub(super) kind: &'static str,
    pub(super) bytes: Option<Vec<u8>>,
}

impl<'a> Request<'a> {
    pub(super) fn new(
        method: Method,
        path: &'a str,
        query: &'a [(&'a str, &'a str)],
        content: Content,
    ) -> Self {
        let (kind, bytes) = match content {
            Content::None => ("application/json", None),
            Content::Json(value) => ("application/json", Some(value.to_string().into_bytes())),
            Content::Lines(lines) => ("application/x-ndjson", Some(lines)),
        };
        Self {
            method,
            path,
            query,
            kind,
            bytes,
        }
    }

    /// `GET`, `HEAD`, `POST`, `PUT` or `DELETE`.
    pub fn method(&self) -> &'static str {
        match self.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }

    /// From its first slash on, without the query.
    pub fn path(&self) -> &str {
        self.path
    }

    /// Names and values, not yet escaped.
    pub fn query(&self) -> &[(&'a str, &'a str)] {
        self.query
    }

    /// JSON, or lines of it; empty where nothing is sent.
    pub fn body(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or_default()
    }
}

/// What to do where a node asks for a certificate.
pub(super) fn asks_for_certificate(name: &str) -> String {
    format!(
        "OpenSearch at {name} asks for a certificate of ours: set opensearch.certificate and opensearch.key to PEM files that \
         it accepts"
    )
}
