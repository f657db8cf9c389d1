//! The cluster's nodes: whose turn it is, and which of them have stopped answering.
//!
//! A node that can't be reached, or is silent also to the smallest request, is passed over until it answers that
//! request again: no caller waits for it twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opensearch::http::Method;
use tokio::time::Instant;

use super::request::{Content, Request};
use super::wire::Wire;

/// How long a node may take for the smallest request before it counts as gone: longer than its collector's pauses.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How often a node that is gone is asked whether it is back.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// One node.
#[derive(Debug)]
pub(super) struct Node {
    /// Its host and port.
    pub name: String,
    wire: Arc<dyn Wire>,
    standing: Mutex<Standing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    /// It is asked again from this moment on.
    Gone(Instant),
    /// A task asks it.
    BeingAsked,
}

impl Node {
    pub(super) fn new(name: String, wire: Arc<dyn Wire>) -> Self {
        Self {
            name,
            wire,
            standing: Mutex::new(Standing::Good),
        }
    }

    /// How it is reached.
    pub(super) fn wire(&self) -> &dyn Wire {
        &*self.wire
    }

    /// Whether it answers at all, whatever it says.
    pub(super) async fn answers(&self) -> bool {
        let smallest = Request::new(Method::Get, "/", &[], Content::None);
        self.wire.exchange(&smallest, ANSWER_WITHIN).await.is_ok()
    }

    /// It has answered.
    pub(super) fn is_there(&self) {
        if self.set(Standing::Good) != Standing::Good {
            tracing::info!(node = self.name, "the OpenSearch node answers again");
        }
    }

    /// It hasn't.
    pub(super) fn is_gone(&self, why: &str) {
        if self.set(Standing::Gone(Instant::now() + ASK_AGAIN)) == Standing::Good {
            tracing::warn!(
                node = self.name,
                why,
                "the OpenSearch node doesn't answer; it is passed over"
            );
        }
    }

    fn set(&self, standing: Standing) -> Standing {
        let mut held = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *held, standing)
    }

    /// Whether requests may go to it; one that is gone is asked in the background when it is time.
    fn may_be_asked(self: &Arc<Self>) -> bool {
        let mut held = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Standing::Gone(until) = *held
            && until <= Instant::now()
        {
            *held = Standing::BeingAsked;
            let node = self.clone();
            tokio::spawn(async move {
                if node.answers().await {
                    node.is_there();
                } else {
                    node.set(Standing::Gone(Instant::now() + ASK_AGAIN));
                }
            });
        }
        *held == Standing::Good
    }
}

/// All nodes that are configured.
#[derive(Debug)]
pub(super) struct Nodes {
    all: Vec<Arc<Node>>,
    turn: AtomicUsize,
}

impl Nodes {
    pub(super) fn new(all: Vec<Node>) -> Self {
        Self {
            all: all.into_iter().map(Arc::new).collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Whether there is but one.
    pub(super) fn is_one(&self) -> bool {
        self.all.len() == 1
    }

    /// All of them, from whose turn it is; those that are gone come last.
    pub(super) fn in_turn(&self) -> Vec<Arc<Node>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut all = self.all.clone();
        all.rotate_left(turn % self.all.len().max(1));
        // Stable: within both parts the turn stays.
        all.sort_by_cached_key(|node| !node.may_be_asked());
        all
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use opensearch::http::transport::Transport;

    use super::super::wire::Network;
    use super::*;

    fn nodes(names: &[&str]) -> Nodes {
        let node = |name: &&str| {
            // Nobody listens on port 1.
            let transport = Transport::single_node("http://127.0.0.1:1").unwrap();
            let name = (*name).to_owned();
            Node::new(name.clone(), Arc::new(Network { name, transport }))
        };
        Nodes::new(names.iter().map(node).collect())
    }

    fn names(nodes: &Nodes) -> Vec<String> {
        let turn = nodes.in_turn();
        turn.iter().map(|node| node.name.clone()).collect()
    }

    #[test]
    fn requests_go_round_the_nodes() {
        let nodes = nodes(&["a", "b", "c"]);
        assert_eq!(names(&nodes), ["a", "b", "c"]);
        assert_eq!(names(&nodes), ["b", "c", "a"]);
        assert_eq!(names(&nodes), ["c", "a", "b"]);
        assert_eq!(names(&nodes), ["a", "b", "c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_is_gone_comes_last_until_it_answers() {
        let nodes = nodes(&["a", "b"]);
        let a = nodes.in_turn()[0].clone();
        a.is_gone("refused");
        assert_eq!(names(&nodes), ["b", "a"]);
        assert_eq!(names(&nodes), ["b", "a"]);
        // It is asked whether it is back, and nobody is sent there for that.
        tokio::time::advance(ASK_AGAIN).await;
        assert_eq!(names(&nodes), ["b", "a"]);
        assert_eq!(*a.standing.lock().unwrap(), Standing::BeingAsked);
        a.is_there();
        assert_eq!(names(&nodes), ["a", "b"]);
        assert_eq!(names(&nodes), ["b", "a"]);
    }
}
