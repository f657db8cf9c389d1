//! `footfall generate`: seeded traffic that looks like people, with a journal of what must become of it.
//!
//! Equal options and partitions make equal records: see [`Generator`]. What is sent twice, late or broken is sent so on
//! purpose and counted in the [`Journal`], so that views can be compared with it.

mod calendar;
mod campaigns;
mod faults;
mod file;
mod generator;
mod journal;
mod options;
mod people;
mod send;
mod sessions;

pub use file::Format;
pub use generator::{Expected, Generated, Generator};
pub use journal::Journal;
pub use options::{Args, Traffic};
pub use send::{Report, to_file, to_log};
