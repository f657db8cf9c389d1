//! An event as a JSON object with the field names of `footfall.v1.Event`: read, and written.
//!
//! Kinds by name (`"visit"` or `"KIND_VISIT"`), times as milliseconds or RFC 3339 text. A field of another name is an
//! error: a misspelt campaign would be lost in silence.

use schemas::v1;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde_json::{Map, Value, json};

use crate::cell::Kind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    #[serde(default)]
    event_id: String,
    user_id: String,
    #[serde(deserialize_with = "kind")]
    kind: Kind,
    #[serde(alias = "occurred_at", deserialize_with = "millis")]
    occurred_at_ms: i64,
    #[serde(default)]
    campaign_id: String,
    #[serde(default)]
    activity_id: String,
    #[serde(default)]
    user_agent: String,
    client_hints: Option<ClientHints>,
    amount: Option<Amount>,
    #[serde(alias = "signed_up_at", default, deserialize_with = "optional_millis")]
    signed_up_at_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientHints {
    mobile: Option<bool>,
    #[serde(default)]
    platform: String,
    #[serde(default)]
    model: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Amount {
    minor_units: i64,
    currency: String,
}

/// Reads an object from text; an event without an id has an empty one.
///
/// # Errors
/// What is wrong, as the end of the sentence "the line has …".
pub fn parse(text: &str) -> Result<v1::Event, String> {
    event(serde_json::from_str(text))
}

/// Reads an object that was parsed already; an event without an id has an empty one.
///
/// # Errors
/// As [`parse`].
pub fn from_value(value: Value) -> Result<v1::Event, String> {
    event(Object::deserialize(value))
}

fn event(object: serde_json::Result<Object>) -> Result<v1::Event, String> {
    let object = object.map_err(|error| format!("no event in JSON: {error}"))?;
    if object.user_id.is_empty() {
        return Err("an empty user_id".to_owned());
    }
    Ok(v1::Event {
        event_id: object.event_id,
        user_id: object.user_id,
        kind: object.kind.to_wire().into(),
        occurred_at_ms: object.occurred_at_ms,
        campaign_id: object.campaign_id,
        activity_id: object.activity_id,
        user_agent: object.user_agent,
        client_hints: object.client_hints.map(|hints| v1::ClientHints {
            mobile: hints.mobile,
            platform: hints.platform,
            model: hints.model,
        }),
        amount: object.amount.map(|amount| v1::Amount {
            minor_units: amount.minor_units,
            currency: amount.currency,
        }),
        signed_up_at_ms: object.signed_up_at_ms,
    })
}

/// The event with the fields it has. A kind of a later version is its number.
pub fn object(event: &v1::Event) -> Value {
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

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wire = || v1::Kind::from_str_name(&text).and_then(|kind| Kind::from_wire(kind.into()));
    Kind::parse(&text).or_else(wire).ok_or_else(|| {
        Error::unknown_variant(&text, &["visit", "click", "enter", "purchase", "sign_up"])
    })
}

fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    deserializer.deserialize_any(Millis)
}

fn optional_millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_any(Millis).map(Some)
}

struct Millis;

impl Visitor<'_> for Millis {
    type Value = i64;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("milliseconds since 1970 or RFC 3339 text such as 2026-11-22T09:00:00+09:00")
    }

    fn visit_i64<E: Error>(self, millis: i64) -> Result<i64, E> {
        Ok(millis)
    }

    fn visit_u64<E: Error>(self, millis: u64) -> Result<i64, E> {
        i64::try_from(millis).map_err(|_| E::invalid_value(Unexpected::Unsigned(millis), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i64, E> {
        text.parse::<jiff::Timestamp>()
            .map(jiff::Timestamp::as_millisecond)
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_whole_event_is_read() {
        let event = parse(
            r#"{"event_id":"e1","user_id":"민지","kind":"purchase","occurred_at":"2026-11-22T09:00:00+09:00",
                "campaign_id":"봄맞이","activity_id":"coupon","user_agent":"Mozilla/5.0",
                "client_hints":{"mobile":true,"model":"SM-S921N"},"amount":{"minor_units":12000,"currency":"KRW"}}"#,
        )
        .unwrap();
        assert_eq!(
            event,
            v1::Event {
                event_id: "e1".into(),
                user_id: "민지".into(),
                kind: v1::Kind::Purchase.into(),
                occurred_at_ms: 1_795_305_600_000,
                campaign_id: "봄맞이".into(),
                activity_id: "coupon".into(),
                user_agent: "Mozilla/5.0".into(),
                client_hints: Some(v1::ClientHints {
                    mobile: Some(true),
                    model: "SM-S921N".into(),
                    ..Default::default()
                }),
                amount: Some(v1::Amount {
                    minor_units: 12_000,
                    currency: "KRW".into()
                }),
                signed_up_at_ms: None,
            }
        );
    }

    #[test]
    fn times_are_milliseconds_or_text_and_kinds_have_two_names() {
        let event = parse(
            r#"{"user_id":"u","kind":"KIND_SIGN_UP","occurred_at_ms":1431857103000,"signed_up_at_ms":"2015-05-17T10:05:03Z"}"#,
        )
        .unwrap();
        assert_eq!(event.kind(), v1::Kind::SignUp);
        assert_eq!(event.signed_up_at_ms, Some(event.occurred_at_ms));
        assert_eq!(event.event_id, "");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, expected) in [
            ("{", "EOF"),
            ("[]", "no event in JSON"),
            (
                r#"{"user_id":"u","kind":"visit"}"#,
                "missing field `occurred_at_ms`",
            ),
            (
                r#"{"user_id":"","kind":"visit","occurred_at_ms":1}"#,
                "an empty user_id",
            ),
            (
                r#"{"user_id":"u","kind":"KIND_UNSPECIFIED","occurred_at_ms":1}"#,
                "unknown variant",
            ),
            (
                r#"{"user_id":"u","kind":"visit","occurred_at_ms":"yesterday"}"#,
                "RFC 3339",
            ),
            (
                r#"{"user_id":"u","kind":"visit","occurred_at_ms":1,"campaign":"x"}"#,
                "unknown field `campaign`",
            ),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
