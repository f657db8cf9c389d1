//! Generated records in a file: the events alone, without keys and headers.

use std::io::{self, Write};

use clap::ValueEnum;
use pipeline::cell::Kind;
use prost::Message;
use schemas::v1;
use serde_json::{Map, Value, json};

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
                serde_json::to_writer(&mut *output, &object(&event))?;
                output.write_all(b"\n")
            }
        }
    }
}

/// The event with the fields it has.
fn object(event: &v1::Event) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    put("event_id", json!(event.event_id));
    put("user_id", json!(event.user_id));
    put("kind", json!(Kind::from_wire(event.kind).map(Kind::as_str)));
    put("occurred_at_ms", json!(event.occurred_at_ms));
    for (name, text) in [
        ("campaign_id", &event.campaign_id),
        ("activity_id", &event.activity_id),
        ("user_agent", &event.user_agent),
    ] {
        if !text.is_empty() {
            put(name, json!(text));
        }
    }
    if let Some(hints) = &event.client_hints {
        put(
            "client_hints",
            json!({"mobile": hints.mobile, "platform": hints.platform, "model": hints.model}),
        );
    }
    if let Some(amount) = &event.amount {
        put(
            "amount",
            json!({"minor_units": amount.minor_units, "currency": amount.currency}),
        );
    }
    if let Some(ms) = event.signed_up_at_ms {
        put("signed_up_at_ms", json!(ms));
    }
    Value::Object(fields)
}
