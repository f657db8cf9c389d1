//! The checks on one record, in the order in which the first fault names the reason.

use pipeline::cell::Kind;
use pipeline::definition::{Definition, FUTURE_TOLERANCE_MS, NOT_AFTER_MS, NOT_BEFORE_MS};
use pipeline::record::Record;
use pipeline::rejection::Reason;
use prost::Message;
use schemas::partition::partition_of;
use schemas::v1::Event;

use super::origin::Origin;

/// A record's value may be this long: 16 KiB, eight User-Agents.
const MAX_VALUE_BYTES: usize = 16_384;
/// A record's key may be this long: the longest user id. Bytes.
const MAX_KEY_BYTES: usize = 256;
/// Bytes of an event id, a campaign or an activity.
const MAX_ID_BYTES: usize = 128;
/// Bytes of a user id.
const MAX_USER_BYTES: usize = 256;
/// Bytes of a User-Agent.
const MAX_USER_AGENT_BYTES: usize = 2_048;
/// Bytes of a client hint.
const MAX_HINT_BYTES: usize = 64;
/// Minor units of one amount: a million million, so that sums of millions of them stay inside 64 bits.
const MAX_MINOR_UNITS: i64 = 1_000_000_000_000;
/// What names beyond the limit, and whole campaigns, are called: no one may use them as names.
const RESERVED: [&str; 2] = ["__other__", "*"];

/// The record's event and kind, or the reason why it is set aside.
///
/// `origin` is `None` when the headers can't be read; `log_time` includes this record.
pub(super) fn check<'a>(
    record: Record<'_>,
    origin: Option<&'a Origin>,
    log_time: i64,
    definition: &Definition,
    partition: u32,
) -> Result<(Event, Kind, &'a Origin), Reason> {
    if record.value.len() > MAX_VALUE_BYTES || record.key.len() > MAX_KEY_BYTES {
        return Err(Reason::TooLarge);
    }
    if record.value.is_empty() {
        return Err(Reason::BadBytes);
    }
    let event = Event::decode(record.value).map_err(|_| Reason::BadBytes)?;
    let origin = origin.ok_or(Reason::BadHeader)?;
    let kind = Kind::from_wire(event.kind).ok_or(Reason::UnknownKind)?;
    ids(&event)?;
    user_agent(&event)?;
    times(&event, kind)?;
    amount(&event, kind)?;
    if kind == Kind::Enter && origin.source.is_none() {
        return Err(Reason::BadHeader);
    }
    let latest = log_time.saturating_add(FUTURE_TOLERANCE_MS);
    let ahead = kind != Kind::Enter && event.occurred_at_ms > latest;
    if ahead || event.occurred_at_ms >= NOT_AFTER_MS {
        return Err(Reason::Future);
    }
    let home = partition_of(record.key, definition.partitions);
    if record.key != event.user_id.as_bytes() || home != partition {
        return Err(Reason::Misrouted);
    }
    Ok((event, kind, origin))
}

fn ids(event: &Event) -> Result<(), Reason> {
    let sound = |id: &str, longest: usize| id.len() <= longest && !id.chars().any(char::is_control);
    let all_sound = sound(&event.event_id, MAX_ID_BYTES)
        && sound(&event.user_id, MAX_USER_BYTES)
        && sound(&event.campaign_id, MAX_ID_BYTES)
        && sound(&event.activity_id, MAX_ID_BYTES);
    let required = !event.event_id.is_empty() && !event.user_id.is_empty();
    let reserved = [&event.campaign_id, &event.activity_id]
        .iter()
        .any(|name| RESERVED.contains(&name.as_str()));
    if all_sound && required && !reserved {
        Ok(())
    } else {
        Err(Reason::BadId)
    }
}

fn user_agent(event: &Event) -> Result<(), Reason> {
    let hints = event.client_hints.as_ref();
    let long_hint = hints.is_some_and(|hints| {
        hints.platform.len() > MAX_HINT_BYTES || hints.model.len() > MAX_HINT_BYTES
    });
    if long_hint || event.user_agent.len() > MAX_USER_AGENT_BYTES {
        return Err(Reason::BadUserAgent);
    }
    Ok(())
}

fn times(event: &Event, kind: Kind) -> Result<(), Reason> {
    if event.occurred_at_ms == 0 {
        return Err(Reason::BadTime);
    }
    if event.occurred_at_ms < NOT_BEFORE_MS {
        return Err(Reason::TooOld);
    }
    match event.signed_up_at_ms {
        None => Ok(()),
        Some(at)
            if kind == Kind::SignUp && (NOT_BEFORE_MS..=event.occurred_at_ms).contains(&at) =>
        {
            Ok(())
        }
        Some(_) => Err(Reason::BadTime),
    }
}

fn amount(event: &Event, kind: Kind) -> Result<(), Reason> {
    let Some(amount) = &event.amount else {
        return Ok(());
    };
    let code = amount.currency.as_bytes();
    let is_code = code.len() == 3 && code.iter().all(u8::is_ascii_uppercase);
    if kind == Kind::Purchase && (0..=MAX_MINOR_UNITS).contains(&amount.minor_units) && is_code {
        Ok(())
    } else {
        Err(Reason::BadAmount)
    }
}
