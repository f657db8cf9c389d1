//! A log in small: random events of one partition, and the rows of every prefix of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::calendar::Calendar;
use pipeline::cell::{Cell, Currency, Kind, pack_brand, pack_browser};
use pipeline::definition::Definition;
use pipeline::device::{Brand, Browser, DeviceClass, Os};
use pipeline::row::{Facet, FrozenRow, Period, Row, RowKey};
use rand::Rng;
use rand::seq::IndexedRandom;
use schemas::v1::{CountsRow, MinutesRow};
use views::Change;

use super::people::People;

/// 2026-10-20T00:00:00Z: the days of the logs lie around the end of a month.
pub const FIRST_MS: i64 = 1_792_454_400_000;
/// A record follows the last after this long: 300 records are about 25 days.
const STEP_MS: i64 = 2 * 3_600_000;
/// Days that stay in the views behind log time.
const KEPT_DAYS: u16 = 12;

/// Names with all that could be mistaken for a separator.
pub const CAMPAIGNS: [&str; 5] = ["autumn", "(none)", "a:b", "추석 {이벤트}", "c"];
pub const ACTIVITIES: [&str; 6] = ["draw", "(none)", "c:", "life", "쿠폰 \"50%\"\n*", "a:b"];

/// The rows of a prefix.
pub type Image = BTreeMap<RowKey, Arc<Row>>;

/// One partition's log.
pub struct Log {
    partition: u32,
    /// Whether what leaves the views is kept by the store.
    keeps: bool,
    /// What each record changed. `None`: the row left the views.
    changes: Vec<Vec<(RowKey, Option<Arc<Row>>)>>,
    log_times: Vec<i64>,
    /// The rows of each prefix, from the empty one on.
    images: Vec<Image>,
    /// Likewise, with the rows that left the views.
    histories: Vec<Image>,
}

impl Log {
    /// A log of so many records.
    pub fn random(
        rng: &mut impl Rng,
        definition: &Definition,
        partition: u32,
        keeps: bool,
        records: u64,
    ) -> Self {
        let mut fold = Fold {
            calendar: Calendar::new(definition).unwrap(),
            counts: BTreeMap::new(),
            minutes: BTreeMap::new(),
            people: BTreeMap::new(),
        };
        let mut log = Self {
            partition,
            keeps,
            changes: Vec::new(),
            log_times: vec![0],
            images: vec![Image::new()],
            histories: vec![Image::new()],
        };
        for offset in 0..records {
            let log_time = FIRST_MS + offset as i64 * STEP_MS;
            let behind = rng.random_range(0..5 * 86_400_000);
            let mut changes = fold.record(rng, log_time - behind);
            let image = log.images.last().unwrap();
            let kept_from = fold.calendar.moment(log_time).day - KEPT_DAYS;
            for key in image.keys() {
                if fold.day_of(key.period).is_some_and(|day| day < kept_from) {
                    changes.push((key.clone(), None));
                }
            }
            log.push(log_time, changes);
        }
        log
    }

    fn push(&mut self, log_time: i64, changes: Vec<(RowKey, Option<Arc<Row>>)>) {
        let mut image = self.images.last().unwrap().clone();
        let mut history = self.histories.last().unwrap().clone();
        for (key, row) in &changes {
            match row {
                Some(row) => {
                    image.insert(key.clone(), row.clone());
                    history.insert(key.clone(), row.clone());
                }
                None => {
                    image.remove(key);
                }
            }
        }
        self.images.push(image);
        self.histories.push(history);
        self.changes.push(changes);
        self.log_times.push(log_time);
    }

    /// One past the last offset.
    pub fn end(&self) -> u64 {
        self.changes.len() as u64
    }

    /// Log time of the prefix up to `to`.
    pub fn log_time(&self, to: u64) -> i64 {
        self.log_times[to as usize]
    }

    /// The rows of the prefix up to `to`; with the last contents of those that left the views, if
    /// the store keeps them.
    pub fn image(&self, to: u64) -> &Image {
        let images = if self.keeps {
            &self.histories
        } else {
            &self.images
        };
        &images[to as usize]
    }

    /// The rows changed in `[base, to)`, frozen at `to`.
    pub fn change(&self, base: u64, to: u64) -> Change {
        let image = self.image(to);
        let mut rows = BTreeMap::new();
        for offset in base..to {
            for (key, _) in &self.changes[offset as usize] {
                rows.insert(key.clone(), offset);
            }
        }
        let frozen = |(key, changed_at): (RowKey, u64)| FrozenRow {
            row: image.get(&key).map(|row| Row::clone(row)),
            key,
            changed_at,
        };
        Change {
            partition: self.partition,
            base,
            to,
            log_time: self.log_time(to),
            rows: rows.into_iter().map(frozen).collect(),
        }
    }

