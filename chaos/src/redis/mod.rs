//! Redis in memory: a primary and its replicas, which run the functions that `views` loads, and the way to them.
//!
//! Nothing happens by itself. [`Network`] keeps each command until it is told what becomes of it, and
//! [`Servers`] fail, fall behind and take over when they are told to.

mod convert;
mod dataset;
mod image;
mod network;
mod script;
mod servers;
mod spoil;

#[cfg(test)]
mod tests;

pub use dataset::{Bytes, Dataset, Hash};
pub use image::{Image, holds, read_image, stored};
pub use network::{Delivered, Fate, Network};
pub use servers::Servers;
