//! Distinct users: what one more event of a user changes in the people rows.
//!
//! A user is new in a scope and period when they were there on first_seen's day and that day lies
//! in the period; else returning.

use crate::aggregate::Rows;
use crate::body::People;
use crate::calendar::{Moment, Moments};
use crate::names::{CampaignId, Names, PairId};
use crate::visitor::{Mask, User};

/// What a user had done before, in the four periods of an activity and of its campaign.
struct Before {
    masks: [Mask; 8],
    /// Whether the activity, and the campaign, saw the user on the first day.
    on_first_day: [bool; 2],
}

fn before(user: &User, names: &Names, pair: PairId, campaign: CampaignId, now: &Moment) -> Before {
    let mut before = Before {
        masks: [Mask::default(); 8],
        on_first_day: [false; 2],
    };
    for entry in user.entries() {
        let same_pair = entry.pair() == pair;
        if !same_pair && names.pair(entry.pair()).campaign != campaign {
            continue;
        }
        let day = entry.day();
        let holds = [
            day == now.day,
            now.week_holds(day),
            now.month_holds(day),
            true,
        ];
        for scope in usize::from(!same_pair)..2 {
            before.on_first_day[scope] |= day == user.first_day;
            for (period, holds) in holds.iter().enumerate() {
                if *holds {
                    let mask = &mut before.masks[scope * 4 + period];
                    *mask = mask.with(entry.mask());
                }
            }
        }
    }
    before
}

/// Adds `mask` at `pair` and the day of `now` to the user, and to the people rows what it changes.
pub fn visit(
    rows: &mut Rows,
    names: &Names,
    user: &mut User,
    (pair, now, mask): (PairId, &Moment, Mask),
    offset: u64,
) {
    if user.has(pair, now.day, mask) {
        return;
    }
    let before = before(user, names, pair, names.pair(pair).campaign, now);
    user.add(pair, now.day, mask);
    let first = user.first_day;
    let first_in = [
        first == now.day,
        now.week_holds(first),
        now.month_holds(first),
        true,
    ];
    let places = rows.people_places(names, pair, now);
    for (i, place) in places.into_iter().enumerate() {
        let (old, new) = (before.masks[i], before.masks[i].with(mask));
        let was_new = !old.is_empty() && first_in[i % 4] && before.on_first_day[i / 4];
        let is_new = first_in[i % 4] && (before.on_first_day[i / 4] || now.day == first);
        if (old, was_new) != (new, is_new)
            && let Some(people) = rows.change(place, offset).people()
        {
            people.new += i32::from(is_new) - i32::from(was_new);
            grow(people, old, new);
        }
    }
}

fn grow(people: &mut People, old: Mask, new: Mask) {
    people.users += i32::from(old.is_empty() && !new.is_empty());
    for (device, users) in people.by_device.iter_mut().enumerate() {
        let device = device as u32;
        *users += i32::from(new.on(device)) - i32::from(old.on(device));
    }
    for (kind, users) in crate::cell::Kind::ALL.iter().zip(&mut people.by_kind) {
        *users += i32::from(new.has(*kind)) - i32::from(old.has(*kind));
    }
    for users in &mut people.reached[old.reached()..new.reached().max(old.reached())] {
        *users += 1;
    }
}

/// The user is new on an earlier day than thought: where they counted as new, they return now.
pub fn no_longer_new(
    rows: &mut Rows,
    names: &Names,
    moments: &mut Moments,
    user: &User,
    offset: u64,
) {
    let start = moments.calendar().day_start(user.first_day);
    let day = moments.moment(start * 1000);
    let mut campaigns: Vec<CampaignId> = Vec::new();
    for entry in user.entries().filter(|e| e.day() == user.first_day) {
        let campaign = names.pair(entry.pair()).campaign;
        let seen = campaigns.contains(&campaign);
        campaigns.push(campaign);
        let places = rows.people_places(names, entry.pair(), &day);
        let scopes = if seen { 4 } else { 8 };
        for place in &places[..scopes] {
            if let Some(people) = rows.change(*place, offset).people() {
                people.new -= 1;
            }
        }
    }
}
