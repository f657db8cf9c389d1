//! Reads a topic without a group.

use super::Config;
use crate::{Batch, Bounds, Error};

/// Reads one topic without a group.
pub struct Reader {}

impl Reader {
    /// A reader of `topic`.
    ///
    /// # Errors
    /// When the settings are refused.
    pub fn new(_config: &Config, _topic: &str) -> Result<Self, Error> {
        Err(Error::Fatal("not written yet".into()))
    }
}

impl crate::Reader for Reader {
    fn partitions(&mut self) -> Result<u32, Error> {
        Err(Error::Fatal("not written yet".into()))
    }
    fn bounds(&mut self, _partition: u32) -> Result<Bounds, Error> {
        Err(Error::Fatal("not written yet".into()))
    }
    fn read(
        &mut self,
        _partition: u32,
        _from: u64,
        _to: u64,
        _visit: &mut dyn FnMut(&Batch) -> bool,
    ) -> Result<(), Error> {
        Err(Error::Fatal("not written yet".into()))
    }
}
