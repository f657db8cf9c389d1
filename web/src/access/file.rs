//! The file of tokens. It is replaced as a whole, so that whoever reads it never sees half of one.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Tokens;

/// Hashes are no secrets, but who has a token, and until when, is nobody else's business.
const OWNER_ONLY: u32 = 0o600;

/// A file of tokens.
#[derive(Debug, Clone)]
pub struct TokenFile(PathBuf);

impl TokenFile {
    /// The file at `path`; nothing is read yet.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its tokens.
    ///
    /// # Errors
    /// When it is missing, can't be read, or holds something else: a sentence that names it.
    pub fn read(&self) -> Result<Tokens, String> {
        let path = self.0.display();
        let text = std::fs::read_to_string(&self.0).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                format!("there is no file {path}; `footfall tokens create` makes it")
            }
            _ => format!("{path} can't be read: {error}"),
        })?;
        Tokens::parse(&text)
            .map_err(|error| format!("{path} can't be used: {error}; mend that line or remove it"))
    }

    /// Replaces its tokens by what `change` makes of them; one process at a time. A file that is missing is made.
    ///
    /// # Errors
    /// When it can't be used or written, or `change` refuses.
    pub fn change<T>(
        &self,
        change: impl FnOnce(&mut Tokens) -> Result<T, String>,
    ) -> Result<T, String> {
        let failed = |error: io::Error| format!("{} can't be written: {error}", self.0.display());
        let lock = self.beside("lock");
        let lock = writable(&lock).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut tokens = if self.0.exists() {
            self.read()?
        } else {
            Tokens::default()
        };
        let outcome = change(&mut tokens)?;
        self.write(&tokens.render()).map_err(failed)?;
        Ok(outcome)
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let part = self.beside("part");
        let mut file = writable(&part)?;
        if let Ok(before) = std::fs::metadata(&self.0) {
            // A service's group may have been allowed to read it.
            file.set_permissions(before.permissions())?;
        }
        file.set_len(0)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&part, &self.0)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(".");
        name.push(ending);
        name.into()
    }
}

fn writable(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(OWNER_ONLY)
        .open(path)
}
