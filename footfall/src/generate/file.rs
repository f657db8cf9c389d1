//! Generated records in a file: the events alone, without keys and headers.

use std::io::{self, Write};

use clap::ValueEnum;
use pipeline::event_json;
use prost::Message;
use schemas::v1;

/// How events are written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Each event's bytes after their length as a varint.
    Protobuf,
    /// One JSON object a line, as `footfall replay` reads it. Takes no events that must be refused.
    Json,
}

impl Format {
    /// Writes the value of a record.
    pub(super) fn write(self, output: &mut impl Write, value: &[u8]) -> io::Result<()> {
        match self {
            Self::Protobuf => {
                let mut length = Vec::with_capacity(10);
                prost::encode_length_delimiter(value.len(), &mut length)?;
                output.write_all(&length)?;
                output.write_all(value)
            }
            Self::Json => {
                let event = v1::Event::decode(value).map_err(io::Error::other)?;
                serde_json::to_writer(&mut *output, &event_json::object(&event))?;
                output.write_all(b"\n")
            }
        }
    }
}
