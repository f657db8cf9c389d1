//! Appends records with acks=all.

use super::Config;
use crate::{Appended, Error, NewRecord};

/// Appends records to one topic.
pub struct Producer {}

impl Producer {
    /// A producer for `topic`.
    ///
    /// # Errors
    /// When the settings are refused; an unreachable cluster shows in the first append.
    pub fn new(_config: &Config, _topic: &str) -> Result<Self, Error> {
        Err(Error::Fatal("not written yet".into()))
    }
}

impl crate::Producer for Producer {
    fn append(&self, _records: Vec<NewRecord>) -> Result<Vec<Appended>, Error> {
        Err(Error::Fatal("not written yet".into()))
    }
}
