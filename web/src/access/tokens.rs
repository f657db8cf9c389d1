//! The tokens that are known: for each its name, its scopes and the hash by which it is recognised.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::Scope;

/// Begins every token, so that one that got into a repository or a log is found there.
const PREFIX: &str = "ff_";
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// The longest name, bytes.
const LONGEST_NAME: usize = 64;
/// The most tokens: each request with a token is compared with all of them.
const MOST_TOKENS: usize = 1_000;

/// What is kept of a token: a line of the file, as a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who has it; unique in the file.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// SHA-256 of the token, 64 hexadecimal digits.
    #[serde(with = "hex::serde")]
    pub sha256: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Entry {
    /// Whether it is refused at that time because it is too old.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether it allows what needs the scope.
    pub fn allows(&self, needed: Scope) -> bool {
        self.scopes.iter().any(|scope| scope.covers(needed))
    }
}

/// Makes a token. It is returned beside its entry and kept nowhere.
pub fn create(
    name: &str,
    scopes: &[Scope],
    created: Timestamp,
    expires: Option<Timestamp>,
) -> (String, Entry) {
    let token = format!(
        "{PREFIX}{}",
        hex::encode(rand::random::<[u8; TOKEN_BYTES]>())
    );
    let entry = Entry {
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        sha256: hash(&token),
        created,
        expires,
    };
    (token, entry)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Whether a text has the form of a token.
pub(super) fn is_formed(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|digits| {
        digits.len() == 2 * TOKEN_BYTES && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

/// All tokens of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens(Vec<Entry>);

/// Why a file of tokens can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongTokens {
    /// A line is no token.
    #[error("line {line}: {why}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// There are too many.
    #[error("it has more than {MOST_TOKENS} tokens; revoke those that nobody uses")]
    TooMany,
}

impl Tokens {
    /// Reads a file's text: a JSON object a line; empty lines are passed over.
    ///
    /// # Errors
    /// With the number of the line that is wrong.
    pub fn parse(text: &str) -> Result<Self, WrongTokens> {
        let mut tokens = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let wrong = |why: String| WrongTokens::Line {
                line: index + 1,
                why,
            };
            // The error's own text may quote the line.
            let entry: Entry = serde_json::from_str(line)
                .map_err(|error| wrong(format!("not a token's entry ({:?})", error.classify())))?;
            tokens.add(entry).map_err(wrong)?;
            if tokens.0.len() > MOST_TOKENS {
                return Err(WrongTokens::TooMany);
            }
        }
        Ok(tokens)
    }

    /// The file's text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for entry in &self.0 {
            // An entry is text, numbers and times: it can't fail.
            let line = serde_json::to_string(entry).unwrap_or_default();
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// Adds one.
    ///
    /// # Errors
    /// When its name is taken or can't be one, or it allows nothing.
    pub fn add(&mut self, entry: Entry) -> Result<(), String> {
        let name = &entry.name;
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control) {
            return Err(format!(
                "a name has 1 to {LONGEST_NAME} bytes and no control characters"
            ));
        }
        if entry.scopes.is_empty() {
            return Err(format!("the token {name:?} has no scope"));
        }
        if self.0.iter().any(|other| other.name == *name) {
            return Err(format!("there are two tokens {name:?}; names are unique"));
        }
        self.0.push(entry);
        Ok(())
    }

    /// Takes the one of that name out; whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|entry| entry.name != name);
        self.0.len() < before
    }

    /// All of them.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// Whose token that is. Takes the same time whichever it is.
    pub(super) fn find(&self, token: &str) -> Option<&Entry> {
        let wanted = hash(token);
        let mut found = None;
        for entry in &self.0 {
            let same: Choice = entry.sha256.ct_eq(&wanted);
            if bool::from(same) {
                found = Some(entry);
            }
        }
        found
    }
}
