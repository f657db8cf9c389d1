//! The gateway: events come in over HTTP, and an answer that says yes is one that the log has acknowledged.
//!
//! Nothing is kept here that the log doesn't have: any number of gateways may stand side by side, and be killed.

mod appender;
mod body;
mod events;
mod gateway;
pub mod metrics;
mod problem;
mod routes;

pub use appender::{Appender, NotAppended};
pub use gateway::{Clock, Gateway};
pub use routes::router;
