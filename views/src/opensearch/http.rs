//! Requests to the cluster's nodes, one after the other round the list.
//!
//! What the server can't do now becomes [`Error::Transient`]; every other answer goes to the caller with its status.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opensearch::http::Method;
use opensearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

use super::access::Access;
use super::nodes::{Node, Nodes};
use super::reply::{Reply, cut};
use super::transient;
use crate::Error;

/// How long one request may take. A loaded node needs seconds to create an index or to sum up a year, and a write
/// waits half a minute for a cluster that has lost a node; a minute means that it is gone.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a question may take on its first node of several. Where it takes longer, a copy that it needs is probably
/// on a node that has stopped, and asked again it goes to another copy.
const FIRST_QUESTION: Duration = Duration::from_secs(15);
/// When a node that has not answered yet is asked whether it is there at all. Where it isn't, the request moves on.
const LOOK_AFTER: Duration = Duration::from_secs(3);

/// The nodes of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Http {
    nodes: Arc<Nodes>,
    /// Whether requests say who they are from.
    named: bool,
    /// Whether the cluster has ever let us in: from then on, certificates and passwords that it refuses are being
    /// changed, which is waited for.
    entered: Arc<AtomicBool>,
    /// Addresses on which a password can be read on its way.
    open: Vec<String>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// May be carried out twice, and takes its time.
    Repeatable,
    /// May be asked of two nodes.
    Question,
    /// Must not be carried out twice.
    Once,
}

struct Request<'a> {
    method: Method,
    path: &'a str,
    query: &'a [(&'a str, &'a str)],
    kind: &'static str,
    bytes: Option<Vec<u8>>,
}

/// How a node failed to answer.
enum Failure {
    /// It isn't there: the next one may be.
    Gone(String),
    /// It is there, and takes too long.
    Slow(String),
    /// It is there, and can't be spoken with until a person has looked.
    Refused(String),
}

impl Http {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Fatal`] when an address or a file of the access can't be used.
    pub(super) fn new(urls: &[String], access: &Access) -> Result<Self, Error> {
        let mut nodes = Vec::new();
        let mut open = Vec::new();
        for address in access.addresses(urls)? {
            if address.is_open() {
                open.push(address.name.clone());
            }
            let transport = access.transport(&address)?;
            nodes.push(Node::new(address.name, transport));
        }
        Ok(Self {
            nodes: Arc::new(Nodes::new(nodes)),
            named: access.is_named(urls),
            entered: Arc::default(),
            open,
        })
    }

    /// Addresses on which a password can be read on its way.
    pub(super) fn open_wires(&self) -> &[String] {
        &self.open
    }

    /// Sends a request that may be carried out twice; if a node doesn't answer, to the next one.
    ///
    /// # Errors
    /// [`Error::Transient`] when no node answers, or the answer is 5xx: the request may have been carried out.
    /// [`Error::Fatal`] when the cluster has never let us in and a person must look.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        content: Content,
    ) -> Result<Reply, Error> {
        let request = Request::new(method, path, query, content);
        self.carry(request, Kind::Repeatable).await
    }

    /// Asks; if it takes long, another node as well.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        content: Content,
    ) -> Result<Reply, Error> {
        let request = Request::new(method, path, query, content);
        self.carry(request, Kind::Question).await
    }

    /// Sends a request to one node, once.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub(super) async fn send_once(
        &self,
        method: Method,
        path: &str,
        content: Content,
    ) -> Result<Reply, Error> {
        let request = Request::new(method, path, &[], content);
        self.carry(request, Kind::Once).await
    }

    async fn carry(&self, request: Request<'_>, kind: Kind) -> Result<Reply, Error> {
        let mut nodes = self.nodes.in_turn();
        if kind == Kind::Once {
            nodes.truncate(1);
        }
        let last = nodes.len() - 1;
        let (mut said, mut refused) = (String::new(), true);
        for (turn, node) in nodes.iter().enumerate() {
            let first_of_several = kind == Kind::Question && turn == 0 && last > 0;
            let within = if first_of_several {
                FIRST_QUESTION
            } else {
                REQUEST_TIMEOUT
            };
            let failure = match self.on_node(node, &request, within).await {
                Ok((status, text)) => {
                    node.is_there();
                    return self.judged(node, status, text);
                }
                Err(failure) => failure,
            };
            match failure {
                Failure::Slow(text) if !first_of_several => return Err(transient(text)),
                Failure::Slow(text) => (said, refused) = (text, false),
                Failure::Gone(text) => {
                    self.pass_over(node, &text);
                    (said, refused) = (text, false);
                }
                Failure::Refused(text) => {
                    self.pass_over(node, &text);
                    said = text;
                }
            }
        }
        Err(if refused {
            self.not_let_in(said)
        } else {
            transient(said)
        })
    }

    /// An answer's status and text. A node of several that is silent is asked whether it is there.
    async fn on_node(
        &self,
        node: &Node,
        request: &Request<'_>,
        within: Duration,
    ) -> Result<(u16, String), Failure> {
        let mut answer = std::pin::pin!(request.exchange(node, within));
        if self.nodes.is_one() {
            return answer.await;
        }
        loop {
            if let Ok(answer) = tokio::time::timeout(LOOK_AFTER, &mut answer).await {
                return answer;
            }
            tokio::select! {
                answer = &mut answer => return answer,
                there = node.answers() => if !there {
                    return Err(Failure::Gone(format!("{} is silent", node.name)));
                }
            }
        }
    }

    fn pass_over(&self, node: &Node, why: &str) {
        if !self.nodes.is_one() {
            node.is_gone(why);
        }
    }

    fn judged(&self, node: &Node, status: u16, text: String) -> Result<Reply, Error> {
        let reply = Reply::read(status, text);
        let name = &node.name;
        match reply {
            Ok(reply) if reply.status == 401 && self.named => Err(self.not_let_in(format!(
                "OpenSearch at {name} refuses this user or password (status 401): correct opensearch.user and \
                 opensearch.password (FOOTFALL_OPENSEARCH_USER, FOOTFALL_OPENSEARCH_PASSWORD), or the user's in the address"
            ))),
            Ok(reply) if reply.status == 401 => Err(self.not_let_in(format!(
                "OpenSearch at {name} asks who this is (status 401): set opensearch.user and opensearch.password \
                 (FOOTFALL_OPENSEARCH_USER, FOOTFALL_OPENSEARCH_PASSWORD)"
            ))),
            Ok(reply) if reply.status == 400 && reply.says("HTTPS port") => Err(self.not_let_in(format!(
                "OpenSearch at {name} speaks TLS: its address begins with https://, not with http://"
            ))),
            Ok(reply) if reply.status == 400 && reply.says("SSL certificate") => {
                Err(self.not_let_in(asks_for_certificate(name)))
            }
            Ok(reply) => {
                self.entered.store(true, Ordering::Relaxed);
                Ok(reply)
            }
            Err(error) => Err(error),
        }
    }

    fn not_let_in(&self, sentence: String) -> Error {
        if self.entered.load(Ordering::Relaxed) {
            transient(sentence)
        } else {
            Error::Fatal(sentence)
        }
    }
}

impl<'a> Request<'a> {
    fn new(
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

    async fn exchange(&self, node: &Node, within: Duration) -> Result<(u16, String), Failure> {
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

fn asks_for_certificate(name: &str) -> String {
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
