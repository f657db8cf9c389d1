//! All cells of a partition, derived from its applied events, one user at a time.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use pipeline::definition::Limits;
use pipeline::row::NamedCells;

use super::civil::civil;
use super::collision::{Collision, People};
use super::store::{Applied, Store};
use super::tally::Tally;
use super::user::{Dated, add_counts, add_people, moved_beyond};

/// What the views of a partition should hold: every cell of counts and of people. Cells by minute are not among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The cells that are not zero.
    pub cells: NamedCells,
    /// Limits beyond which the fold gives other numbers on purpose. Unless empty, cells are not comparable.
    pub limits_met: Vec<LimitMet>,
    /// Ids that the fold takes for others, whatever differs because of it.
    pub collisions: Vec<Collision>,
}

/// A limit of the fold that the events go beyond. The oracle has no limits, so its cells can't be compared then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitMet {
    /// More campaigns and activities than the definition names: the fold counts some as `__other__`.
    Names {
        /// Campaigns, and activities of each campaign.
        found: usize,
        /// `limits.names`.
        limit: u32,
    },
    /// First days moved back after they had more contributions than are kept: some stay new in the fold.
    Contributions {
        /// Users whose first day moved so.
        users: u64,
        /// `limits.contributions`.
        limit: u32,
    },
}

impl fmt::Display for LimitMet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names { found, limit } => write!(
                f,
                "limit met: not comparable: {found} campaigns and activities, and limits.names is {limit}"
            ),
            Self::Contributions { users, limit } => write!(
                f,
                "limit met: not comparable: the first day of {users} users moved back with more than limits.contributions = {limit} contributions"
            ),
        }
    }
}

impl View {
    /// Derives the view from the applied events: all of it, or without the days and hours before `hot_since`. `people`
    /// takes every user who is one.
    pub(super) fn of(
        store: &Store,
        zone: &TimeZone,
        limits: &Limits,
        people: &mut People<'_>,
        hot_since: Option<Date>,
    ) -> rusqlite::Result<Self> {
        let day_of = |ms: i64| civil(ms, zone).day;
        let contributions = limits.contributions as usize;
        let mut tally = Tally::default();
        let mut moved = 0;
        store.each_user(|user, history| {
            let dated: Vec<Dated<'_>> = history
                .iter()
                .map(|event| Dated {
                    event,
                    at: civil(event.occurred_at, zone),
                })
                .collect();
            let first_day = first_day(history, day_of);
            add_counts(&mut tally, &dated, first_day);
            if let Some(first_day) = first_day {
                add_people(&mut tally, &dated, first_day);
                people.add(user, history);
            }
            if moved_beyond(&dated, contributions, day_of) {
                moved += 1;
            }
        })?;

        let mut limits_met = Vec::new();
        let found = tally.names();
        if found > limits.names as usize {
            limits_met.push(LimitMet::Names {
                found,
                limit: limits.names,
            });
        }
        if moved > 0 {
            limits_met.push(LimitMet::Contributions {
                users: moved,
                limit: limits.contributions,
            });
        }
        Ok(Self {
            cells: tally.named(|when| match (hot_since, when.leaves_with(zone)) {
                (Some(since), Some(day)) => day >= since,
                _ => true,
            }),
            limits_met,
            collisions: Vec::new(),
        })
    }

    /// Adds another partition's view: a user lives in one partition, so people add up as events do.
    pub fn add(&mut self, other: Self) {
        for (cell, value) in other.cells {
            *self.cells.entry(cell).or_insert(0) += value;
        }
        self.limits_met.extend(other.limits_met);
        self.collisions.extend(other.collisions);
    }
}

/// The earliest day on which the user did something as a person or signed up; `None` for a bot. It is not the day of
/// the earliest instant where clocks went back over midnight in between.
fn first_day(history: &[Applied], day_of: impl Fn(i64) -> Date) -> Option<Date> {
    history
        .iter()
        .filter(|event| event.is_human())
        .flat_map(|event| [Some(event.occurred_at), event.signed_up_at])
        .flatten()
        .map(day_of)
        .min()
}
