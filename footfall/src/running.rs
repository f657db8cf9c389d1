//! The demo that runs on a data folder, and how other commands ask it.
//!
//! While it runs it holds its checkpoints. It says in a file of the folder where its dump is to be
//! had, and removes the file when it ends; one that was killed leaves it behind.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use pipeline::row::NamedCells;
use reqwest::StatusCode;
use views::AsOf;

use crate::config::Config;
use crate::status::process::Process;

/// The file, in the data folder.
const FILE: &str = "demo.url";
/// The mode of files that hold a secret.
const OWNER_ONLY: u32 = 0o600;
/// The demo is on this machine; longer means that it is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the dump listens: on this machine only and unencrypted, whatever the page's address asks for. Only who may read
/// the data folder knows its port and its path.
pub fn loopback() -> web::Settings {
    web::Settings {
        host: std::net::Ipv4Addr::LOCALHOST.to_string(),
        ..web::Settings::default()
    }
}

/// Where a demo's dump is served. Random, so that whoever answers there is the demo that wrote it
/// down, not another one that took the address since.
pub fn dump_path() -> String {
    format!("/internal/{:032x}/dump", rand::random::<u128>())
}

/// Where it says what it is doing, beside its dump.
pub fn status_path(dump_path: &str) -> String {
    let (folder, _) = dump_path.rsplit_once('/').unwrap_or_default();
    format!("{folder}/status")
}

/// The file, as long as the demo runs.
#[derive(Debug)]
pub struct Announced(PathBuf);

impl Drop for Announced {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, file = %self.0.display(), "can't be removed");
        }
    }
}

/// Says in the data folder that the demo serves its dump there.
///
/// # Errors
/// When the file can't be written.
pub fn announce(data: &Path, address: SocketAddr, path: &str) -> anyhow::Result<Announced> {
    let (file, part) = (data.join(FILE), data.join(format!("{FILE}.part")));
    write_for_owner(&part, &format!("http://{address}{path}\n"))
        .and_then(|()| std::fs::rename(&part, &file))
        .with_context(|| file.display().to_string())?;
    Ok(Announced(file))
}

/// What the demo that runs on the data folder is doing, and what it is called; `None` when none runs.
///
/// # Errors
/// When it does not say.
pub async fn status(config: &Config) -> anyhow::Result<Option<(String, Process)>> {
    let Some(url) = announced(config)? else {
        return Ok(None);
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(CONNECT_TIMEOUT)
        .build()?;
    // Not its address: that of its page is another one, and this one only answers who knows the path.
    let demo = format!("the demo on {}", config.data.display());
    match client.get(status_path(&url)).send().await {
        Ok(answer) if answer.status().is_success() => Ok(Some((demo, answer.json().await?))),
        // It was killed, and somebody else may be there now.
        _ => Ok(None),
    }
}

/// What the file says; `None` where there is none.
fn announced(config: &Config) -> anyhow::Result<Option<String>> {
    let file = config.data.join(FILE);
    match std::fs::read_to_string(&file) {
        Ok(url) => Ok(Some(url.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| file.display().to_string()),
    }
}

/// Writes a file that others can't read, whoever can read the folder.
pub(crate) fn write_for_owner(path: &Path, text: &str) -> std::io::Result<()> {
    // One that was left behind keeps the permissions it had.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// Every cell of the demo that runs on the data folder; `None` when none runs.
///
/// # Errors
/// When it does not give them, or works under another definition.
pub async fn dump(config: &Config) -> anyhow::Result<Option<(AsOf, NamedCells)>> {
    let Some(url) = announced(config)? else {
        return Ok(None);
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .build()?;
    let answer = match client.get(&url).send().await {
        Ok(answer) if answer.status() != StatusCode::NOT_FOUND => answer,
        _ => {
            tracing::warn!(
                "{} names {url}, where no demo answers any more: it was killed; reading its files",
                config.data.join(FILE).display()
            );
            return Ok(None);
        }
    };
    let asked = || format!("the demo that runs on {}, at {url}", config.data.display());
    let status = answer.status();
    if !status.is_success() {
        let said = answer.text().await.unwrap_or_default();
        bail!("{} answers {status}: {said}", asked());
    }
    let dump: api::Dump = answer.json().await.with_context(asked)?;
    let (ours, its) = (config.definition.id(), dump.definition.clone());
    if its != ours {
        bail!(
            "{} works under definition {its}, and this command was told {ours}; give both one configuration",
            asked()
        );
    }
    let parts = dump.into_parts();
    parts.map(Some).with_context(|| {
        format!(
            "{} is of another version; use one version of Footfall",
            asked()
        )
    })
}
