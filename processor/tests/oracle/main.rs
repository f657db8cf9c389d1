//! The oracle against histories small enough to count by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checks;
mod comparing;
mod days;
mod duplicates;
mod given;
mod late;
mod limits;
mod people;
mod sources;
mod visitors;
