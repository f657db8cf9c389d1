//! One request to one node, and how a node fails to answer it.

use std::time::Duration;

use opensearch::http::Method;
use opensearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

use super::nodes::Node;
use super::reply::cut;

/// What is sent.
pub(super) enum Content {
    /// Nothing.
    None,
    /// One JSON value.
    Json(Value),
    /// JSON values, one a line.
    Lines(Vec<u8>),
}

/// A request.
pub(super) struct Request<'a> {
    method: Method,
    path: &'a str,
    query: &'a [(&'a str, &'a str)],
    kind: &'static str,
    bytes: Option<Vec<u8>>,
}

/// How a node failed to answer.
pub(super) enum Failure {
    /// It isn't there: the next one may be.
    Gone(String),
    /// It is there, and takes too long.
    Slow(String),
    /// It is there, and can't be spoken with until a person has looked.
    Refused(String),
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

    /// Sends it, and reads the status and the text of the answer.
    pub(super) async fn exchange(
        &self,
        node: &Node,
        within: Duration,
    ) -> Result<(u16, String), Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        let (query, bytes) = (Some(self.query), self.bytes.clone());
        let sent =
            node.transport()
                .send(self.method, self.path, headers, query, bytes, Some(within));
        let response = sent.await.map_err(|error| failure(node, &error))?;
        let status = response.status_code().as_u16();
        let text = response
            .text()
            .await
            .map_err(|error| failure(node, &error))?;
        Ok((status, text))
    }
}

fn failure(node: &Node, error: &opensearch::Error) -> Failure {
    let (text, name) = (chain(error), &node.name);
    if error.is_timeout() {
        return Failure::Slow(format!("{name} has not answered in time: {text}"));
    }
    if text.contains("invalid peer certificate") {
        return Failure::Refused(format!(
            "the certificate of OpenSearch at {name} is not to be trusted ({}): set opensearch.ca to the PEM file of the \
             authority that signed it, and address the node by a name that the certificate holds",
            certificate_error(&text)
        ));
    }
    if text.contains("CertificateRequired") {
        return Failure::Refused(asks_for_certificate(name));
    }
    if text.contains("InvalidContentType") {
        return Failure::Refused(format!(
            "OpenSearch at {name} speaks no TLS: its address begins with http://, not with https://"
        ));
    }
    Failure::Gone(format!("{name}: {text}"))
}

/// What to do where a node asks for a certificate.
pub(super) fn asks_for_certificate(name: &str) -> String {
    format!(
        "OpenSearch at {name} asks for a certificate of ours: set opensearch.certificate and opensearch.key to PEM files that \
         it accepts"
    )
}

fn certificate_error(text: &str) -> &str {
    let at = text.find("invalid peer certificate").unwrap_or_default();
    cut(&text[at..])
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
