//! Distinct users as JSON. They are kept for whole scopes and single periods; under a filter or
//! over any other span they are null, with the reason.

use pipeline::cell::Kind;
use pipeline::device::DeviceClass;
use pipeline::row::PEOPLE_DEVICES;
use schemas::v1::PeopleRow;
use serde::Serialize;
use utoipa::ToSchema;
use views::{Numbers, Span};

use crate::filter::Filter;
use crate::numbers::ByKind;

const FILTERED: &str = "distinct users are kept for a campaign or an activity as a whole and by device, without bots; leave out device, os, is_new and bots, and see people.by_device";
const ODD_SPAN: &str = "distinct users of several days can't be added up; ask for one day, an ISO week (Monday to Sunday), a calendar month, or leave out from and to";

/// New against returning: on the day a user was first seen, or on later days.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Visitors {
    /// By events.
    pub(crate) events: NewReturning,
    /// By people: new are those whose first day lies in the span and who were here on it. null
    /// where distinct users are not kept.
    #[schema(required = true)]
    pub(crate) people: Option<NewReturning>,
    /// Why `people` is null and what to ask instead; absent where it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) people_reason: Option<&'static str>,
}

/// Two parts of a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct NewReturning {
    /// On users' first days, or users who are new.
    pub(crate) new: u64,
    /// On later days, or users who are not.
    pub(crate) returning: u64,
}

/// Distinct users, exact. Bots are not people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct People {
    /// Users seen.
    users: u64,
    /// Users seen on their first day.
    new_users: u64,
    /// The other users.
    returning_users: u64,
    /// Users by class of device. A user with two devices counts in both.
    by_device: ByDevice,
    /// Users by what they have done.
    by_kind: ByKind,
}

/// Users by class of device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ByDevice {
    /// Phones.
    mobile: u64,
    /// Tablets. An iPad that asks for desktop pages without a hint counts as a desktop.
    tablet: u64,
    /// Desktops and laptops.
    desktop: u64,
    /// All else, and what can't be told.
    other: u64,
}

impl People {
    /// The people of both sides: new and returning.
    pub(crate) fn sides(&self) -> NewReturning {
        NewReturning {
            new: self.new_users,
            returning: self.returning_users,
        }
    }

    pub(crate) fn of(row: &PeopleRow) -> Self {
        let mut by_kind = ByKind::default();
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            by_kind.add(kind, at(&row.by_kind, place));
        }
        let device = |device| {
            let place = PEOPLE_DEVICES.iter().position(|other| *other == device);
            place.map_or(0, |place| at(&row.by_device, place))
        };
        Self {
            users: count(row.users),
            new_users: count(row.new_users),
            returning_users: count(row.returning_users),
            by_device: ByDevice {
                mobile: device(DeviceClass::Mobile),
                tablet: device(DeviceClass::Tablet),
                desktop: device(DeviceClass::Desktop),
                other: device(DeviceClass::Other),
            },
            by_kind,
        }
    }
}

/// The scope's people, or why there are none to give.
pub(crate) fn people_row(
    numbers: &Numbers,
    span: Span,
    filter: &Filter,
) -> Result<PeopleRow, &'static str> {
    if filter.first_name().is_some() {
        return Err(FILTERED);
    }
    if span.people_period().is_none() {
        return Err(ODD_SPAN);
    }
    Ok(numbers.people.clone().unwrap_or_default())
}

/// Users who have reached each step of the funnel.
pub(crate) fn reached(row: &PeopleRow) -> [u64; 4] {
    std::array::from_fn(|step| at(&row.reached, step))
}

fn at(list: &[i64], place: usize) -> u64 {
    list.get(place).copied().map_or(0, count)
}

/// A count of users. Rows hold them signed, because moves between rows are; a sum is never below 0.
fn count(users: i64) -> u64 {
    u64::try_from(users).unwrap_or(0)
}
