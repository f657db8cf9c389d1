//! What one view has shown of the canary's events.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// What the API answers about the canary's campaign, as far as it is looked at.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Seen {
    /// How far each partition is counted.
    pub as_of: Vec<Stamp>,
    /// The campaign's numbers.
    pub totals: Totals,
}

/// How far a partition is counted.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Stamp {
    pub partition: u32,
    pub offset: u64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Totals {
    /// All events of the campaign, this run's and others'.
    pub events: u64,
}

/// An event that the log acknowledged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub partition: u32,
    pub offset: u64,
    pub acknowledged: Instant,
}

/// What is awaited of one view.
#[derive(Debug)]
pub(super) struct Watch {
    /// When it was first asked.
    since: Instant,
    /// Whether the API has no such view.
    absent: bool,
    outstanding: VecDeque<Sent>,
    /// The campaign's events before this run, as the first answer had them.
    before: Option<u64>,
    /// Events of this run that an answer claimed to count.
    claimed: u64,
    /// How far an answer must reach in each partition to count all of these.
    claimed_to: BTreeMap<u32, u64>,
    lost: u64,
}

/// What an answer brought.
#[derive(Debug, Default, PartialEq)]
pub(super) struct News {
    /// How long each event that is new in it took.
    pub took: Vec<Duration>,
    /// Further events that it claims to count and doesn't.
    pub lost: u64,
}

impl Watch {
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            absent: false,
            outstanding: VecDeque::new(),
            before: None,
            claimed: 0,
            claimed_to: BTreeMap::new(),
            lost: 0,
        }
    }

    /// The API has no such view: nothing is awaited of it.
    pub fn leave(&mut self) {
        self.absent = true;
        self.outstanding.clear();
    }

    pub fn is_absent(&self) -> bool {
        self.absent
    }

    /// Whether it is known what the view held before this run: events sent earlier would be taken for lost.
    pub fn is_begun(&self) -> bool {
        self.before.is_some() && !self.absent
    }

    pub fn sent(&mut self, sent: Sent) {
        self.outstanding.push_back(sent);
    }

    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Events of this run that were seen.
    pub fn claimed(&self) -> u64 {
        self.claimed
    }

    /// Events claimed and not counted.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Age of the oldest event that was not seen; until the view's first answer, before which none is sent, how long that
    /// is awaited.
    pub fn oldest(&self, now: Instant) -> Duration {
        let since = match self.outstanding.front() {
            Some(sent) => sent.acknowledged,
            None if self.is_begun() || self.absent => now,
            None => self.since,
        };
        now.duration_since(since)
    }

    /// Takes an answer that came at `now`.
    pub fn take(&mut self, seen: &Seen, now: Instant) -> News {
        let offset_of = |partition| {
            let stamp = seen.as_of.iter().find(|of| of.partition == partition);
            stamp.map_or(0, |stamp| stamp.offset)
        };
        if self.before.is_none() {
            let stamps = seen.as_of.iter().map(|of| (of.partition, of.offset));
            self.claimed_to = stamps.collect();
        }
        let before = *self.before.get_or_insert(seen.totals.events);
        let mut news = News::default();
        self.outstanding.retain(|sent| {
            let counted = offset_of(sent.partition) > sent.offset;
            if counted {
                news.took.push(now.duration_since(sent.acknowledged));
                let to = self.claimed_to.entry(sent.partition).or_default();
                *to = (sent.offset + 1).max(*to);
            }
            !counted
        });
        self.claimed += news.took.len() as u64;
        // After a failover a store is as it was, and says so.
        let mut all = self.claimed_to.iter();
        if all.all(|(partition, to)| offset_of(*partition) >= *to) {
            // Another canary, or the end of an earlier run, only adds to what is counted.
            let missing = (before + self.claimed).saturating_sub(seen.totals.events);
            news.lost = missing.saturating_sub(self.lost);
            self.lost += news.lost;
        }
        news
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn answer(offsets: &[u64], events: u64) -> Seen {
        let stamps = (0..).zip(offsets);
        Seen {
            as_of: stamps
                .map(|(partition, offset)| Stamp {
                    partition,
                    offset: *offset,
                })
                .collect(),
            totals: Totals { events },
        }
    }

    fn sent(partition: u32, offset: u64, acknowledged: Instant) -> Sent {
        Sent {
            partition,
            offset,
            acknowledged,
        }
    }

    #[test]
    fn an_event_is_seen_when_its_partition_is_counted_beyond_it() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        watch.take(&answer(&[5, 9], 3), start);
        watch.sent(sent(1, 9, start));
        watch.sent(sent(0, 5, start));
        let later = start + Duration::from_secs(2);
        let news = watch.take(&answer(&[5, 10], 4), later);
        assert_eq!(news.took, [Duration::from_secs(2)]);
        assert_eq!((news.lost, watch.outstanding()), (0, 1));
        assert_eq!(watch.oldest(later), Duration::from_secs(2));
    }

    #[test]
    fn an_event_that_an_answer_claims_and_does_not_count_is_lost_once() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        watch.take(&answer(&[0], 7), start);
        watch.sent(sent(0, 0, start));
        watch.sent(sent(0, 1, start));
        assert_eq!(watch.take(&answer(&[1], 7), start).lost, 1);
        assert_eq!(watch.take(&answer(&[1], 7), start).lost, 0);
        assert_eq!(watch.take(&answer(&[2], 8), start).lost, 0);
        assert_eq!(watch.lost(), 1);
    }

    #[test]
    fn an_answer_that_went_back_is_taken_for_no_loss_and_one_that_covers_all_again_is_judged() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        watch.take(&answer(&[0, 4], 7), start);
        watch.sent(sent(0, 0, start));
        assert_eq!(watch.take(&answer(&[1, 4], 8), start).lost, 0);
        assert_eq!(watch.take(&answer(&[0, 4], 7), start).lost, 0, "back");
        assert_eq!(watch.take(&answer(&[1, 3], 6), start).lost, 0, "before all");
        assert_eq!(watch.take(&Seen::default(), start).lost, 0, "emptied");
        assert_eq!(watch.take(&answer(&[1, 4], 8), start).lost, 0);
        assert_eq!(watch.take(&answer(&[1, 5], 7), start).lost, 1);
    }

    #[test]
    fn a_view_that_never_answered_is_awaited_since_the_canary_runs() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        let later = start + Duration::from_secs(90);
        assert_eq!(watch.oldest(later), Duration::from_secs(90));
        watch.take(&answer(&[5], 3), later);
        assert_eq!(watch.oldest(later), Duration::ZERO);
    }

    #[test]
    fn what_an_earlier_run_sent_late_is_not_taken_for_a_loss() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        watch.take(&answer(&[0], 7), start);
        watch.sent(sent(0, 3, start));
        assert_eq!(watch.take(&answer(&[4], 11), start).lost, 0);
    }
}
