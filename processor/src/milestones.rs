//! State digests at offsets that every owner of a partition passes: equal offsets, equal digests (I6), else two owners
//! hold different states of one log.
//!
//! A digest comes with a checkpoint, and checkpoints are taken when they are due, so that two owners' hardly ever meet at an
//! offset. So one more is taken wherever log time enters another minute, which is a property of the log alone.

/// Log time from one to the next, milliseconds.
const EVERY_MS: i64 = 60_000;
/// The newest so many are kept: a new owner, which folds again what the one before it had folded since its last
/// checkpoint, meets some of them.
pub const KEPT: usize = 4;
/// None where the records are older, milliseconds: a log of years would be folded with a checkpoint for each minute.
const OLDEST_MS: i64 = 3_600_000;

/// The state digest at an offset that is a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Milestone {
    /// The first offset not folded.
    pub offset: u64,
    /// The state digest there.
    pub digest: u64,
}

/// Whether the next record, appended at that time, makes a milestone of the state before it; and which of the
/// [`KEPT`] places it takes. Times in milliseconds since the epoch.
pub(crate) fn before(log_time: i64, appended_at: i64, now: i64) -> Option<usize> {
    let minute = appended_at.div_euclid(EVERY_MS);
    let is_one = log_time > 0
        && minute > log_time.div_euclid(EVERY_MS)
        && now.saturating_sub(appended_at) < OLDEST_MS;
    is_one.then(|| minute.rem_euclid(KEPT as i64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_record_of_a_minute_makes_one_unless_it_is_old() {
        let minute = 30_000_000;
        let at = |ms: i64| minute * EVERY_MS + ms;
        assert_eq!(before(at(-1), at(0), at(5)), Some(0));
        assert_eq!(before(at(-1), at(EVERY_MS), at(5)), Some(1));
        assert_eq!(before(at(0), at(EVERY_MS - 1), at(5)), None, "one a minute");
        assert_eq!(before(at(0), at(-1), at(5)), None, "log time goes on only");
        assert_eq!(before(at(-1), at(0), at(OLDEST_MS)), None, "old");
        assert_eq!(before(0, at(0), at(5)), None, "nothing is folded yet");
    }
}
