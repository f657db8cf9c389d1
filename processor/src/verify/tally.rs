//! Numbers under cells, before and after they are named.

use std::collections::HashMap;
use std::sync::Arc;

use pipeline::cell::{Cell, Kind};
use pipeline::device::{Brand, Browser, DeviceClass};
use pipeline::row::{Facet, NamedCell, NamedCells};

use super::civil::When;

/// What stands for the whole campaign in place of an activity.
const WHOLE_CAMPAIGN: &str = "*";

/// A campaign or one of its activities, by its place in [`Tally::scopes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Scope(usize);

/// What one number says of a scope and period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// Events.
    Count(Cell),
    /// Minor units of a currency.
    Amount(Cell, [u8; 3]),
    /// Events of a browser, without bots.
    Browser(Kind, Browser),
    /// Events of a brand, without bots.
    Brand(Kind, Brand),
    /// Distinct users.
    Users,
    /// Of these, those there on their first day.
    New,
    /// The others.
    Returning,
    /// Users on this class of device.
    On(DeviceClass),
    /// Users who did this.
    Did(Kind),
    /// Users who did this and every step before it.
    Reached(Kind),
}

impl What {
    fn facet(self) -> Facet {
        match self {
            Self::Count(_) | Self::Amount(..) | Self::Browser(..) | Self::Brand(..) => {
                Facet::Counts
            }
            _ => Facet::People,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Count(cell) => cell.name(),
            Self::Amount(cell, currency) => {
                format!("{}.{}", cell.name(), String::from_utf8_lossy(&currency))
            }
            Self::Browser(kind, browser) => {
                format!("browser.{}.{}", kind.as_str(), browser.as_str())
            }
            Self::Brand(kind, brand) => format!("brand.{}.{}", kind.as_str(), brand.as_str()),
            Self::Users => "users".to_owned(),
            Self::New => "new".to_owned(),
            Self::Returning => "returning".to_owned(),
            Self::On(device) => format!("device.{}", device.as_str()),
            Self::Did(kind) => format!("kind.{}", kind.as_str()),
            Self::Reached(kind) => format!("reached.{}", kind.as_str()),
        }
    }
}

/// Sums under cells. Amounts are bounded, so that nine million of the largest fit.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Campaign, and activity unless it is the whole campaign.
    scopes: Vec<(Arc<str>, Option<Arc<str>>)>,
    /// By campaign and activity: the campaign's scope and the activity's.
    known: HashMap<String, HashMap<String, [Scope; 2]>>,
    sums: HashMap<(Scope, When, What), i64>,
}

impl Tally {
    /// The scopes an event counts in: its campaign, and its activity there.
    pub fn scopes(&mut self, campaign: &str, activity: &str) -> [Scope; 2] {
        let activities = self.known.get(campaign);
        if let Some(scopes) = activities.and_then(|known| known.get(activity)) {
            return *scopes;
        }
        let whole = activities
            .and_then(|known| known.values().next())
            .map(|[whole, _]| *whole)
            .unwrap_or_else(|| self.scope(campaign, None));
        let scopes = [whole, self.scope(campaign, Some(activity))];
        self.known
            .entry(campaign.to_owned())
            .or_default()
            .insert(activity.to_owned(), scopes);
        scopes
    }

    fn scope(&mut self, campaign: &str, activity: Option<&str>) -> Scope {
        self.scopes
            .push((Arc::from(campaign), activity.map(Arc::from)));
        Scope(self.scopes.len() - 1)
    }

    /// Adds to one number.
    pub fn add(&mut self, scope: Scope, when: When, what: What, value: i64) {
        *self.sums.entry((scope, when, what)).or_insert(0) += value;
    }

    /// Campaigns, and activities of each campaign.
    pub fn names(&self) -> usize {
        self.scopes.len()
    }

    /// The numbers by name, without zeroes, of the periods to keep.
    pub fn named(self, keeps: impl Fn(When) -> bool) -> NamedCells {
        let whole: Arc<str> = Arc::from(WHOLE_CAMPAIGN);
        let mut cells = NamedCells::new();
        for ((scope, when, what), value) in self.sums {
            if value == 0 || !keeps(when) {
                continue;
            }
            let (campaign, activity) = &self.scopes[scope.0];
            let name = NamedCell {
                campaign: campaign.clone(),
                activity: activity.clone().unwrap_or_else(|| whole.clone()),
                period: when.name(),
                facet: what.facet().as_str(),
                cell: what.name(),
            };
            *cells.entry(name).or_insert(0) += value;
        }
        cells
    }
}
