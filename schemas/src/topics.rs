//! Names of the topics. A deployment may put a prefix before them, nothing else.

/// Events, keyed by user_id; value: [`crate::v1::Event`].
pub const EVENTS: &str = "footfall.events";

/// Acts on activities with limited seats, keyed by activity_id: defined, requested, cancelled.
pub const ENTRIES: &str = "footfall.entries";

/// Names of campaigns, keyed by campaign_id; only the last of each key is kept.
pub const CAMPAIGNS: &str = "footfall.campaigns";

/// Records set aside, byte for byte, with their reason in headers.
pub const DEAD_LETTERS: &str = "footfall.dead-letters";

/// The names of one deployment's topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Events.
    pub events: String,
    /// Dead letters.
    pub dead_letters: String,
    /// Acts on activities with limited seats.
    pub entries: String,
    /// Names of campaigns.
    pub campaigns: String,
}

impl Topics {
    /// The topics' names behind `prefix`, which may be empty.
    pub fn with_prefix(prefix: &str) -> Self {
        Self {
            events: format!("{prefix}{EVENTS}"),
            dead_letters: format!("{prefix}{DEAD_LETTERS}"),
            entries: format!("{prefix}{ENTRIES}"),
            campaigns: format!("{prefix}{CAMPAIGNS}"),
        }
    }
}
