//! The thin HTTP API over the views, and the page: it adds, filters and formats, and computes
//! nothing that a view should hold.
//!
//! Every answer comes from one store in one question, and says what it is as of.

mod access;
mod as_of;
mod campaigns;
mod days;
mod dump;
mod filter;
mod funnel;
mod health;
mod listener;
pub mod metrics;
mod numbers;
mod openapi;
mod operation;
mod page;
mod parameters;
mod people;
mod problem;
mod reading;
mod routes;
mod shares;
mod state;
mod status;
mod timeseries;
mod trace;

pub use access::{Entry, Guard, Scope, TokenFile, Tokens, WrongTokens, create};
pub use dump::{Dump, dump_router};
pub use listener::{Error, Listener, Settings};
pub use operation::health_router;
pub use routes::router;
pub use state::{Clock, Metrics, Readiness, State, Unready};
pub use status::{Status, status_router};
