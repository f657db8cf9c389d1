//! Bytes to a checked act. Every check on a record of `footfall.entries` is here.

use prost::Message;
use schemas::partition::partition_of;
use schemas::v1::entry_record;
use schemas::v1::{ActivityDefined, EntryCancelled, EntryRecord, EntryRequested};

use crate::decode::{MAX_ID, MAX_USER_ID, MAX_VALUE, id, not_reserved, user_agent};
use crate::definition::{NOT_AFTER_MS, NOT_BEFORE_MS};
use crate::record::Record;
use crate::rejection::{Reason, Rejection};

/// Longest activity_id of an entry, bytes: with partition and offset it still fits the id of the event that tells of
/// its admission, which takes [`MAX_ID`].
pub const MAX_ACTIVITY_ID: usize = 92;
/// Longest name that people read, bytes.
pub const MAX_NAME: usize = 256;

/// A checked act.
#[derive(Debug)]
pub enum Act {
    /// An activity as it is from now on.
    Defined(ActivityDefined),
    /// Somebody asks for a seat.
    Requested(EntryRequested),
    /// Somebody gives one back.
    Cancelled(EntryCancelled),
}

/// Decodes a record and checks it.
///
/// # Errors
/// The first check that fails, in the order of this function.
pub fn decode(record: &Record<'_>, partition: u32, partitions: u32) -> Result<Act, Rejection> {
    if record.value.len() > MAX_VALUE || record.key.len() > MAX_ACTIVITY_ID {
        return Err(Rejection::new(
            Reason::TooLarge,
            format!(
                "key of {} and value of {} bytes; a key takes {MAX_ACTIVITY_ID}, a value {MAX_VALUE}",
                record.key.len(),
                record.value.len()
            ),
        ));
    }
    let message = EntryRecord::decode(record.value).map_err(|error| {
        Rejection::new(
            Reason::BadBytes,
            format!("not a footfall.v1.EntryRecord: {error}"),
        )
    })?;
    let act = match message.act {
        Some(entry_record::Act::Defined(act)) => defined(act)?,
        Some(entry_record::Act::Requested(act)) => requested(act)?,
        Some(entry_record::Act::Cancelled(act)) => cancelled(act)?,
        None => {
            return Err(Rejection::new(
                Reason::UnknownKind,
                "the record is none of defined, requested, cancelled",
            ));
        }
    };
    check_route(record.key, act.activity_id(), partition, partitions)?;
    Ok(act)
}

impl Act {
    fn activity_id(&self) -> &str {
        match self {
            Self::Defined(act) => &act.activity_id,
            Self::Requested(act) => &act.activity_id,
            Self::Cancelled(act) => &act.activity_id,
        }
    }
}

fn defined(act: ActivityDefined) -> Result<Act, Rejection> {
    activity_id(&act.activity_id)?;
    id("campaign_id", &act.campaign_id, 0, MAX_ID)?;
    not_reserved("campaign_id", &act.campaign_id)?;
    id("name", &act.name, 0, MAX_NAME)?;
    let (opens, closes) = (act.opens_at_ms, act.closes_at_ms);
    if !(NOT_BEFORE_MS..NOT_AFTER_MS).contains(&opens) {
        return Err(Rejection::new(
            Reason::BadTime,
            format!(
                "opens_at_ms is {opens}; it takes milliseconds since 1970, from 2005 on and before 2149"
            ),
        ));
    }
    if let Some(closes) = closes.filter(|closes| *closes <= opens) {
        return Err(Rejection::new(
            Reason::BadTime,
            format!("closes_at_ms {closes} does not lie after opens_at_ms {opens}"),
        ));
    }
    Ok(Act::Defined(act))
}

fn requested(act: EntryRequested) -> Result<Act, Rejection> {
    activity_id(&act.activity_id)?;
    id("user_id", &act.user_id, 1, MAX_USER_ID)?;
    id("request_id", &act.request_id, 1, MAX_ID)?;
    user_agent(&act.user_agent, act.client_hints.as_ref())?;
    Ok(Act::Requested(act))
}

fn cancelled(act: EntryCancelled) -> Result<Act, Rejection> {
    activity_id(&act.activity_id)?;
    id("user_id", &act.user_id, 1, MAX_USER_ID)?;
    Ok(Act::Cancelled(act))
}

fn activity_id(value: &str) -> Result<(), Rejection> {
    id("activity_id", value, 1, MAX_ACTIVITY_ID)?;
    not_reserved("activity_id", value)
}

fn check_route(
    key: &[u8],
    activity_id: &str,
    partition: u32,
    partitions: u32,
) -> Result<(), Rejection> {
    let misrouted = |detail| Err(Rejection::new(Reason::Misrouted, detail));
    if key != activity_id.as_bytes() {
        return misrouted(
            "the record's key is not the activity_id; set the key to the activity_id's bytes"
                .to_owned(),
        );
    }
    let belongs = partition_of(key, partitions);
    if belongs != partition {
        return misrouted(format!(
            "the key belongs to partition {belongs}, not {partition}; set the producer's partitioner to murmur2_random"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_admissions_event_fits_whatever_its_activity_partition_and_offset() {
        let longest = format!(
            "adm:{}:{}:{}",
            "a".repeat(MAX_ACTIVITY_ID),
            u32::MAX,
            u64::MAX
        );
        assert!(longest.len() <= MAX_ID, "{}", longest.len());
    }
}
