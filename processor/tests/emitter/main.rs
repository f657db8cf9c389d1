//! Kill points and random schedules of the emitter, on logs in memory, judged by the real fold of events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod schedules;
mod steps;
mod world;
