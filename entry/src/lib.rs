//! The gateway: events come in over HTTP, and an answer that says yes is one that the log has acknowledged.
//!
//! Nothing is kept here that the log doesn't have: any number of gateways may stand side by side, and be killed.

mod appender;
mod beacon;
mod body;
mod client;
mod entries;
mod events;
mod files;
mod follow;
mod gateway;
pub mod metrics;
mod problem;
mod rate;
mod routes;
mod trace;
mod user;

pub use appender::{Appender, NotAppended};
pub use beacon::Pages;
pub use entries::Entries;
pub use follow::{Behind, Folds, Following};
pub use gateway::{Clock, Gateway};
pub use routes::router;
pub use user::Users;
