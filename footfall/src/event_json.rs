//! An event as a JSON object, with the field names that `footfall replay` reads.

use pipeline::cell::Kind;
use schemas::v1;
use serde_json::{Map, Value, json};

/// The event with the fields it has. A kind of a later version is its number.
pub(crate) fn object(event: &v1::Event) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    put("event_id", json!(event.event_id));
    put("user_id", json!(event.user_id));
    let kind = Kind::from_wire(event.kind).map(Kind::as_str);
    put("kind", kind.map_or(json!(event.kind), |kind| json!(kind)));
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
