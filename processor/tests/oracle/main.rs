//! The oracle against histories small enough to count by hand.
#![allow(clippy::expect_used, clippy::print_stderr)]

mod checks;
mod collisions;
mod comparing;
mod days;
mod duplicates;
mod given;
mod hot;
mod late;
mod limits;
mod people;
mod sources;
mod visitors;
