//! The pure core: records in, rows out. No I/O, no clock, no randomness, no environment (I8).

pub mod cell;
pub mod definition;
pub mod device;
pub mod record;
pub mod rejection;
pub mod row;
