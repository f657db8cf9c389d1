//! The distinct users of one scope and period, counted one by one.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::cell::Kind;
use pipeline::device::DeviceClass;
use pipeline::row::PEOPLE_DEVICES;
use schemas::v1::PeopleRow;

/// Users with what they did and on what. Every third user is new.
#[derive(Default)]
pub struct People(BTreeMap<u32, (BTreeSet<Kind>, BTreeSet<DeviceClass>)>);

impl People {
    /// A user did something.
    pub fn add(&mut self, user: u32, kind: Kind, device: DeviceClass) {
        let (kinds, devices) = self.0.entry(user).or_default();
        kinds.insert(kind);
        devices.insert(device);
    }

    /// The row.
    pub fn row(&self) -> PeopleRow {
        let new_users = self.0.keys().filter(|user| *user % 3 == 0).count() as i64;
        let with = |has: &dyn Fn(&BTreeSet<Kind>, &BTreeSet<DeviceClass>) -> bool| {
            self.0
                .values()
                .filter(|(kinds, devices)| has(kinds, devices))
                .count() as i64
        };
        PeopleRow {
            users: self.0.len() as i64,
            new_users,
            returning_users: self.0.len() as i64 - new_users,
            by_device: PEOPLE_DEVICES
                .map(|device| with(&|_, devices| devices.contains(&device)))
                .into(),
            by_kind: Kind::ALL
                .map(|kind| with(&|kinds, _| kinds.contains(&kind)))
                .into(),
            reached: (1..=Kind::FUNNEL.len())
                .map(|step| {
                    with(&|kinds, _| Kind::FUNNEL[..step].iter().all(|kind| kinds.contains(kind)))
                })
                .collect(),
        }
    }
}
