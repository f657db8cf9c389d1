//! The campaign by which an operator sees how fresh the views are. Nobody else's events belong to it.

/// Its id. The list of campaigns leaves it out; asked for by its id it answers as any other.
pub const CAMPAIGN: &str = "footfall-canary";
/// What its events say they come from: a bot, so that they count as nobody.
pub const USER_AGENT: &str = "Mozilla/5.0 (compatible; footfall-canary-bot/1.0)";
