//! Lets a request through to its route if its token allows it, and says what is missing if not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use jiff::Timestamp;

use super::attempts::{Attempts, MOST_ATTEMPTS, Verdict, WINDOW};
use super::tokens::is_formed;
use super::{Scope, Tokens};
use crate::metrics::{Refusal, count_refusal};
use crate::problem::{Kind, Problem};

/// What a route asks of who asks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it tells nobody's secrets.
    Open,
    /// A token with this scope.
    Needs(Scope),
}

/// Lets requests through that bring a token with the right scope; an open one lets every request through. Cheap to clone.
#[derive(Clone, Default)]
pub struct Guard(Option<Arc<Inner>>);

struct Inner {
    tokens: RwLock<Arc<Tokens>>,
    attempts: Mutex<Attempts>,
}

impl Guard {
    /// Asks for no token.
    pub fn open() -> Self {
        Self(None)
    }

    /// Asks for one of these tokens.
    pub fn of(tokens: Tokens) -> Self {
        Self(Some(Arc::new(Inner {
            tokens: RwLock::new(Arc::new(tokens)),
            attempts: Mutex::default(),
        })))
    }

    /// Asks for one of these tokens from now on.
    pub fn replace(&self, tokens: Tokens) {
        if let Some(inner) = &self.0 {
            *inner.tokens.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tokens);
        }
    }

    /// Whether the request may do what needs the scope, for a route that is open to all and tells some more.
    pub(crate) fn allows(&self, needed: Scope, request: &Request) -> bool {
        self.check(needed, request, Timestamp::now()).is_ok()
    }

    /// Whether the request may do what needs the scope, at that time.
    fn check(&self, needed: Scope, request: &Request, now: Timestamp) -> Result<(), Box<Refused>> {
        let Some(inner) = &self.0 else {
            return Ok(());
        };
        let tokens = Arc::clone(&inner.tokens.read().unwrap_or_else(PoisonError::into_inner));
        let Some(token) = sent(request.headers()) else {
            return Err(Box::new(Refused::missing(needed)));
        };
        let found = is_formed(token).then(|| tokens.find(token)).flatten();
        let refusal = match found {
            None => Refusal::Unknown,
            Some(entry) if entry.is_expired(now) => Refusal::Expired,
            Some(entry) if entry.allows(needed) => return Ok(()),
            Some(entry) => return Err(Box::new(Refused::scope(needed, &entry.name))),
        };
        Err(Box::new(inner.wrong(refusal, request)))
    }
}

impl Inner {
    fn wrong(&self, refusal: Refusal, request: &Request) -> Refused {
        let address = peer(request);
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        match attempts.wrong(address, Instant::now()) {
            Verdict::Refused => return Refused::token(refusal),
            Verdict::FirstTooMany => {
                tracing::warn!(%address, "more than {MOST_ATTEMPTS} wrong tokens within {WINDOW:?}");
            }
            Verdict::TooMany => {}
        }
        Refused::too_many()
    }
}

/// Who asks; where that is unknown, all are one.
fn peer(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip())
}

/// The token of the header `Authorization`; an empty one where the header holds something else.
fn sent(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(header::AUTHORIZATION)?;
    let (scheme, token) = header.to_str().ok()?.split_once(' ').unwrap_or_default();
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    Some(if is_bearer { token.trim() } else { "" })
}

/// A request that is not let through.
struct Refused {
    refusal: Refusal,
    problem: Problem,
    challenge: String,
}

impl Refused {
    fn missing(needed: Scope) -> Self {
        let detail = format!(
            "this needs a token with the scope {needed}: send it in the header `Authorization: Bearer ff_…`; `footfall tokens create` makes one"
        );
        Self {
            refusal: Refusal::Missing,
            problem: Problem::new(Kind::NO_TOKEN, detail),
            challenge: "Bearer realm=\"footfall\"".to_owned(),
        }
    }

    fn token(refusal: Refusal) -> Self {
        let detail = match refusal {
            Refusal::Expired => "the token has expired; ask for another one",
            _ => "the token is not known here: it was misspelt or revoked",
        };
        Self {
            refusal,
            problem: Problem::new(Kind::WRONG_TOKEN, detail),
            challenge: "Bearer realm=\"footfall\", error=\"invalid_token\"".to_owned(),
        }
    }

    fn scope(needed: Scope, name: &str) -> Self {
        let detail = format!(
            "the token {name:?} lacks the scope {needed}; ask for one that has it (`footfall tokens create --scope {needed}`)"
        );
        Self {
            refusal: Refusal::Scope,
            problem: Problem::new(Kind::NO_SCOPE, detail),
            challenge: format!(
                "Bearer realm=\"footfall\", error=\"insufficient_scope\", scope=\"{needed}\""
            ),
        }
    }

    fn too_many() -> Self {
        let detail = format!(
            "more than {MOST_ATTEMPTS} wrong tokens came from this address within {} s; a good one is served all the same",
            WINDOW.as_secs()
        );
        Self {
            refusal: Refusal::TooMany,
            problem: Problem::new(Kind::TOO_MANY_ATTEMPTS, detail).retry_after(WINDOW.as_secs()),
            challenge: String::new(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        count_refusal(self.refusal);
        let mut response = self.problem.into_response();
        if let Ok(challenge) = HeaderValue::from_str(&self.challenge)
            && !self.challenge.is_empty()
        {
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The route behind the guard.
pub fn guarded<S>(route: MethodRouter<S>, access: Access, guard: &Guard) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    match access {
        Access::Open => route,
        Access::Needs(scope) => {
            route.route_layer(from_fn_with_state((guard.clone(), scope), let_through))
        }
    }
}

async fn let_through(
    State((guard, scope)): State<(Guard, Scope)>,
    request: Request,
    next: Next,
) -> Response {
    match guard.check(scope, &request, Timestamp::now()) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}
