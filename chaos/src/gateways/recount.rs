//! Who has which seat by the log alone: a fold of its own, as plain as it can be, that shares the messages with the product.
//!
//! It remembers every moment, for an answer from memory is one of the past.

use std::collections::BTreeMap;

use pipeline::record::Record;
use prost::Message;
use schemas::partition::partition_of;
use schemas::v1::entry_record::Act;
use schemas::v1::{ActivityDefined, EntryRecord};

/// Requests of one user to one activity that are decided.
const MOST_REQUESTS: usize = 100;

/// What one partition's records have decided.
#[derive(Default)]
pub struct Recount {
    /// Log time at each offset.
    times: Vec<i64>,
    activities: BTreeMap<String, Activity>,
}

/// An activity, its seats, and everyone who asked.
#[derive(Default)]
pub struct Activity {
    defined: Option<ActivityDefined>,
    /// In the order in which they were given.
    pub seats: Vec<Seat>,
    /// User, request, and what was decided.
    requests: Vec<(String, String, Verdict)>,
    /// How it was from an offset on.
    moments: Vec<(u64, Moment)>,
    /// The most seats it ever had.
    pub most: u64,
}

/// A seat that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    pub user: String,
    pub offset: u64,
    pub at: i64,
    /// The offset by which it was given back.
    pub gone: Option<u64>,
}

/// What was decided for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The seat of this rank.
    Seat(u64),
    /// A no in this word, at this offset.
    No(&'static str, u64),
}

/// How an activity is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub capacity: u64,
    pub held: u64,
    pub admitted: u64,
    pub opens: i64,
    pub closes: Option<i64>,
}

impl Recount {
    /// The first offset not counted.
    pub fn next(&self) -> u64 {
        self.times.len() as u64
    }

    /// Log time before an offset.
    fn time(&self, offset: u64) -> i64 {
        let before = offset.checked_sub(1);
        before.map_or(0, |at| self.times[at as usize])
    }

    /// An activity that some record named.
    pub fn activity(&self, id: &str) -> Option<&Activity> {
        self.activities.get(id)
    }

    /// All that some record named.
    pub fn activities(&self) -> impl Iterator<Item = (&String, &Activity)> {
        self.activities.iter()
    }

    /// Takes the next record of a partition, of so many.
    pub fn take(&mut self, record: &Record<'_>, partition: u32, partitions: u32) {
        let now = self.time(self.next()).max(record.appended_at);
        self.times.push(now);
        if partition_of(record.key, partitions) != partition {
            return;
        }
        let of = self.activities.entry(id(record));
        let offset = record.offset;
        let activity = of.or_default();
        match EntryRecord::decode(record.value).unwrap().act.unwrap() {
            Act::Defined(act) => {
                activity.most = activity.most.max(act.capacity);
                activity.defined = Some(act);
            }
            Act::Requested(act) => {
                let (user, request) = (act.user_id, act.request_id);
                if let Some(verdict) = activity.judge(&user, &request, now, record) {
                    activity.requests.push((user, request, verdict));
                }
            }
            Act::Cancelled(act) => {
                let place = usize::try_from(act.rank).unwrap().checked_sub(1);
                let seat = place.and_then(|place| activity.seats.get_mut(place));
                if let Some(seat) = seat.filter(|seat| seat.user == act.user_id) {
                    seat.gone.get_or_insert(offset);
                }
            }
        }
        activity
            .moments
            .extend(activity.now().map(|now| (offset + 1, now)));
    }

    /// How an activity was for whoever knows log[0..folded): nobody had defined it, or this, by log time then.
    pub fn moment(&self, id: &str, folded: u64) -> (Option<Moment>, i64) {
        let moments = self.activity(id).map_or(&[][..], |of| &of.moments);
        let count = moments.partition_point(|(from, _)| *from <= folded);
        let found = count.checked_sub(1).map(|last| moments[last].1);
        (found, self.time(folded))
    }
}

fn id(record: &Record<'_>) -> String {
    String::from_utf8(record.key.to_vec()).unwrap()
}

impl Activity {
    fn now(&self) -> Option<Moment> {
        let defined = self.defined.as_ref()?;
        Some(Moment {
            capacity: defined.capacity,
            held: self.held(),
            admitted: self.seats.len() as u64,
            opens: defined.opens_at_ms,
            closes: defined.closes_at_ms,
        })
    }

    fn held(&self) -> u64 {
        let held = self.seats.iter().filter(|seat| seat.gone.is_none());
        held.count() as u64
    }

    /// What was decided for a request.
    pub fn decided(&self, user: &str, request: &str) -> Option<Verdict> {
        let mut requests = self.requests.iter();
        let found = requests.find(|(of, named, _)| of == user && named == request)?;
        Some(found.2)
    }

    /// How many requests of a user were decided.
    fn count_of(&self, user: &str) -> usize {
        self.requests.iter().filter(|(of, ..)| of == user).count()
    }

    /// The seat that a user held for whoever knows log[0..folded).
    pub fn held_at(&self, user: &str, folded: u64) -> Option<&Seat> {
        self.seats.iter().find(|seat| {
            seat.user == user && seat.offset < folded && seat.gone.is_none_or(|at| at >= folded)
        })
    }

    /// Users who asked, in the order of their first requests.
    pub fn users(&self) -> Vec<&str> {
        let mut users = Vec::new();
        for (user, ..) in &self.requests {
            if !users.contains(&user.as_str()) {
                users.push(user);
            }
        }
        users
    }

    /// What becomes of a request that was not decided before.
    fn judge(&mut self, user: &str, request: &str, now: i64, at: &Record<'_>) -> Option<Verdict> {
        if self.decided(user, request).is_some() || self.count_of(user) >= MOST_REQUESTS {
            return None;
        }
        let held = (1..).zip(&self.seats);
        let mut held = held.filter(|(_, seat)| seat.user == user && seat.gone.is_none());
        if let Some((rank, _)) = held.next() {
            return Some(Verdict::Seat(rank));
        }
        let no = |word| Some(Verdict::No(word, at.offset));
        let Some(defined) = &self.defined else {
            return no("unknown");
        };
        if now < defined.opens_at_ms {
            return no("not_open");
        }
        if defined.closes_at_ms.is_some_and(|closes| now >= closes) {
            return no("closed");
        }
        if self.held() >= defined.capacity {
            return no("sold_out");
        }
        self.seats.push(Seat {
            user: user.to_owned(),
            offset: at.offset,
            at: at.appended_at,
            gone: None,
        });
        Some(Verdict::Seat(self.seats.len() as u64))
    }
}
