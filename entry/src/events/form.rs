//! The forms in which events are sent, and how a body is split into events.

use axum::http::{HeaderMap, HeaderName, header};
use serde_json::Value;
use web::Problem;

use crate::problem;

/// Events in one request: their answers fit a screen's worth of log, and one request holds up no other for long.
pub(crate) const MOST_EVENTS: usize = 1_000;
/// What may be sent.
const FORMS: &str = "application/json (one event, or an array of them), application/x-protobuf (one footfall.v1.Event), or application/x-protobuf; delimited=true (each event after its length as a varint)";

/// How events are written in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One object or an array of objects.
    Json,
    /// One message.
    Protobuf,
    /// Messages, each after its length as a varint.
    Delimited,
}

/// One event as it was sent.
#[derive(Debug)]
pub(crate) enum Sent {
    /// As JSON.
    Json(Value),
    /// As bytes of a `footfall.v1.Event`.
    Protobuf(Vec<u8>),
}

impl Form {
    /// The form that the headers name.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let wrong = |detail| Err(Problem::new(problem::WRONG_MEDIA_TYPE, detail));
        if let Some(coding) = text(headers, header::CONTENT_ENCODING)
            && !coding.eq_ignore_ascii_case("identity")
        {
            return wrong(format!(
                "Content-Encoding {coding} is not understood; send the body as it is"
            ));
        }
        let Some(sent) = text(headers, header::CONTENT_TYPE) else {
            return wrong(format!("there is no Content-Type; send {FORMS}"));
        };
        let mut parts = sent.split(';').map(|part| part.trim().to_ascii_lowercase());
        let media_type = parts.next().unwrap_or_default();
        let is_delimited = parts.any(|parameter| parameter == "delimited=true");
        match media_type.as_str() {
            "application/json" => Ok(Self::Json),
            "application/x-protobuf" if is_delimited => Ok(Self::Delimited),
            "application/x-protobuf" => Ok(Self::Protobuf),
            _ => wrong(format!(
                "Content-Type {sent} is not understood; send {FORMS}"
            )),
        }
    }

    /// The events of a body, none of them looked at yet.
    pub(super) fn split(self, bytes: &[u8]) -> Result<Vec<Sent>, Problem> {
        let sent = match self {
            Self::Json => json(bytes)?,
            Self::Protobuf => vec![Sent::Protobuf(bytes.to_vec())],
            Self::Delimited => delimited(bytes)?,
        };
        match sent.len() {
            0 => Err(unreadable(
                "there is no event in the body; send at least one",
            )),
            1..=MOST_EVENTS => Ok(sent),
            _ => Err(too_many()),
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn json(bytes: &[u8]) -> Result<Vec<Sent>, Problem> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| unreadable(format!("the body is no JSON: {error}")))?;
    Ok(match value {
        Value::Array(events) => events.into_iter().map(Sent::Json).collect(),
        event => vec![Sent::Json(event)],
    })
}

fn delimited(mut bytes: &[u8]) -> Result<Vec<Sent>, Problem> {
    let mut sent = Vec::new();
    while !bytes.is_empty() {
        let length = prost::decode_length_delimiter(&mut bytes);
        let event = length
            .ok()
            .and_then(|length| bytes.split_at_checked(length));
        let Some((event, rest)) = event else {
            return Err(unreadable(format!(
                "after {} events the body's next length is none, or the body ends before its event does; write each event's length as a varint before it",
                sent.len()
            )));
        };
        sent.push(Sent::Protobuf(event.to_vec()));
        if sent.len() > MOST_EVENTS {
            return Err(too_many());
        }
        bytes = rest;
    }
    Ok(sent)
}

fn unreadable(detail: impl Into<String>) -> Problem {
    Problem::new(problem::UNREADABLE, detail)
}

fn too_many() -> Problem {
    let detail = format!("a request takes at most {MOST_EVENTS} events; send the rest in others");
    Problem::new(problem::TOO_LARGE, detail)
}
