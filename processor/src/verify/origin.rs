//! Where a record says it comes from: its source and its place as a dead letter, read from headers.

use pipeline::record::Headers;
use schemas::headers;

/// The longest name of a source, in bytes: as long as an event id may be.
const MAX_SOURCE_BYTES: usize = 128;

/// What the headers of a record say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// The source's name and the record's sequence in it.
    pub source: Option<(String, u64)>,
    /// On a replayed dead letter: the partition and offset where it first stood.
    pub replay_of: Option<(u32, u64)>,
}

/// Reads the headers; `None` when one can't be read, or a source comes without sequence or the other way round.
pub(super) fn read(headers: Headers<'_>) -> Option<Origin> {
    let source = match (headers.get(headers::SOURCE), headers.get(headers::SEQUENCE)) {
        (None, None) => None,
        (Some(name), Some(sequence)) => Some((source_name(name)?, decimal(sequence)?)),
        _ => return None,
    };
    let replay_of = match headers.get(headers::REPLAY_OF) {
        None => None,
        Some(text) => {
            let text = std::str::from_utf8(text).ok()?;
            let (partition, offset) = text.split_once('/')?;
            let partition = u32::try_from(decimal(partition.as_bytes())?).ok()?;
            Some((partition, decimal(offset.as_bytes())?))
        }
    };
    Some(Origin { source, replay_of })
}

fn source_name(bytes: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(bytes).ok()?;
    (1..=MAX_SOURCE_BYTES)
        .contains(&name.len())
        .then(|| name.to_owned())
}

/// Digits alone: no sign, no spaces.
fn decimal(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}
