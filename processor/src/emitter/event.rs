//! The event that tells of an admission.

use log::NewRecord;
use pipeline::admission::{Decided, Decision};
use pipeline::record::Headers;
use prost::Message;
use schemas::{headers, v1};

/// The Enter event of an admission, with the admission log as its source; `None` where no seat was given by this record.
///
/// It names the seat's place in the log, so that every copy is the same, and the source's place is greater than 0.
pub(super) fn of(decided: Decided, generation: u32) -> Option<NewRecord> {
    let Decision::Admitted(receipt) = decided.decision else {
        return None;
    };
    if !decided.is_new {
        return None;
    }
    let (partition, offset) = (receipt.partition, receipt.offset);
    let event = v1::Event {
        event_id: format!("adm:{}:{partition}:{offset}", decided.activity_id),
        user_id: decided.user_id,
        kind: v1::Kind::Enter.into(),
        occurred_at_ms: receipt.admitted_at_ms,
        campaign_id: decided.campaign_id,
        activity_id: decided.activity_id,
        user_agent: decided.user_agent,
        client_hints: decided.client_hints,
        ..v1::Event::default()
    };
    let mut packed = Vec::new();
    let source = format!("admission:{generation}:{partition}");
    Headers::push(&mut packed, headers::SOURCE, source.as_bytes());
    let sequence = (offset + 1).to_string();
    Headers::push(&mut packed, headers::SEQUENCE, sequence.as_bytes());
    Some(NewRecord {
        partition: None,
        value: event.encode_to_vec(),
        key: event.user_id.into_bytes(),
        headers: packed,
    })
}
