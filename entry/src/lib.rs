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
mod folds;
mod follow;
mod gateway;
mod keep;
mod lanes;
pub mod metrics;
mod openapi;
mod problem;
mod rate;
mod routes;
mod snapshots;
mod trace;
mod user;

pub use appender::{Acknowledged, Appender, Calls, NotAppended};
pub use beacon::Pages;
pub use entries::Entries;
pub use folds::{Behind, Folds};
pub use follow::{Follower, Following};
pub use gateway::{Clock, Gateway};
pub use keep::{Keeper, Keeping};
pub use routes::router;
pub use snapshots::Snapshots;
pub use user::Users;
