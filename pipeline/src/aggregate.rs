//! The rows of one partition, and which of them each projection has yet to take.
//!
//! A change marks a row for every reader that has not marked it already, so that taking the
//! changed rows costs what changed, and no reader waits for another.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use thin_vec::ThinVec;

use crate::body::{Body, People};
use crate::calendar::Moment;
use crate::counts::Counts;
use crate::names::{CampaignId, Names, PairId};
use crate::row::{Facet, FrozenRow, Period, RowKey};

/// Seconds of the unit in which hours are numbered: every zone's offset since 2005 is a multiple.
pub const QUARTER: i64 = 900;

/// Who takes changed rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reader {
    /// The checkpoint.
    Checkpoint = 0,
    /// The hot views.
    Hot = 1,
    /// The history.
    History = 2,
}

const READERS: usize = 3;

/// Where a row's numbers belong: a campaign, or one of its activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole campaign.
    Campaign(CampaignId),
    /// One activity.
    Pair(PairId),
}

/// A row's name in numbers: scope kind, scope, facet, period kind, period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(pub u64);

impl RowId {
    fn new(scope: Scope, period: Period, facet: Facet) -> Self {
        let (kind, id) = match scope {
            Scope::Campaign(id) => (0, id),
            Scope::Pair(id) => (1, id),
        };
        let (unit, value) = match period {
            Period::Life => (0, 0),
            Period::Month(month) => (1, u64::from(month)),
            Period::Week(week) => (2, u64::from(week)),
            Period::Day(day) => (3, u64::from(day)),
            Period::Hour(start) => (4, (start / QUARTER) as u64),
        };
        let facet = match facet {
            Facet::Counts => 0,
            Facet::People => 1,
            Facet::Minutes => 2,
        };
        Self(kind << 61 | u64::from(id) << 33 | facet << 31 | unit << 28 | value)
    }

    fn scope(self) -> Scope {
        let id = (self.0 >> 33 & ((1 << 28) - 1)) as u32;
        match self.0 >> 61 {
            0 => Scope::Campaign(id),
            _ => Scope::Pair(id),
        }
    }

    /// The period.
    pub fn period(self) -> Period {
        let value = self.0 & ((1 << 28) - 1);
        match self.0 >> 28 & 7 {
            0 => Period::Life,
            1 => Period::Month(value as u16),
            2 => Period::Week(value as u16),
            3 => Period::Day(value as u16),
            _ => Period::Hour(value as i64 * QUARTER),
        }
    }

    /// The facet.
    pub fn facet(self) -> Facet {
        match self.0 >> 31 & 3 {
            0 => Facet::Counts,
            1 => Facet::People,
            _ => Facet::Minutes,
        }
    }

    /// The row's name in words.
    pub fn key(self, names: &Names) -> RowKey {
        let (campaign, activity) = match self.scope() {
            Scope::Campaign(id) => (id, None),
            Scope::Pair(id) => {
                let pair = names.pair(id);
                (pair.campaign, Some(pair.activity.clone()))
            }
        };
        RowKey {
            campaign: names.campaign(campaign).clone(),
            activity,
            period: self.period(),
            facet: self.facet(),
        }
    }
}

/// One row.
#[derive(Debug)]
pub struct Slot {
    /// Its name.
    pub id: RowId,
    /// The offset of the last record that changed it.
    pub changed_at: u64,
    /// Its part of the state digest as of the last checkpoint.
    pub digest: u64,
    /// Its contents.
    pub body: Body,
    /// One bit a reader that has it on its list.
    marked: u8,
}

/// The counts rows an event adds to: activity and campaign × hour, day, life.
pub type CountPlaces = [u32; 6];
/// The people rows an event may add to: activity, then campaign × day, week, month, life.
pub type PeoplePlaces = [u32; 8];

