//! Bytes to a checked event, or a rejection with its reason. Every check on the event is here.

use prost::Message;
use schemas::{headers, v1};

use crate::cell::{Currency, Kind};
use crate::definition::{FUTURE_TOLERANCE_MS, NOT_AFTER_MS, NOT_BEFORE_MS};
use crate::record::{Headers, Record};
use crate::rejection::{Reason, Rejection};

/// Largest value of an event, bytes: the sum of the fields' limits with room for later ones.
pub const MAX_VALUE: usize = 16 * 1024;
/// Longest event_id, campaign_id, activity_id and source name, bytes.
pub const MAX_ID: usize = 128;
/// Longest user_id, bytes.
pub const MAX_USER_ID: usize = 256;
/// Longest User-Agent, bytes.
pub const MAX_USER_AGENT: usize = 2048;
/// Longest client hint, bytes.
pub const MAX_HINT: usize = 64;
/// Largest amount, minor units: sums of millions of them stay inside 64 bits.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000;
/// The name of no campaign and of no activity.
pub const NONE: &str = "(none)";
/// The name that takes what comes after the limit of names.
pub const OTHER: &str = "__other__";
/// What stands for the whole campaign where cells are named.
pub const WHOLE: &str = "*";

/// A checked event, borrowed from its message and its record's headers.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Unique for each intent of its user.
    pub event_id: &'a str,
    /// Who.
    pub user_id: &'a str,
    /// What.
    pub kind: Kind,
    /// When, milliseconds since the epoch.
    pub occurred_at: i64,
    /// The campaign, [`NONE`] for none.
    pub campaign: &'a str,
    /// The activity, [`NONE`] for none.
    pub activity: &'a str,
    /// The User-Agent as sent.
    pub user_agent: &'a str,
    /// The client hints as sent.
    pub hints: Option<&'a v1::ClientHints>,
    /// What was paid: minor units and currency.
    pub amount: Option<(i64, Currency)>,
    /// When the account was made, of a sign-up that says so; milliseconds since the epoch.
    pub signed_up_at: Option<i64>,
}

/// Where a record comes from, by its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin<'a> {
    /// The source and the record's place in it.
    pub source: Option<(&'a str, u64)>,
    /// Of a replayed dead letter: partition and offset where it first stood.
    pub replay_of: Option<(u32, u64)>,
}

/// Reads the headers that say where a record comes from.
///
/// # Errors
/// [`Reason::BadHeader`] when one can't be read, or a source comes without a sequence.
pub fn origin(packed: Headers<'_>) -> Result<Origin<'_>, Rejection> {
    if packed.0.is_empty() {
        return Ok(Origin::default());
    }
    let text = |name: &str| match packed.get(name).map(std::str::from_utf8) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => Err(bad_header(format!("header {name} is not UTF-8"))),
    };
    let source = match (text(headers::SOURCE)?, text(headers::SEQUENCE)?) {
        (None, None) => None,
        (Some(source), Some(sequence)) => Some((checked_source(source)?, number(sequence)?)),
        _ => {
            return Err(bad_header(format!(
                "headers {} and {} come together or not at all",
                headers::SOURCE,
                headers::SEQUENCE
            )));
        }
    };
    let replay_of = match text(headers::REPLAY_OF)? {
        None => None,
        Some(text) => Some(coordinates(text)?),
    };
    Ok(Origin { source, replay_of })
}

fn bad_header(detail: String) -> Rejection {
    Rejection::new(Reason::BadHeader, detail)
}

fn checked_source(source: &str) -> Result<&str, Rejection> {
    if source.is_empty() || source.len() > MAX_ID {
        return Err(bad_header(format!(
            "header {} has {} bytes; it takes 1 to {MAX_ID}",
            headers::SOURCE,
            source.len()
        )));
    }
    Ok(source)
}

fn number(text: &str) -> Result<u64, Rejection> {
    decimal(text).ok_or_else(|| {
        bad_header(format!(
            "header {} is {text:?}; it takes a decimal number",
            headers::SEQUENCE
        ))
    })
}

fn coordinates(text: &str) -> Result<(u32, u64), Rejection> {
    text.split_once('/')
        .and_then(|(partition, offset)| {
            Some((u32::try_from(decimal(partition)?).ok()?, decimal(offset)?))
        })
        .ok_or_else(|| {
            bad_header(format!(
                "header {} is {text:?}; it takes partition/offset",
                headers::REPLAY_OF
            ))
        })
}

/// Digits alone: Rust's own parser takes a leading plus as well.
fn decimal(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Decodes a record's value into `message` (whose buffers are used again) and checks it.
///
/// `origin` is what the record's headers said, `log_time` the log's time at this record.
///
/// # Errors
/// The first check that fails, in the order of this function.
pub fn decode<'a>(
    record: &Record<'a>,
    origin: &Result<Origin<'a>, Rejection>,
    log_time: i64,
    message: &'a mut v1::Event,
) -> Result<Event<'a>, Rejection> {
    if record.value.len() > MAX_VALUE || record.key.len() > MAX_USER_ID {
        return Err(Rejection::new(
            Reason::TooLarge,
            format!(
                "key of {} and value of {} bytes; a key takes {MAX_USER_ID}, a value {MAX_VALUE}",
                record.key.len(),
                record.value.len()
            ),
        ));
    }
    message.clear();
    if record.value.is_empty() {
        return Err(Rejection::new(Reason::BadBytes, "the value is empty"));
    }
    message.merge(record.value).map_err(|error| {
        Rejection::new(
            Reason::BadBytes,
            format!("not a footfall.v1.Event: {error}"),
        )
    })?;
    let origin = origin.as_ref().map_err(Clone::clone)?;
    check(message, origin, log_time)
}

