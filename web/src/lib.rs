//! What every process that serves HTTP has in common: the listener with TLS and limits, tokens and scopes, problems, traces,
//! metrics of requests, and the routes that operators ask.
//!
//! It knows nothing of what is served.

mod access;
pub mod health;
mod layers;
mod listener;
pub mod metrics;
pub mod openapi;
mod operation;
mod problem;
mod status;
mod trace;

pub use access::{Access, Entry, Guard, Scope, TokenFile, Tokens, WrongTokens, create, guarded};
pub use layers::layered;
pub use listener::{Error, Listener, Settings};
pub use operation::{Metrics, Operation, Readiness, Unready, health_router};
pub use problem::{Body, Kind, Problem};
pub use status::{Status, status_router};
pub use trace::PassedOn;
