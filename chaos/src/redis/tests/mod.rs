//! The real store on servers in memory.

mod errors;
mod servers;
mod store;
mod world;
