//! The thin HTTP API over the views, and the page: it adds, filters and formats, and computes
//! nothing that a view should hold.
//!
//! Every answer comes from one store in one question, and says what it is as of.

mod as_of;
mod campaigns;
mod days;
mod dump;
mod filter;
mod funnel;
mod numbers;
mod openapi;
mod page;
mod parameters;
mod people;
mod problem;
mod reading;
mod routes;
mod shares;
mod state;
mod timeseries;

pub use dump::{Dump, dump_router};
pub use routes::router;
pub use state::{Clock, State};