fn check<'a>(
    message: &'a v1::Event,
    origin: &Origin<'_>,
    log_time: i64,
) -> Result<Event<'a>, Rejection> {
    let kind = Kind::from_wire(message.kind).ok_or_else(|| {
        Rejection::new(
            Reason::UnknownKind,
            format!(
                "kind {} is none of visit, click, enter, purchase, sign-up",
                message.kind
            ),
        )
    })?;
    id("event_id", &message.event_id, 1, MAX_ID)?;
    id("user_id", &message.user_id, 1, MAX_USER_ID)?;
    let campaign = name("campaign_id", &message.campaign_id)?;
    let activity = name("activity_id", &message.activity_id)?;
    user_agent(&message.user_agent, message.client_hints.as_ref())?;
    let signed_up_at = times(message, kind)?;
    let amount = amount(message, kind)?;
    if kind == Kind::Enter && origin.source.is_none() {
        return Err(bad_header(format!(
            "an enter event carries the headers {} and {} of its admission",
            headers::SOURCE,
            headers::SEQUENCE
        )));
    }
    let occurred_at = message.occurred_at_ms;
    let ahead = occurred_at > log_time.saturating_add(FUTURE_TOLERANCE_MS);
    if (kind != Kind::Enter && ahead) || occurred_at >= NOT_AFTER_MS {
        return Err(Rejection::new(
            Reason::Future,
            format!(
                "occurred_at_ms {occurred_at} is more than {} s ahead of the log's time {log_time}",
                FUTURE_TOLERANCE_MS / 1000
            ),
        ));
    }
    Ok(Event {
        event_id: &message.event_id,
        user_id: &message.user_id,
        kind,
        occurred_at,
        campaign,
        activity,
        user_agent: &message.user_agent,
        hints: message.client_hints.as_ref(),
        amount,
        signed_up_at,
    })
}

pub(crate) fn id(field: &str, value: &str, least: usize, most: usize) -> Result<(), Rejection> {
    if !(least..=most).contains(&value.len()) {
        let bytes = value.len();
        return Err(Rejection::new(
            Reason::BadId,
            format!("{field} has {bytes} bytes; it takes {least} to {most}"),
        ));
    }
    if value.chars().any(char::is_control) {
        return Err(Rejection::new(
            Reason::BadId,
            format!("{field} has a control character"),
        ));
    }
    Ok(())
}

fn name<'a>(field: &str, value: &'a str) -> Result<&'a str, Rejection> {
    id(field, value, 0, MAX_ID)?;
    not_reserved(field, value)?;
    Ok(if value.is_empty() { NONE } else { value })
}

pub(crate) fn not_reserved(field: &str, value: &str) -> Result<(), Rejection> {
    if value == OTHER || value == WHOLE {
        return Err(Rejection::new(
            Reason::BadId,
            format!("{field} is {value}, a name that Footfall keeps for itself"),
        ));
    }
    Ok(())
}

pub(crate) fn user_agent(agent: &str, hints: Option<&v1::ClientHints>) -> Result<(), Rejection> {
    for (field, length, most) in [
        ("user_agent", agent.len(), MAX_USER_AGENT),
        (
            "client_hints.platform",
            hints.map_or(0, |h| h.platform.len()),
            MAX_HINT,
        ),
        (
            "client_hints.model",
            hints.map_or(0, |h| h.model.len()),
            MAX_HINT,
        ),
    ] {
        if length > most {
            return Err(Rejection::new(
                Reason::BadUserAgent,
                format!("{field} has {length} bytes; it takes at most {most}"),
            ));
        }
    }
    Ok(())
}

/// Checks occurred_at_ms and gives signed_up_at_ms.
fn times(message: &v1::Event, kind: Kind) -> Result<Option<i64>, Rejection> {
    let bad = |detail: String| Err(Rejection::new(Reason::BadTime, detail));
    let occurred_at = message.occurred_at_ms;
    if occurred_at == 0 {
        return bad("occurred_at_ms is absent".to_owned());
    }
    if occurred_at < NOT_BEFORE_MS {
        return Err(Rejection::new(
            Reason::TooOld,
            format!(
                "occurred_at_ms {occurred_at} lies before 2005; it takes milliseconds since 1970"
            ),
        ));
    }
    let Some(signed_up_at) = message.signed_up_at_ms else {
        return Ok(None);
    };
    if kind != Kind::SignUp {
        return bad(format!(
            "signed_up_at_ms belongs to a sign-up, not a {}",
            kind.as_str()
        ));
    }
    if !(NOT_BEFORE_MS..=occurred_at).contains(&signed_up_at) {
        return bad(format!(
            "signed_up_at_ms {signed_up_at} lies before 2005 or after occurred_at_ms {occurred_at}"
        ));
    }
    Ok(Some(signed_up_at))
}

fn amount(message: &v1::Event, kind: Kind) -> Result<Option<(i64, Currency)>, Rejection> {
    let bad = |detail: String| Err(Rejection::new(Reason::BadAmount, detail));
    let Some(amount) = &message.amount else {
        return Ok(None);
    };
    if kind != Kind::Purchase {
        return bad(format!(
            "amount belongs to a purchase, not a {}",
            kind.as_str()
        ));
    }
    if !(0..=MAX_AMOUNT).contains(&amount.minor_units) {
        return bad(format!(
            "amount is {} minor units; it takes 0 to {MAX_AMOUNT}",
            amount.minor_units
        ));
    }
    match Currency::parse(&amount.currency) {
        Some(currency) => Ok(Some((amount.minor_units, currency))),
        None => bad(format!(
            "currency {:?} is not an ISO 4217 code of three upper-case letters",
            amount.currency
        )),
    }
}
