//! How a request gets to a node: over the network, or as a simulator carries it.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use opensearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use opensearch::http::transport::Transport;

use super::reply::cut;
use super::request::{Request, asks_for_certificate};

/// Carries requests to one node, and brings back its answers.
#[async_trait]
pub trait Wire: Debug + Send + Sync {
    /// The status and the text of the answer.
    ///
    /// # Errors
    /// How the node failed to answer within that time. The request may have been carried out.
    async fn exchange(
        &self,
        request: &Request<'_>,
        within: Duration,
    ) -> Result<(u16, String), Failure>;
}

/// How a node failed to answer, in words.
#[derive(Debug, Clone)]
pub enum Failure {
    /// It isn't there: the next one may be.
    Gone(String),
    /// It is there, and takes too long.
    Slow(String),
    /// It is there, and can't be spoken with until a person has looked.
    Refused(String),
}

/// A node that is reached by HTTP.
#[derive(Debug)]
pub(super) struct Network {
    /// Its host and port.
    pub name: String,
    /// Its client.
    pub transport: Transport,
}

#[async_trait]
impl Wire for Network {
    async fn exchange(
        &self,
        request: &Request<'_>,
        within: Duration,
    ) -> Result<(u16, String), Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(request.kind));
        let sent = self.transport.send(
            request.method,
            request.path,
            headers,
            Some(request.query),
            request.bytes.clone(),
            Some(within),
        );
        let response = sent.await.map_err(|error| self.failure(&error))?;
        let status = response.status_code().as_u16();
        let text = response
            .text()
            .await
            .map_err(|error| self.failure(&error))?;
        Ok((status, text))
    }
}

impl Network {
    fn failure(&self, error: &opensearch::Error) -> Failure {
        let (text, name) = (chain(error), &self.name);
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
