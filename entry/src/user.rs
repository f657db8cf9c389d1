//! Who asks for a seat: the verified subject of what another system has signed, never what the client claims.

use std::net::SocketAddr;

use aws_lc_rs::hmac;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use web::Problem;

use crate::problem;

/// Carries the assertion.
const HEADER: &str = "footfall-user";
/// The shortest secret, bytes: as long as the signatures made with it.
const SHORTEST_SECRET: usize = 32;

/// Verifies who asks.
pub struct Users(Proof);

enum Proof {
    Hmac(Box<hmac::Key>),
    /// For development: anyone on this machine is whoever they say.
    Claimed,
}

impl Users {
    /// By `user.expiry.signature`: the expiry in seconds since the epoch, the signature HMAC-SHA256 of what stands before
    /// it, 64 hexadecimal digits.
    ///
    /// # Errors
    /// When the secret is too short.
    pub fn by_hmac(key: &[u8]) -> Result<Self, String> {
        Ok(Self(Proof::Hmac(Box::new(secret(key)?))))
    }

    /// By the header alone, for development: only requests from this machine are served.
    pub fn as_claimed() -> Self {
        Self(Proof::Claimed)
    }

    /// Who asks, at that time.
    pub(crate) fn of(&self, head: &Parts, now_ms: i64) -> Result<String, Problem> {
        let sent = head.headers.get(HEADER).map(|value| value.as_bytes());
        let Some(sent) = sent.and_then(|bytes| std::str::from_utf8(bytes).ok()) else {
            let detail = format!(
                "this needs the header {HEADER} that says who asks: {}",
                self.0.form()
            );
            return Err(Problem::new(problem::NO_USER, detail));
        };
        match &self.0 {
            Proof::Hmac(key) => by_hmac(sent, key, now_ms),
            Proof::Claimed => {
                let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
                if peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback()) {
                    return Ok(sent.to_owned());
                }
                Err(wrong(
                    "users who only say who they are are served on this machine alone; have them signed",
                ))
            }
        }
    }
}

impl Proof {
    const fn form(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "user.expiry.signature",
            Self::Claimed => "the user's id",
        }
    }
}

fn secret(key: &[u8]) -> Result<hmac::Key, String> {
    if key.len() < SHORTEST_SECRET {
        return Err(format!(
            "the secret that signs users has {} bytes; it takes at least {SHORTEST_SECRET} random ones",
            key.len()
        ));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key))
}

fn by_hmac(sent: &str, key: &hmac::Key, now_ms: i64) -> Result<String, Problem> {
    let parts = sent.rsplit_once('.').and_then(|(signed, signature)| {
        let (user, expiry) = signed.rsplit_once('.')?;
        Some((signed, signature, user, expiry.parse::<i64>().ok()?))
    });
    let Some((signed, signature, user, expiry)) = parts else {
        return Err(wrong("who asks is written as user.expiry.signature"));
    };
    let signature = hex::decode(signature).unwrap_or_default();
    if hmac::verify(key, signed.as_bytes(), &signature).is_err() {
        return Err(wrong("the signature is not of this user and expiry"));
    }
    if expiry.saturating_mul(1_000) <= now_ms {
        return Err(expired());
    }
    Ok(user.to_owned())
}

fn expired() -> Problem {
    wrong("what says who asks has expired; have it signed again")
}

fn wrong(detail: &str) -> Problem {
    Problem::new(problem::WRONG_USER, detail)
}
