//! Logs, metrics and the wish to stop: what every process does alike.

pub mod logs;
pub mod metrics;
pub mod shutdown;
pub mod trace;