/// The rows of one partition.
#[derive(Debug)]
pub struct Rows {
    /// One bit a reader that takes rows.
    readers: u8,
    slots: Vec<Slot>,
    free: Vec<u32>,
    index: HashMap<RowId, u32, FixedState>,
    /// By pair, quarter and day: where clocks change at a minute past midnight, two days share an hour.
    counts: HashMap<(PairId, u32, u16), CountPlaces, FixedState>,
    people: HashMap<(PairId, u16), PeoplePlaces, FixedState>,
    /// Rows of minutes by hour, which is when they leave.
    minutes: BTreeMap<i64, Vec<u32>>,
    marked: [Vec<u32>; READERS],
    /// One past the last record that removed rows: a projection behind it can't be told which.
    removed_before: u64,
}

impl Rows {
    /// No rows; only `readers` will be told of changes.
    pub fn new(readers: &[Reader]) -> Self {
        let map = FixedState::default;
        Self {
            readers: readers
                .iter()
                .fold(0, |bits, reader| bits | 1 << *reader as u8),
            slots: Vec::new(),
            free: Vec::new(),
            index: HashMap::with_hasher(map()),
            counts: HashMap::with_hasher(map()),
            people: HashMap::with_hasher(map()),
            minutes: BTreeMap::new(),
            marked: Default::default(),
            removed_before: 0,
        }
    }

    /// The places of the counts rows of a pair and the local hour of `moment`.
    pub fn count_places(&mut self, names: &Names, pair: PairId, moment: &Moment) -> CountPlaces {
        let key = (pair, (moment.hour / QUARTER) as u32, moment.day);
        if let Some(places) = self.counts.get(&key) {
            return *places;
        }
        let campaign = Scope::Campaign(names.pair(pair).campaign);
        let periods = [
            Period::Hour(moment.hour),
            Period::Day(moment.day),
            Period::Life,
        ];
        let places = std::array::from_fn(|i| {
            let scope = if i < 3 { Scope::Pair(pair) } else { campaign };
            self.place(scope, periods[i % 3], Facet::Counts)
        });
        self.counts.insert(key, places);
        places
    }

    /// The places of the people rows of a pair and the local day of `moment`.
    pub fn people_places(&mut self, names: &Names, pair: PairId, moment: &Moment) -> PeoplePlaces {
        let key = (pair, moment.day);
        if let Some(places) = self.people.get(&key) {
            return *places;
        }
        let campaign = Scope::Campaign(names.pair(pair).campaign);
        let periods = crate::calendar::Calendar::people_periods(moment);
        let places = std::array::from_fn(|i| {
            let scope = if i < 4 { Scope::Pair(pair) } else { campaign };
            self.place(scope, periods[i % 4], Facet::People)
        });
        self.people.insert(key, places);
        places
    }

    /// The place of the minutes of a campaign and hour.
    pub fn minutes_place(&mut self, campaign: CampaignId, hour: i64) -> u32 {
        self.place(
            Scope::Campaign(campaign),
            Period::Hour(hour),
            Facet::Minutes,
        )
    }

    fn place(&mut self, scope: Scope, period: Period, facet: Facet) -> u32 {
        let id = RowId::new(scope, period, facet);
        match self.index.get(&id) {
            Some(place) => *place,
            None => {
                let body = match facet {
                    Facet::Counts => Body::Counts(Counts::default()),
                    Facet::People => Body::People(Box::<People>::default()),
                    Facet::Minutes => Body::Minutes(ThinVec::new()),
                };
                self.put(id, 0, 0, body)
            }
        }
    }

    fn put(&mut self, id: RowId, changed_at: u64, digest: u64, body: Body) -> u32 {
        let slot = Slot {
            id,
            changed_at,
            digest,
            body,
            marked: 0,
        };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = slot;
                place
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        self.index.insert(id, place);
        if let (Facet::Minutes, Period::Hour(hour)) = (id.facet(), id.period()) {
            self.minutes.entry(hour).or_default().push(place);
        }
        place
    }