    /// All rows of the prefix up to `to`, to fill a store with.
    pub fn whole(&self, to: u64) -> Change {
        let mut change = self.change(0, to);
        change.rows.retain(|row| row.row.is_some());
        change
    }
}

/// Counts and people of every scope and period, from single events.
struct Fold {
    calendar: Calendar,
    counts: BTreeMap<RowKey, Tally>,
    minutes: BTreeMap<RowKey, BTreeMap<u32, u64>>,
    people: BTreeMap<RowKey, People>,
}

#[derive(Default)]
struct Tally {
    cells: BTreeMap<u32, u64>,
    amounts: BTreeMap<(u32, u32), i64>,
    browsers: BTreeMap<u32, u64>,
    brands: BTreeMap<u32, u64>,
}

impl Fold {
    /// An event at about `at`, and the rows that it changed.
    fn record(&mut self, rng: &mut impl Rng, at: i64) -> Vec<(RowKey, Option<Arc<Row>>)> {
        let moment = self.calendar.moment(at);
        let campaign: Arc<str> = Arc::from(*CAMPAIGNS.choose(rng).unwrap());
        let activity: Arc<str> = Arc::from(*ACTIVITIES.choose(rng).unwrap());
        let cell = Cell {
            kind: *Kind::ALL.choose(rng).unwrap(),
            device: *DeviceClass::ALL.choose(rng).unwrap(),
            os: *Os::ALL.choose(rng).unwrap(),
            is_new: rng.random(),
        };
        let browser = *Browser::ALL.choose(rng).unwrap();
        let brand = *Brand::ALL.choose(rng).unwrap();
        let amount = rng.random_range(1..1_000_000);
        let user: u32 = rng.random_range(0..20);
        let is_bot = cell.device == DeviceClass::Bot;
        let mut changed = Vec::new();
        for activity in [None, Some(activity)] {
            let key = |period, facet| RowKey {
                campaign: campaign.clone(),
                activity: activity.clone(),
                period,
                facet,
            };
            for period in [
                Period::Hour(moment.hour),
                Period::Day(moment.day),
                Period::Life,
            ] {
                let key = key(period, Facet::Counts);
                let tally = self.counts.entry(key.clone()).or_default();
                let packed = u32::from(cell.pack());
                *tally.cells.entry(packed).or_default() += 1;
                if cell.kind == Kind::Purchase {
                    let won = u32::from(Currency::parse("KRW").unwrap().number());
                    *tally.amounts.entry((packed, won)).or_default() += amount;
                }
                if !is_bot {
                    let browser = u32::from(pack_browser(cell.kind, browser));
                    *tally.browsers.entry(browser).or_default() += 1;
                    let brand = u32::from(pack_brand(cell.kind, brand));
                    *tally.brands.entry(brand).or_default() += 1;
                }
                changed.push((key, Some(Arc::new(Row::Counts(tally.row())))));
            }
            if is_bot {
                continue;
            }
            if activity.is_none() {
                let key = key(Period::Hour(moment.hour), Facet::Minutes);
                let minutes = self.minutes.entry(key.clone()).or_default();
                let minute = u32::from(moment.minute) * 10 + cell.kind as u32;
                *minutes.entry(minute).or_default() += 1;
                let row = MinutesRow {
                    cells: minutes.keys().copied().collect(),
                    counts: minutes.values().copied().collect(),
                };
                changed.push((key, Some(Arc::new(Row::Minutes(row)))));
            }
            for period in Calendar::people_periods(&moment) {
                let key = key(period, Facet::People);
                let people = self.people.entry(key.clone()).or_default();
                people.add(user, cell.kind, cell.device);
                changed.push((key, Some(Arc::new(Row::People(people.row())))));
            }
        }
        changed
    }

    /// The day whose leaving the views takes a row along.
    fn day_of(&self, period: Period) -> Option<u16> {
        match period {
            Period::Hour(start) => Some(self.calendar.day_of_hour(start)),
            Period::Day(day) => Some(day),
            _ => None,
        }
    }
}

impl Tally {
    fn row(&self) -> CountsRow {
        CountsRow {
            cells: self.cells.keys().copied().collect(),
            counts: self.cells.values().copied().collect(),
            amount_cells: self.amounts.keys().map(|(cell, _)| *cell).collect(),
            amount_currencies: self.amounts.keys().map(|(_, code)| *code).collect(),
            amount_minor_units: self.amounts.values().copied().collect(),
            browser_cells: self.browsers.keys().copied().collect(),
            browser_counts: self.browsers.values().copied().collect(),
            brand_cells: self.brands.keys().copied().collect(),
            brand_counts: self.brands.values().copied().collect(),
        }
    }
}
