//! One event sent: a record for the log, or the reason why it is none.
//!
//! The checks are the fold's own, so that what is taken here is not set aside there; only its time is held against the
//! gateway's clock, for the log's is not known before the event stands in it.

use log::NewRecord;
use pipeline::decode::{Origin, decode};
use pipeline::event_json;
use pipeline::record::{Headers, Record};
use pipeline::rejection::Reason;
use prost::Message;
use schemas::v1;
use serde_json::Value;

use super::form::Sent;
use crate::metrics::count_rejection;

/// The reason of an event in JSON that has another form than an event has.
const BAD_JSON: &str = "bad_json";
/// The reason of an event whose kind is not for senders.
const RESERVED_KIND: &str = "reserved_kind";

/// What becomes of an event.
pub(super) enum Judged {
    /// It is appended.
    Record(String, NewRecord),
    /// It is not.
    Rejected(Rejected),
}

/// Why an event is not taken.
pub(super) struct Rejected {
    pub(super) event_id: Option<String>,
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

/// What the sender is told of an event.
pub(super) enum Told {
    /// The log has it where it says.
    Accepted {
        /// The event's own id.
        event_id: String,
    },
    /// It is not taken.
    Rejected(Rejected),
}

impl Judged {
    /// What is told of it, and the record to append.
    pub(super) fn part(self) -> (Told, Option<NewRecord>) {
        match self {
            Self::Record(event_id, record) => (Told::Accepted { event_id }, Some(record)),
            Self::Rejected(rejected) => {
                count_rejection(rejected.reason);
                (Told::Rejected(rejected), None)
            }
        }
    }
}

/// Judges an event at the gateway's time `now_ms`; `headers` become its record's, packed.
pub(super) fn judge(sent: Sent, now_ms: i64, headers: &[u8]) -> Judged {
    match value_of(sent) {
        Ok(value) => checked(value, now_ms, headers),
        Err(rejected) => Judged::Rejected(rejected),
    }
}

/// The bytes to append. Those of a message are kept as they came, with what later versions add.
fn value_of(sent: Sent) -> Result<Vec<u8>, Rejected> {
    let object = match sent {
        Sent::Protobuf(value) => return Ok(value),
        Sent::Json(object) => object,
    };
    let event_id = object.get("event_id").and_then(Value::as_str);
    let event_id = event_id.map(str::to_owned);
    match event_json::from_value(object) {
        Ok(event) => Ok(event.encode_to_vec()),
        Err(error) => Err(Rejected {
            event_id,
            reason: BAD_JSON,
            detail: format!("the event has {error}"),
        }),
    }
}

fn checked(value: Vec<u8>, now_ms: i64, headers: &[u8]) -> Judged {
    let mut message = v1::Event::default();
    let record = Record {
        offset: 0,
        appended_at: now_ms,
        key: &[],
        value: &value,
        headers: Headers::default(),
    };
    let checked = decode(&record, &Ok(Origin::default()), now_ms, &mut message);
    let rejection = match checked.map(|event| (event.event_id.to_owned(), event.user_id.into())) {
        Ok((event_id, key)) => {
            let record = NewRecord {
                partition: None,
                key,
                value,
                headers: headers.to_vec(),
            };
            return Judged::Record(event_id, record);
        }
        Err(rejection) => rejection,
    };
    let is_read = !matches!(rejection.reason, Reason::BadBytes | Reason::TooLarge);
    let (reason, detail) = if is_read && message.kind() == v1::Kind::Enter {
        let detail =
            "enter events are written by Footfall alone, from admissions; ask for a seat instead";
        (RESERVED_KIND, detail.to_owned())
    } else {
        (rejection.reason.as_str(), rejection.detail)
    };
    Judged::Rejected(Rejected {
        event_id: is_read.then_some(message.event_id),
        reason,
        detail,
    })
}
