//! Rows at different grains tell one story: hours add up to days and life, activities to campaigns.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::aggregate::Reader;
use pipeline::calendar::Calendar;
use pipeline::definition::MINUTES_KEPT_MS;
use pipeline::row::{Facet, Period, Row};
use pipeline::state::State;
use proptest::prelude::*;

use crate::histories::{Flavour, HOUR, any_setup, roomy_setup, steps, write};
use crate::hold;

type Cells = BTreeMap<String, i64>;
type Counts = BTreeMap<(Arc<str>, Option<Arc<str>>, Period), Cells>;

/// Every counts row's cells, zeroes left out.
fn counts(state: &State) -> Counts {
    let rows = state.all_rows().into_iter();
    rows.filter(|frozen| frozen.key.facet == Facet::Counts)
        .map(|frozen| {
            let cells = frozen.row.unwrap().cells().into_iter();
            let key = frozen.key;
            (
                (key.campaign, key.activity, key.period),
                cells.filter(|(_, value)| *value != 0).collect(),
            )
        })
        .collect()
}

/// The rows that `coarser` gives for these, added up.
fn added_up(
    counts: &Counts,
    coarser: impl Fn(Option<Arc<str>>, Period) -> Option<(Option<Arc<str>>, Period)>,
) -> Counts {
    let mut sums = Counts::new();
    for ((campaign, activity, period), cells) in counts {
        let Some((activity, period)) = coarser(activity.clone(), *period) else {
            continue;
        };
        let sum = sums
            .entry((campaign.clone(), activity, period))
            .or_default();
        for (name, value) in cells {
            *sum.entry(name.clone()).or_insert(0) += value;
        }
    }
    for cells in sums.values_mut() {
        cells.retain(|_, value| *value != 0);
    }
    sums
}

fn only(counts: &Counts, which: impl Fn(&Option<Arc<str>>, Period) -> bool) -> Counts {
    counts
        .iter()
        .filter(|((_, activity, period), _)| which(activity, *period))
        .map(|(key, cells)| (key.clone(), cells.clone()))
        .collect()
}

#[test]
fn hours_add_up_to_days_and_days_to_life() {
    let histories = (any_setup(), steps(Flavour::ALL, 60));
    hold(200, histories, |(setup, steps)| {
        let calendar = Calendar::new(&setup.definition()).unwrap();
        let counts = counts(&setup.fold(&write(&setup, &steps), Reader::Hot));
        let days = only(&counts, |_, period| matches!(period, Period::Day(_)));
        let of_hours = added_up(&counts, |activity, period| match period {
            Period::Hour(start) => Some((activity, Period::Day(calendar.day_of_hour(start)))),
            _ => None,
        });
        if setup.has_whole_hours() {
            prop_assert_eq!(&of_hours, &days);
        }
        let of_days = added_up(&days, |activity, _| Some((activity, Period::Life)));
        prop_assert_eq!(of_days, only(&counts, |_, period| period == Period::Life));
        Ok(())
    });
}

#[test]
fn activities_add_up_to_their_campaign() {
    let histories = (any_setup(), steps(Flavour::ALL, 60));
    hold(150, histories, |(setup, steps)| {
        let counts = counts(&setup.fold(&write(&setup, &steps), Reader::Hot));
        let of_activities = added_up(&counts, |activity, period| {
            activity.is_some().then_some((None, period))
        });
        prop_assert_eq!(of_activities, only(&counts, |a, _| a.is_none()));
        Ok(())
    });
}

/// The number of events of each kind in a counts row's cells that `which` takes, by kind.
fn by_kind(cells: &Cells, which: impl Fn(&[&str]) -> Option<usize>) -> Cells {
    let mut sums = Cells::new();
    for (name, value) in cells {
        let words: Vec<_> = name.split('.').collect();
        if let Some(kind) = which(&words) {
            *sums.entry(words[kind].to_owned()).or_insert(0) += value;
        }
    }
    sums
}

/// Cells of people: `kind.device.os.side`.
fn of_people(words: &[&str]) -> Option<usize> {
    let cell = words.len() == 4 && ["new", "returning"].contains(&words[3]);
    (cell && words[1] != "bot").then_some(0)
}

#[test]
fn browsers_and_brands_add_up_to_the_cells_without_bots() {
    let histories = (any_setup(), steps(Flavour::ALL, 60));
    hold(100, histories, |(setup, steps)| {
        for cells in counts(&setup.fold(&write(&setup, &steps), Reader::Hot)).values() {
            let people = by_kind(cells, of_people);
            for marginal in ["browser", "brand"] {
                let sums = by_kind(cells, |words| (words[0] == marginal).then_some(1));
                prop_assert_eq!(&sums, &people, "{}", marginal);
            }
        }
        Ok(())
    });
}

#[test]
fn bots_are_never_new() {
    let histories = (any_setup(), steps(Flavour::ALL, 60));
    hold(60, histories, |(setup, steps)| {
        for cells in counts(&setup.fold(&write(&setup, &steps), Reader::Hot)).values() {
            let new_bot = cells
                .keys()
                .find(|name| name.contains(".bot.") && name.ends_with(".new"));
            prop_assert_eq!(new_bot, None);
        }
        Ok(())
    });
}

#[test]
fn minutes_add_up_to_their_hours_and_only_the_last_48_are_kept() {
    let setups = (roomy_setup(), 0..100i64).prop_map(|(setup, ahead_hours)| {
        // The log's clock passes through the events.
        crate::histories::Setup {
            ahead_hours,
            ..setup
        }
    });
    let histories = (setups, steps(Flavour::ALL, 60));
    hold(200, histories, |(setup, steps)| {
        let state = setup.fold(&write(&setup, &steps), Reader::Hot);
        let kept_from = (state.log_time() - MINUTES_KEPT_MS).div_euclid(HOUR) * 3600;
        let mut minutes = Counts::new();
        for frozen in state.all_rows() {
            if let (Some(row @ Row::Minutes(_)), key) = (frozen.row, frozen.key) {
                let kinds = by_kind(&row.cells().into_iter().collect(), |_| Some(2));
                minutes.insert((key.campaign, key.activity, key.period), kinds);
            }
        }
        let hours = counts(&state).into_iter().filter_map(|(key, cells)| {
            let kept = matches!(key.2, Period::Hour(start) if start >= kept_from);
            let people = by_kind(&cells, of_people);
            (kept && key.1.is_none() && !people.is_empty()).then_some((key, people))
        });
        prop_assert_eq!(minutes, hours.collect::<Counts>());
        Ok(())
    });
}
