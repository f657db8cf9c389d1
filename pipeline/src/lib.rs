//! The pure core: records in, rows out. No I/O, no clock, no randomness, no environment (I8).
//!
//! The way of an event: [`record`] → [`decode`] → [`duplicates`] → [`device`] → [`visitor`] and
//! [`people`] → [`aggregate`]; [`state`] leads it, [`freeze`] takes out what others store. Entries have a fold of
//! their own, [`admission`].

pub mod admission;
pub mod aggregate;
mod body;
pub mod calendar;
pub mod cell;
mod counts;
pub mod decode;
pub mod definition;
pub mod device;
mod duplicates;
pub mod event_json;
pub mod freeze;
pub mod identity;
mod names;
mod people;
pub mod record;
pub mod rejection;
pub mod row;
pub mod state;
mod users;
mod visitor;

pub use users::UserSegment;
