//! What producers and Footfall agree on: messages, topic names, the key rule, header names.
//!
//! A message that was once valid decodes for ever; `tests/compatibility.rs` holds that down.

pub mod canary;
pub mod headers;
pub mod partition;
pub mod topics;

/// The messages of package `footfall.v1`, generated from `proto/footfall/v1`.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/footfall.v1.rs"));
}

/// The descriptors of [`v1`], as an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
