//! The definition as the file has it.

use pipeline::definition::{Definition, Limits};
use serde::{Deserialize, Serialize};

/// The definition as the file has it: TOML can't say that something is absent, so 0 days and "none" do.
#[derive(Serialize, Deserialize)]
#[serde(
    remote = "Definition",
    default = "Definition::default",
    deny_unknown_fields
)]
pub(super) struct DefinitionForm {
    time_zone: String,
    partitions: u32,
    hash_key: String,
    dedup_slot_ms: i64,
    #[serde(with = "lateness")]
    lateness_ms: Option<i64>,
    #[serde(with = "hot_days")]
    hot_days: Option<u32>,
    limits: Limits,
}

/// 0 days: all of them.
mod hot_days {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(days: &Option<u32>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(days.unwrap_or(0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
        Ok(Some(u32::deserialize(from)?).filter(|days| *days > 0))
    }
}

/// "none", or milliseconds, of which 0 is a bound like any other.
mod lateness {
    use std::fmt::{Formatter, Result as Written};

    use serde::de::{Error, Unexpected, Visitor};
    use serde::{Deserializer, Serializer};

    const NONE: &str = "none";

    pub(super) fn serialize<S: Serializer>(ms: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
        match ms {
            Some(ms) => to.serialize_i64(*ms),
            None => to.serialize_str(NONE),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
        from.deserialize_any(Form)
    }

    struct Form;

    impl Visitor<'_> for Form {
        type Value = Option<i64>;

        fn expecting(&self, to: &mut Formatter) -> Written {
            write!(to, "milliseconds, or {NONE:?}")
        }

        fn visit_i64<E: Error>(self, ms: i64) -> Result<Self::Value, E> {
            Ok(Some(ms))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            if text == NONE {
                return Ok(None);
            }
            Err(E::invalid_value(Unexpected::Str(text), &self))
        }
    }
}
