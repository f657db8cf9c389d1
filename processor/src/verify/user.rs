//! One user's share of the views: what they did, counted event by event, and where they were, as sets.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::civil::Date;
use pipeline::cell::{Cell, Kind};
use pipeline::device::{DeviceClass, Os};

use super::civil::{Civil, When};
use super::store::Applied;
use super::tally::{Scope, Tally, What};

/// An applied event with the local day and hour it occurred in.
pub(super) struct Dated<'a> {
    pub event: &'a Applied,
    pub at: Civil,
}

/// What one user did in one scope and period.
#[derive(Default)]
struct Presence {
    kinds: BTreeSet<Kind>,
    devices: BTreeSet<DeviceClass>,
    days: BTreeSet<Date>,
}

/// Counts every event. `first_day` is the local day of the user's first_seen; `None` for one who was only ever a bot.
pub(super) fn add_counts(tally: &mut Tally, history: &[Dated<'_>], first_day: Option<Date>) {
    for Dated { event, at } in history {
        let human = event.is_human();
        let cell = Cell {
            kind: event.kind,
            device: event.device.class,
            os: event.device.os,
            is_new: human && first_day == Some(at.day),
        };
        for scope in tally.scopes(&event.campaign, &event.activity) {
            for when in When::of_counts(*at) {
                tally.add(scope, when, What::Count(cell), 1);
                if let Some((currency, minor_units)) = &event.amount
                    && let Ok(currency) = currency.as_bytes().try_into()
                {
                    tally.add(scope, when, What::Amount(cell, currency), *minor_units);
                }
                if human {
                    let browser = What::Browser(event.kind, event.device.browser);
                    tally.add(scope, when, browser, 1);
                    let brand = What::Brand(event.kind, event.device.brand);
                    tally.add(scope, when, brand, 1);
                }
            }
        }
    }
}

/// Counts the user once wherever they were as a person.
pub(super) fn add_people(tally: &mut Tally, history: &[Dated<'_>], first_day: Date) {
    let mut places: BTreeMap<(Scope, When), Presence> = BTreeMap::new();
    for Dated { event, at } in history.iter().filter(|dated| dated.event.is_human()) {
        for scope in tally.scopes(&event.campaign, &event.activity) {
            for when in When::of_people(at.day) {
                let presence = places.entry((scope, when)).or_default();
                presence.kinds.insert(event.kind);
                presence.devices.insert(event.device.class);
                presence.days.insert(at.day);
            }
        }
    }
    for ((scope, when), presence) in places {
        tally.add(scope, when, What::Users, 1);
        let visitor = if presence.days.contains(&first_day) {
            What::New
        } else {
            What::Returning
        };
        tally.add(scope, when, visitor, 1);
        for device in presence.devices {
            tally.add(scope, when, What::On(device), 1);
        }
        for kind in &presence.kinds {
            tally.add(scope, when, What::Did(*kind), 1);
        }
        for step in 1..=Kind::FUNNEL.len() {
            let steps = &Kind::FUNNEL[..step];
            if steps.iter().all(|kind| presence.kinds.contains(kind)) {
                tally.add(scope, when, What::Reached(steps[step - 1]), 1);
            }
        }
    }
}

/// What tells two contributions of a user's first day apart.
type Contribution<'a> = (
    &'a str,
    &'a str,
    i64,
    Kind,
    DeviceClass,
    Os,
    Option<&'a str>,
);

/// Whether the user's first day moved back after it had more than `limit` contributions: then some stay new in the fold.
pub(super) fn moved_beyond(
    history: &[Dated<'_>],
    limit: usize,
    day_of: impl Fn(i64) -> Date,
) -> bool {
    let mut first: Option<Date> = None;
    let mut contributions: HashSet<Contribution<'_>> = HashSet::new();
    for Dated { event, at } in history.iter().filter(|dated| dated.event.is_human()) {
        let claimed = day_of(event.signed_up_at.unwrap_or(event.occurred_at)).min(at.day);
        if first.is_none_or(|first| claimed < first) {
            if contributions.len() > limit {
                return true;
            }
            contributions.clear();
            first = Some(claimed);
        }
        if first == Some(at.day) {
            contributions.insert((
                &event.campaign,
                &event.activity,
                at.hour,
                event.kind,
                event.device.class,
                event.device.os,
                event.amount.as_ref().map(|(currency, _)| currency.as_str()),
            ));
        }
    }
    false
}