    /// A row's contents, to be changed by the record at `offset`.
    pub fn change(&mut self, place: u32, offset: u64) -> &mut Body {
        let slot = &mut self.slots[place as usize];
        slot.changed_at = offset;
        if slot.marked != self.readers {
            for (reader, list) in self.marked.iter_mut().enumerate() {
                if !slot.marked & self.readers & (1 << reader) != 0 {
                    list.push(place);
                }
            }
            slot.marked = self.readers;
        }
        &mut slot.body
    }

    /// Removes the minutes of hours before `hour`, by the record at `offset`.
    pub fn drop_minutes_before(&mut self, hour: i64, offset: u64) {
        while let Some(entry) = self.minutes.first_entry()
            && *entry.key() < hour
        {
            self.removed_before = offset + 1;
            for place in entry.remove() {
                *self.change(place, offset) = Body::Gone;
                let id = self.slots[place as usize].id;
                self.index.remove(&id);
            }
        }
    }

    /// Takes the rows that `which` names as changed by the record at `offset`.
    pub fn change_where(&mut self, offset: u64, which: impl Fn(RowId) -> bool) {
        for place in 0..self.slots.len() {
            let slot = &self.slots[place];
            if !matches!(slot.body, Body::Gone) && which(slot.id) {
                self.change(place as u32, offset);
            }
        }
    }

    /// One past the last record that removed rows.
    pub fn removed_before(&self) -> u64 {
        self.removed_before
    }

    /// Puts back what a checkpoint kept of [`Rows::removed_before`].
    pub fn restore_removed_before(&mut self, offset: u64) {
        self.removed_before = offset;
    }

    /// How many rows a reader has yet to take.
    pub fn waiting(&self, reader: Reader) -> usize {
        self.marked[reader as usize].len()
    }

    /// Takes the rows changed since the reader's last call.
    pub fn take(&mut self, reader: Reader, mut visit: impl FnMut(&mut Slot)) {
        let bit = 1 << reader as u8;
        for place in std::mem::take(&mut self.marked[reader as usize]) {
            let slot = &mut self.slots[place as usize];
            slot.marked &= !bit;
            visit(slot);
            if slot.marked == 0 && matches!(slot.body, Body::Gone) {
                self.free.push(place);
            }
        }
    }

    /// Every row there is.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots
            .iter()
            .filter(|slot| !matches!(slot.body, Body::Gone))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Puts back a row that a checkpoint kept; projections take it as changed.
    pub fn restore(&mut self, id: RowId, changed_at: u64, digest: u64, body: Body) {
        let place = self.put(id, changed_at, digest, body);
        let slot = &mut self.slots[place as usize];
        for reader in [Reader::Hot, Reader::History] {
            if self.readers & (1 << reader as u8) != 0 {
                slot.marked |= 1 << reader as u8;
                self.marked[reader as usize].push(place);
            }
        }
    }
}

impl Slot {
    /// The row as a projection takes it.
    pub fn freeze(&self, names: &Names) -> FrozenRow {
        FrozenRow {
            key: self.id.key(names),
            changed_at: self.changed_at,
            row: self.body.to_row(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn period() -> impl Strategy<Value = Period> {
        prop_oneof![
            Just(Period::Life),
            any::<u16>().prop_map(Period::Month),
            any::<u16>().prop_map(Period::Week),
            any::<u16>().prop_map(Period::Day),
            // Hours up to 2149.
            (0..5_648_745_600 / QUARTER).prop_map(|n| Period::Hour(n * QUARTER)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_row_s_number_says_what_it_was_made_of(
            pair in any::<bool>(),
            id in 0..1u32 << 28,
            period in period(),
            facet in proptest::sample::select(vec![Facet::Counts, Facet::People, Facet::Minutes]),
        ) {
            let scope = if pair { Scope::Pair(id) } else { Scope::Campaign(id) };
            let row = RowId::new(scope, period, facet);
            prop_assert_eq!((row.scope(), row.period(), row.facet()), (scope, period, facet));
            // Checkpoints keep it in a signed integer.
            prop_assert!(i64::try_from(row.0).is_ok());
        }
    }
}
