//! A user's record: when first seen, and where they did what on which day.
//!
//! It answers, exactly and whatever the order of events: new or returning, distinct users by
//! period and device, funnel steps reached. Bots have no record.

use thin_vec::ThinVec;

use crate::cell::{Currency, Kind};
use crate::device::DeviceClass;
use crate::names::PairId;

const DAY_BITS: u32 = 16;
const MASK_BITS: u32 = 20;
const DEVICES: u32 = 4;
/// Bits of [`Mask`] of one kind.
const KIND_BITS: u32 = (1 << DEVICES) - 1;

/// Which kinds a user did on which devices: bit (kind − 1) × 4 + device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mask(pub u32);

impl Mask {
    /// The bit of a kind on a device; `None` for bots.
    pub fn of(kind: Kind, device: DeviceClass) -> Option<Self> {
        let device = match device {
            DeviceClass::Mobile => 0,
            DeviceClass::Tablet => 1,
            DeviceClass::Desktop => 2,
            DeviceClass::Other => 3,
            DeviceClass::Bot => return None,
        };
        Some(Self(1 << ((kind as u32 - 1) * DEVICES + device)))
    }

    /// Both together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the user did this kind.
    pub const fn has(self, kind: Kind) -> bool {
        self.0 >> ((kind as u32 - 1) * DEVICES) & KIND_BITS != 0
    }

    /// Whether the user came on this device: mobile, tablet, desktop, other.
    pub const fn on(self, device: u32) -> bool {
        self.0 >> device & 0x1_1111 != 0
    }

    /// How many steps of the funnel were reached: events of all of them, in any order.
    pub fn reached(self) -> usize {
        Kind::FUNNEL
            .iter()
            .take_while(|kind| self.has(**kind))
            .count()
    }

    /// Whether the user did nothing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What a user did in one campaign and activity on one day: pair, day and mask in one word.
/// Sorted by pair, then day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry(pub u64);

impl Entry {
    fn new(pair: PairId, day: u16, mask: Mask) -> Self {
        Self(
            u64::from(pair) << (DAY_BITS + MASK_BITS)
                | u64::from(day) << MASK_BITS
                | u64::from(mask.0),
        )
    }

    /// The pair.
    pub const fn pair(self) -> PairId {
        (self.0 >> (DAY_BITS + MASK_BITS)) as PairId
    }

    /// The local day.
    pub const fn day(self) -> u16 {
        (self.0 >> MASK_BITS) as u16
    }

    /// What was done.
    pub const fn mask(self) -> Mask {
        Mask((self.0 & ((1 << MASK_BITS) - 1)) as u32)
    }
}

/// Events of a user's first day, kept so that they can be moved from new to returning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contribution {
    /// The campaign and activity.
    pub pair: PairId,
    /// The local hour, UTC seconds / 900.
    pub quarter: u32,
    /// The packed cell, with is_new = 0.
    pub cell: u16,
    /// The currency of `amount`; `None` for events without.
    pub currency: Option<Currency>,
    /// How many.
    pub count: u32,
    /// What was paid, minor units.
    pub amount: i64,
}

/// A user's record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The earliest sign-up or applied event, milliseconds since the epoch.
    pub first_seen: i64,
    /// The earliest local day of these: that of `first_seen`, but where clocks went back over midnight.
    pub first_day: u16,
    /// Whether it changed since the last checkpoint.
    pub changed: bool,
    /// Its part of the state digest as of the last checkpoint.
    pub digest: u64,
    /// What was done where and when.
    pub entries: ThinVec<u64>,
    /// The first day's events.
    pub contributions: ThinVec<Contribution>,
}

impl User {
    /// The entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().map(|entry| Entry(*entry))
    }

    fn find(&self, pair: PairId, day: u16) -> Result<usize, usize> {
        let without_mask = Entry::new(pair, day, Mask::default()).0 >> MASK_BITS;
        self.entries
            .binary_search_by_key(&without_mask, |entry| entry >> MASK_BITS)
    }

    /// Whether all of `mask` was done there on that day before.
    pub fn has(&self, pair: PairId, day: u16, mask: Mask) -> bool {
        self.find(pair, day).is_ok_and(|place| {
            Entry(self.entries[place]).mask().with(mask) == Entry(self.entries[place]).mask()
        })
    }

    /// Adds what was done.
    pub fn add(&mut self, pair: PairId, day: u16, mask: Mask) {
        let new = Entry::new(pair, day, mask);
        match self.find(pair, day) {
            Ok(place) => self.entries[place] |= new.0,
            Err(place) => self.entries.insert(place, new.0),
        }
    }

    /// Counts an event of the first day. False when the user's limit is met.
    pub fn contribute(&mut self, new: Contribution, limit: u32) -> bool {
        // The last is likeliest: people stay within an hour and an activity.
        let same = self.contributions.iter().rposition(|old| {
            (old.pair, old.quarter, old.cell, old.currency)
                == (new.pair, new.quarter, new.cell, new.currency)
        });
        match same {
            Some(place) => {
                let old = &mut self.contributions[place];
                old.count += new.count;
                old.amount = old.amount.wrapping_add(new.amount);
            }
            None if self.contributions.len() >= limit as usize => return false,
            None => self.contributions.push(new),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_reached_when_all_before_it_were() {
        let mask = |kinds: &[Kind]| {
            kinds.iter().fold(Mask::default(), |mask, kind| {
                mask.with(Mask::of(*kind, DeviceClass::Desktop).unwrap_or_default())
            })
        };
        assert_eq!(mask(&[Kind::Purchase, Kind::Click]).reached(), 0);
        assert_eq!(mask(&[Kind::Visit, Kind::Enter]).reached(), 1);
        assert_eq!(
            mask(&[Kind::Purchase, Kind::Visit, Kind::Click]).reached(),
            2
        );
        assert_eq!(mask(&Kind::FUNNEL).reached(), 4);
        assert!(Mask::of(Kind::Visit, DeviceClass::Bot).is_none());
    }

    #[test]
    fn entries_of_one_pair_and_day_are_one() {
        let mut user = User::default();
        let visit = Mask::of(Kind::Visit, DeviceClass::Mobile).unwrap_or_default();
        let click = Mask::of(Kind::Click, DeviceClass::Tablet).unwrap_or_default();
        user.add(7, 20_000, visit);
        assert!(user.has(7, 20_000, visit));
        assert!(!user.has(7, 20_000, click) && !user.has(7, 19_999, visit));
        user.add(7, 20_000, visit);
        user.add(7, 20_000, click);
        user.add(7, 19_999, visit);
        user.add(6, 30_000, visit);
        let days: Vec<_> = user.entries().map(|e| (e.pair(), e.day())).collect();
        assert_eq!(days, [(6, 30_000), (7, 19_999), (7, 20_000)]);
        let both = user.entries().last().map(Entry::mask).unwrap_or_default();
        assert!(both.has(Kind::Visit) && both.has(Kind::Click) && both.on(0) && both.on(1));
        assert!(!both.on(2));
    }
}
