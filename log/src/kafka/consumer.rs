//! A member of a consumer group.

use std::sync::Arc;
use std::time::Duration;

use super::Config;
use crate::{Bounds, Delivery, Error, Positions};

/// A member of a consumer group.
pub struct Consumer {}

impl Consumer {
    /// Joins `group` to consume `topic`, each partition from where `positions` says.
    ///
    /// # Errors
    /// When the settings are refused; an unreachable cluster is no error, polling waits for it.
    pub fn join(
        _config: &Config,
        _group: &str,
        _topic: &str,
        _positions: Arc<dyn Positions>,
    ) -> Result<Self, Error> {
        Err(Error::Fatal("not written yet".into()))
    }
}

impl crate::Consumer for Consumer {
    fn poll(&mut self, _timeout: Duration) -> Result<Vec<Delivery>, Error> {
        Err(Error::Fatal("not written yet".into()))
    }
    fn pause(&mut self, _partition: u32) {}
    fn resume(&mut self, _partition: u32) {}
    fn bounds(&mut self, _partition: u32) -> Result<Bounds, Error> {
        Err(Error::Fatal("not written yet".into()))
    }
    fn leave(self: Box<Self>) {}
}
