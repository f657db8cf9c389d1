//! From the log to trusted views: one worker a partition, its checkpoint, its projections.
//!
//! The way of a record: [`intake`] → [`worker`] (fold) → [`checkpoint`] · [`projector`] · [`outbox`].
//! Memory, checkpoint and projections never wait for each other.

pub mod checkpoint;
pub mod checkpointer;
mod counting;
pub mod emitter;
mod ending;
mod ends;
pub mod fold_views;
pub mod images;
pub mod intake;
mod lag;
pub mod metrics;
pub mod milestones;
pub mod moment;
pub mod nursery;
pub mod outbox;
pub mod positions;
mod processor;
mod projection;
pub mod projector;
pub mod receipt;
pub mod settings;
pub mod snapshots;
pub mod space;
pub mod status;
pub mod survey;
pub mod verify;
pub mod worker;

pub use processor::{Parts, Processor};
pub use settings::Settings;
