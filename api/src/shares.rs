//! Parts of the events counted, by device class, operating system, browser or brand.

use std::collections::BTreeMap;

use pipeline::cell::Kind;
use pipeline::device::DeviceClass;
use pipeline::row::PEOPLE_DEVICES;
use serde::Serialize;
use utoipa::ToSchema;
use views::Counts;

use crate::filter::Filter;
use crate::funnel::ratio;
use crate::numbers::{ByKind, Totals};

/// One label's part of the events counted.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Share {
    /// Which device class, operating system, browser or brand.
    label: &'static str,
    /// Its events.
    events: u64,
    /// Its events by those of all labels of the list; null where there are none.
    #[schema(required = true)]
    share: Option<f64>,
    /// Its events by kind.
    by_kind: ByKind,
}

/// Events by class of device: all four of people, and bots if they are asked for.
pub(crate) fn devices(counts: &Counts, filter: &Filter) -> Vec<Share> {
    let classes = PEOPLE_DEVICES.into_iter();
    let classes = classes.chain(filter.bots.then_some(DeviceClass::Bot));
    let parts = classes.map(|device| {
        let totals = Totals::of(counts, |cell| filter.keeps(cell) && cell.device == device);
        (device.as_str(), totals)
    });
    shares(parts.collect())
}

/// Events by label, the most first.
pub(crate) fn ranked(events: impl Iterator<Item = (&'static str, Kind, u64)>) -> Vec<Share> {
    let mut parts: BTreeMap<&'static str, Totals> = BTreeMap::new();
    for (label, kind, count) in events.filter(|(_, _, count)| *count > 0) {
        parts.entry(label).or_default().add(kind, count);
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|(_, totals)| std::cmp::Reverse(totals.events));
    shares(parts)
}

fn shares(parts: Vec<(&'static str, Totals)>) -> Vec<Share> {
    let whole: u64 = parts.iter().map(|(_, totals)| totals.events).sum();
    parts
        .into_iter()
        .map(|(label, totals)| Share {
            label,
            events: totals.events,
            share: ratio(totals.events, whole),
            by_kind: totals.by_kind,
        })
        .collect()
}
