//! Asks other processes of Footfall over HTTP, as `canary` and `status` do: whose certificates are trusted, and what a
//! refusal means.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::{Certificate, Client, Response, StatusCode};

use crate::config::Config;

/// A client that waits so long for an answer and trusts the system's authorities and those of `http.ca`.
///
/// # Errors
/// When the file can't be used.
pub fn client(config: &Config, timeout: Duration) -> anyhow::Result<Client> {
    let authorities = authorities(&config.http.ca)?;
    let client = Client::builder()
        .no_proxy()
        // A token goes to whom it is meant for, and no further.
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout);
    Ok(client.tls_certs_merge(authorities).build()?)
}

/// The certificates in a file; none where no file is named.
///
/// # Errors
/// When it can't be read, or holds none.
pub fn authorities(ca: &Path) -> anyhow::Result<Vec<Certificate>> {
    if ca == Path::new("") {
        return Ok(Vec::new());
    }
    let unusable = || {
        format!(
            "http.ca, {}: name a PEM file with the authorities that sign the certificates of Footfall's listeners",
            ca.display()
        )
    };
    let pem = std::fs::read(ca).with_context(unusable)?;
    let found = Certificate::from_pem_bundle(&pem).with_context(unusable)?;
    if found.is_empty() {
        return Err(anyhow!("it holds no certificate").context(unusable()));
    }
    Ok(found)
}

/// Fails where the answer is that a token is missing, unknown or without the scope.
///
/// # Errors
/// With what to give.
pub fn check_admitted(answer: &Response, scope: &str) -> anyhow::Result<()> {
    let status = answer.status();
    if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
        bail!("it answers {status}: give a token with the scope {scope} in FOOTFALL_TOKEN");
    }
    Ok(())
}

/// Why a certificate is not trusted, where a request failed of that; no waiting mends it.
pub fn distrust(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if text.contains("invalid peer certificate") {
            return Some(format!(
                "{text}: name the authority that signed it in http.ca, and ask for a name or an address that stands in it"
            ));
        }
        cause = next.source();
    }
    None
}

/// What a failed request means.
pub fn explained(error: reqwest::Error) -> anyhow::Error {
    match distrust(&error) {
        Some(why) => anyhow!(why),
        None => error.into(),
    }
}
