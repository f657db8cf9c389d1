//! The numbers of one scope as JSON, added up from its cells under a filter.
//!
//! A number that the views don't keep is null, and the field `…_reason` beside it says what can
//! be asked instead.

use std::collections::BTreeMap;

use pipeline::cell::{Cell, Currency, Kind};
use serde::Serialize;
use utoipa::ToSchema;
use views::{Counts, Numbers, Span};

use crate::filter::Filter;
use crate::funnel::{Funnel, steps};
use crate::people::{NewReturning, People, Visitors, people_row, reached};
use crate::shares::{Share, devices, ranked};

const MARGINALS_FILTERED: &str = "browsers and brands are counted by kind only, without bots; leave out device, os, is_new and bots";

/// Counts by what was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ByKind {
    /// Page views; of people: users with at least one. The same holds for the other kinds.
    pub(crate) visit: u64,
    /// Links followed.
    pub(crate) click: u64,
    /// Admissions to an activity.
    pub(crate) enter: u64,
    /// Purchases.
    pub(crate) purchase: u64,
    /// Accounts made. Not a step of the funnel.
    pub(crate) sign_up: u64,
}

/// Events counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Totals {
    /// Events of every kind.
    pub(crate) events: u64,
    /// The same by kind.
    pub(crate) by_kind: ByKind,
}

/// Money of one currency.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Amount {
    /// ISO 4217.
    #[schema(example = "KRW")]
    currency: String,
    /// The sum in the currency's minor unit: cents of USD, won of KRW.
    minor_units: i64,
}

/// Totals, funnel and people of a scope: its short form.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Summary {
    /// Events, without bots unless asked for.
    pub(crate) totals: Totals,
    /// Money by currency, in the order of the codes.
    pub(crate) amounts: Vec<Amount>,
    /// How far they got.
    pub(crate) funnel: Funnel,
    /// Distinct users; null where they are not kept.
    #[schema(required = true)]
    pub(crate) people: Option<People>,
    /// Why `people` is null and what to ask instead; absent where it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) people_reason: Option<&'static str>,
}

/// Everything known of a scope.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Whole {
    /// Totals, funnel and people.
    #[serde(flatten)]
    pub(crate) summary: Summary,
    /// Events by class of device: mobile, tablet, desktop and other, and bot if bots are asked
    /// for. They add up to `totals`. An iPad that asks for desktop pages without a hint counts as a
    /// desktop.
    pub(crate) devices: Vec<Share>,
    /// Bots' events that the filter picks; in no other number unless bots are asked for.
    pub(crate) bots: Totals,
    /// Events by operating system, the most first; those without events are left out. They add
    /// up to `totals`.
    pub(crate) os: Vec<Share>,
    /// Events by browser, likewise; null under a filter.
    #[schema(required = true)]
    pub(crate) browsers: Option<Vec<Share>>,
    /// Why `browsers` is null and what to ask instead; absent where it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) browsers_reason: Option<&'static str>,
    /// Events by the device's product line, likewise; null under a filter.
    #[schema(required = true)]
    pub(crate) brands: Option<Vec<Share>>,
    /// Why `brands` is null and what to ask instead; absent where it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) brands_reason: Option<&'static str>,
    /// New against returning.
    pub(crate) visitors: Visitors,
}

impl ByKind {
    pub(crate) fn add(&mut self, kind: Kind, count: u64) {
        *match kind {
            Kind::Visit => &mut self.visit,
            Kind::Click => &mut self.click,
            Kind::Enter => &mut self.enter,
            Kind::Purchase => &mut self.purchase,
            Kind::SignUp => &mut self.sign_up,
        } += count;
    }

    fn funnel(self) -> [u64; 4] {
        [self.visit, self.click, self.enter, self.purchase]
    }
}

impl Totals {
    pub(crate) fn add(&mut self, kind: Kind, count: u64) {
        self.events += count;
        self.by_kind.add(kind, count);
    }

    /// The events of the cells that `keep` takes.
    pub(crate) fn of(counts: &Counts, keep: impl Fn(&Cell) -> bool) -> Self {
        let mut totals = Self::default();
        for (cell, count) in counts.cells.iter().filter(|(cell, _)| keep(cell)) {
            totals.add(cell.kind, *count);
        }
        totals
    }
}

impl Summary {
    /// The numbers of a scope over `span`; zeros for a scope without events.
    pub(crate) fn of(numbers: &Numbers, span: Span, filter: &Filter) -> Self {
        let totals = Totals::of(&numbers.counts, |cell| filter.keeps(cell));
        let people = people_row(numbers, span, filter);
        let reason = people.as_ref().err().copied();
        Self {
            totals,
            amounts: amounts(&numbers.counts, filter),
            funnel: Funnel {
                events: steps(totals.by_kind.funnel()),
                people: people.as_ref().ok().map(|row| steps(reached(row))),
                people_reason: reason,
            },
            people: people.as_ref().ok().map(People::of),
            people_reason: reason,
        }
    }
}

impl Whole {
    /// The numbers of a scope over `span`; zeros for a scope without events.
    pub(crate) fn of(numbers: &Numbers, span: Span, filter: &Filter) -> Self {
        let counts = &numbers.counts;
        let summary = Summary::of(numbers, span, filter);
        let marginals_reason = filter.first_name().map(|_| MARGINALS_FILTERED);
        let shown = |shares: Vec<Share>| marginals_reason.is_none().then_some(shares);
        let kept = counts.cells.iter().filter(|(cell, _)| filter.keeps(cell));
        let events = |is_new: bool| {
            Totals::of(counts, |cell| filter.keeps(cell) && cell.is_new == is_new).events
        };
        Self {
            devices: devices(counts, filter),
            bots: Totals::of(counts, |cell| filter.keeps_apart(cell)),
            os: ranked(kept.map(|(cell, count)| (cell.os.as_str(), cell.kind, *count))),
            browsers: shown(ranked(
                counts
                    .browsers
                    .iter()
                    .map(|((kind, browser), count)| (browser.as_str(), *kind, *count)),
            )),
            browsers_reason: marginals_reason,
            brands: shown(ranked(
                counts
                    .brands
                    .iter()
                    .map(|((kind, brand), count)| (brand.as_str(), *kind, *count)),
            )),
            brands_reason: marginals_reason,
            visitors: Visitors {
                events: NewReturning {
                    new: events(true),
                    returning: events(false),
                },
                people: summary.people.as_ref().map(People::sides),
                people_reason: summary.people_reason,
            },
            summary,
        }
    }
}

fn amounts(counts: &Counts, filter: &Filter) -> Vec<Amount> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for ((cell, currency), amount) in &counts.amounts {
        if filter.keeps(cell) {
            *sums.entry(Currency::code(*currency)).or_insert(0) += amount;
        }
    }
    sums.into_iter()
        .map(|(currency, minor_units)| Amount {
            currency,
            minor_units,
        })
        .collect()
}
