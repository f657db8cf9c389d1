//! What the binary `footfall` does, as a library, so that tests and benchmarks can call it.

mod asking;
pub mod canary;
mod checks;
pub mod cli;
pub mod config;
pub mod dead_letters;
pub mod demo;
pub mod device;
pub mod doctor;
mod enters;
pub mod gateway;
pub mod generate;
pub mod indices;
mod length;
mod lines;
mod live_images;
pub mod process;
pub mod receipt;
pub mod replay;
mod running;
pub mod serve;
pub mod set;
pub mod status;
pub mod tokens;
pub mod topics;
pub mod verify;
pub mod views;
