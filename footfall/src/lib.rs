//! What the binary `footfall` does, as a library, so that tests and benchmarks can call it.

pub mod device;
pub mod generate;
mod lines;
pub mod replay;
