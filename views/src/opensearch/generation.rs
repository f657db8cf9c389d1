//! Which making of the index a call writes to.
//!
//! An index that was deleted and made anew has its old name and lacks what it held. So each making has an alias of its
//! own, with a random end, by which alone it is written: what is on its way to one that is gone is refused, and the call
//! ends, instead of leaving a checkpoint beside rows that went down with the old one.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use uuid::Uuid;

use super::index::Names;
use super::{Store, transient};
use crate::Error;

/// The alias by which the index was last seen to be written.
#[derive(Debug, Default)]
pub(super) struct Generation(Mutex<Option<String>>);

impl Generation {
    fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, alias: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = alias;
    }
}

/// Where the ends of aliases come from: no two are alike.
pub(super) struct Ends(Box<dyn Fn() -> u128 + Send + Sync>);

impl Ends {
    /// From the system's randomness.
    pub(super) fn random() -> Self {
        Self::of(|| Uuid::new_v4().as_u128())
    }

    /// From this source.
    pub(super) fn of(source: impl Fn() -> u128 + Send + Sync + 'static) -> Self {
        Self(Box::new(source))
    }

    fn next(&self) -> u128 {
        (self.0)()
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Ends")
    }
}

impl Names {
    /// An alias for an index that is about to be made.
    pub(super) fn new_write_alias(&self, ends: &Ends) -> String {
        format!("{}{:032x}", self.write, ends.next())
    }

    /// The alias by which an index that the server shows is written.
    pub(super) fn write_alias<'a>(&self, found: &'a Value) -> Option<&'a str> {
        let aliases = found["aliases"].as_object()?;
        aliases
            .keys()
            .map(String::as_str)
            .find(|alias| alias.starts_with(&self.write))
    }
}

impl Store {
    /// The alias to write by, which must be asked for before the checkpoint that a change goes on from; `None` where
    /// there is no index.
    ///
    /// # Errors
    /// When OpenSearch doesn't answer.
    pub(super) async fn generation(&self) -> Result<Option<String>, Error> {
        if let Some(alias) = self.generation.get() {
            return Ok(Some(alias));
        }
        if let Some(found) = self.show().await? {
            self.saw(&found);
        }
        Ok(self.generation.get())
    }

    /// Takes the alias of the index that the server shows.
    pub(super) fn saw(&self, found: &Value) {
        let alias = self.names.write_alias(found);
        self.generation.set(alias.map(str::to_owned));
    }

    /// What a call to an index that is gone ends with; the next one asks which index there is.
    pub(super) fn gone(&self) -> Error {
        self.generation.set(None);
        transient("the index was deleted; it will be made and filled anew")
    }
}
