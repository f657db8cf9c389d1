//! Secrets: told as they are, or by where they stand, and never shown.
//!
//! One rule for all of them: `env:NAME` is the value of that variable, `file:/path` what the file holds without the
//! line break at its end, and anything else is the secret itself.

use std::fmt;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// Stands where a secret is not shown.
pub(super) const HIDDEN: &str = "(hidden)";

/// The greatest file that holds a secret, bytes: whoever names a log by mistake is told so.
const LARGEST_FILE: u64 = 64 << 10;

/// A secret setting. What is printed of it is where it stands, or that it is hidden.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Secret {
    /// As the file or the environment has it.
    written: String,
    /// What it stands for, once [`Secret::resolve`] has looked.
    found: Option<String>,
}

impl Secret {
    /// Whether none was set.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        self.found.as_ref().unwrap_or(&self.written)
    }

    /// Looks where it stands.
    ///
    /// # Errors
    /// When there is nothing, with the name of the setting.
    pub fn resolve(&mut self, setting: &str) -> anyhow::Result<()> {
        self.found = Some(resolved(setting, &self.written)?);
        Ok(())
    }

    /// As it may be shown: where it stands, or that it is hidden.
    #[must_use]
    pub fn shown(&self) -> Self {
        match self.written.as_str() {
            "" => Self::default(),
            told if is_elsewhere(told) => Self::from(told.to_owned()),
            _ => Self::from(HIDDEN.to_owned()),
        }
    }
}

/// Whether what was told says where a secret stands.
fn is_elsewhere(told: &str) -> bool {
    told.starts_with("env:") || told.starts_with("file:")
}

/// What a secret setting stands for.
///
/// # Errors
/// When there is nothing where it is said to stand, with the name of the setting.
pub(super) fn resolved(setting: &str, told: &str) -> anyhow::Result<String> {
    if let Some(name) = told.strip_prefix("env:") {
        let found = std::env::var(name).ok().filter(|value| !value.is_empty());
        return found.with_context(|| {
            format!("{setting} is to be had from the variable {name}, which is not set: set it, or name another")
        });
    }
    let Some(path) = told.strip_prefix("file:") else {
        return Ok(told.to_owned());
    };
    let read = || -> anyhow::Result<String> {
        let length = std::fs::metadata(path)?.len();
        if length > LARGEST_FILE {
            bail!("it has {length} bytes, and no secret has more than {LARGEST_FILE}");
        }
        let text = std::fs::read_to_string(path)?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            bail!("it is empty");
        }
        Ok(text.to_owned())
    };
    read().with_context(|| {
        format!("{setting} is to be had from the file {path}, which can't be used")
    })
}

impl From<String> for Secret {
    fn from(written: String) -> Self {
        Self {
            written,
            found: None,
        }
    }
}

impl From<&str> for Secret {
    fn from(written: &str) -> Self {
        Self::from(written.to_owned())
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        secret.written
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown().written)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_secret_is_told_as_it_is_or_by_where_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "from a file\r\n").unwrap();
        let told = format!("file:{}", file.display());
        let home = std::env::var("PATH").unwrap();
        for (told, expected) in [
            ("plain", "plain"),
            ("", ""),
            (told.as_str(), "from a file"),
            ("env:PATH", home.as_str()),
        ] {
            let mut secret = Secret::from(told);
            secret.resolve("log.password").unwrap();
            assert_eq!(secret.reveal(), expected);
        }
    }

    #[test]
    fn a_secret_that_is_not_where_it_was_said_to_be_is_an_error_that_names_the_setting() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        let large = folder.path().join("large");
        std::fs::write(&large, "x".repeat(LARGEST_FILE as usize + 1)).unwrap();
        let file = |path: &std::path::Path| format!("file:{}", path.display());
        for told in [
            "env:FOOTFALL_NO_SUCH_VARIABLE".to_owned(),
            file(&folder.path().join("absent")),
            file(&empty),
            file(&large),
        ] {
            let said = Secret::from(told.as_str()).resolve("log.password");
            let said = format!("{:#}", said.unwrap_err());
            assert!(said.contains("log.password is to be had from"), "{said}");
            assert!(said.contains(told.split_once(':').unwrap().1), "{said}");
        }
    }

    #[test]
    fn what_is_printed_of_a_secret_is_where_it_stands_or_that_it_is_hidden() {
        for (told, shown) in [
            ("s3cret", HIDDEN),
            ("env:KAFKA", "env:KAFKA"),
            ("file:/run/secrets/kafka", "file:/run/secrets/kafka"),
            ("", ""),
        ] {
            let mut secret = Secret::from(told);
            secret.found = Some("s3cret".to_owned());
            assert_eq!(format!("{secret:?}"), shown);
            assert_eq!(String::from(secret.shown()), shown);
            assert_eq!(String::from(secret), told, "the file keeps what was told");
        }
    }
}
