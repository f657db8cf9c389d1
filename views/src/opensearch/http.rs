//! Requests to the cluster's nodes, one after the other round the list.
//!
//! What the server can't do now becomes [`Error::Transient`]; every other answer goes to the caller with its status.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opensearch::http::Method;
use serde_json::Value;

use super::access::Access;
use super::nodes::{Node, Nodes};
use super::reply::Reply;
use super::request::{Request, asks_for_certificate};
use super::transient;
use super::wire::{Failure, Network, Wire};
use crate::Error;

pub(super) use super::request::Content;

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

/// How a request may be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Perhaps twice; if a node doesn't answer, by the next one. It takes its time.
    Repeatable,
    /// As [`Kind::Repeatable`]; if it takes long, by another node as well.
    Question,
    /// By one node, once.
    Once,
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
            let name = address.name;
            nodes.push(Node::new(
                name.clone(),
                Arc::new(Network { name, transport }),
            ));
        }
        Ok(Self {
            nodes: Arc::new(Nodes::new(nodes)),
            named: access.is_named(urls),
            entered: Arc::default(),
            open,
        })
    }

    /// The one node at the end of this wire.
    pub(super) fn over(wire: Arc<dyn Wire>) -> Self {
        let node = Node::new("the wire".to_owned(), wire);
        Self {
            nodes: Arc::new(Nodes::new(vec![node])),
            named: false,
            entered: Arc::default(),
            open: Vec::new(),
        }
    }

    /// Addresses on which a password can be read on its way.
    pub(super) fn open_wires(&self) -> &[String] {
        &self.open
    }

    /// What is there, or nothing where nothing is; `tried` says what was wanted, for whoever is refused.
    ///
    /// # Errors
    /// As [`Http::send`], and when the cluster refuses.
    pub(super) async fn find(
        &self,
        path: &str,
        query: &[(&str, &str)],
        tried: &str,
    ) -> Result<Option<Value>, Error> {
        let sent = self.send(Kind::Question, Method::Get, path, query, Content::None);
        let reply = sent.await?;
        match reply.status {
            404 => Ok(None),
            _ => reply.ok(tried).map(Some),
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`Error::Transient`] when no node answers, or the answer is 5xx: the request may have been carried out.
    /// [`Error::Fatal`] when the cluster has never let us in and a person must look.
    pub(super) async fn send(
        &self,
        kind: Kind,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        content: Content,
    ) -> Result<Reply, Error> {
        let request = Request::new(method, path, query, content);
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
        let mut answer = std::pin::pin!(node.wire().exchange(request, within));
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
