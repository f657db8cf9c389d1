//! `footfall tokens`: makes tokens, lists them and takes them back.
//!
//! A token is printed once and kept nowhere; the file holds its hash. Processes read the file again within a second or
//! two, so nothing has to be restarted.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use web::{Entry, Scope, TokenFile};

use crate::config::Config;
use crate::length::length;

/// What to do with the tokens.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Make a token, and print it this once.
    Create {
        /// Who will have it; unique.
        #[arg(long)]
        name: String,
        /// What it allows: ingest, enter, read, metrics, admin; several with commas.
        #[arg(long, value_delimiter = ',', required = true, value_name = "SCOPE,…")]
        scope: Vec<Scope>,
        /// How long, for example 12h or 90d; without it, until it is revoked.
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires: Option<Duration>,
    },
    /// List them: name, scopes, when made, when they expire, with tabs.
    List,
    /// Take one back; processes that run refuse it within a second or two.
    Revoke {
        /// Whose.
        name: String,
    },
}

/// As a flag gives it.
fn lifetime(text: &str) -> Result<Duration, String> {
    let length = length(text)?;
    if length.is_zero() {
        return Err("a token that expires at once is of no use".to_owned());
    }
    Ok(length)
}

/// Runs the command.
///
/// # Errors
/// When no file is named, it can't be used, or the name is taken or unknown.
pub fn run(command: &Command, config: &Config) -> anyhow::Result<()> {
    let path = &config.http.tokens;
    if path.as_os_str().is_empty() {
        bail!(
            "no file of tokens is named: set http.tokens in the configuration file (--config), for example tokens = \"/etc/footfall/tokens\" under [http]"
        );
    }
    let file = TokenFile::at(path);
    let mut out = std::io::stdout().lock();
    match command {
        Command::Create {
            name,
            scope,
            expires,
        } => writeln!(out, "{}", create(&file, name, scope, *expires)?)?,
        Command::List => {
            for entry in file.read().map_err(anyhow::Error::msg)?.entries() {
                writeln!(out, "{}", line(entry, Timestamp::now()))?;
            }
        }
        Command::Revoke { name } => {
            revoke(&file, name, path)?;
            writeln!(out, "revoked {name}")?;
        }
    }
    Ok(())
}

fn create(
    file: &TokenFile,
    name: &str,
    scopes: &[Scope],
    expires: Option<Duration>,
) -> anyhow::Result<String> {
    let now = Timestamp::from_second(Timestamp::now().as_second())?;
    let expires = expires
        .map(|after| now.checked_add(after))
        .transpose()
        .context("--expires")?;
    let mut scopes = scopes.to_vec();
    scopes.sort();
    scopes.dedup();
    let (token, entry) = web::create(name, &scopes, now, expires);
    file.change(|tokens| tokens.add(entry))
        .map_err(anyhow::Error::msg)?;
    Ok(token)
}

fn revoke(file: &TokenFile, name: &str, path: &Path) -> anyhow::Result<()> {
    let unknown = || {
        format!(
            "{} holds no token {name:?}; `footfall tokens list` names them",
            path.display()
        )
    };
    file.change(|tokens| tokens.remove(name).then_some(()).ok_or_else(unknown))
        .map_err(anyhow::Error::msg)
}

fn line(entry: &Entry, now: Timestamp) -> String {
    let scopes: Vec<&str> = entry.scopes.iter().map(|scope| scope.as_str()).collect();
    let expires = match entry.expires {
        None => "never".to_owned(),
        Some(expires) if entry.is_expired(now) => format!("{expires} (expired)"),
        Some(expires) => expires.to_string(),
    };
    let (scopes, name, created) = (scopes.join(","), &entry.name, entry.created);
    format!("{name}\t{scopes}\t{created}\t{expires}")
}
