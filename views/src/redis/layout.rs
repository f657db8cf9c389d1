//! The keys of the views in Redis.
//!
//! Every key of a partition has the hash tag `{definition:partition}`, so that in a cluster one
//! call may touch them all. After `ff:{…}:` comes
//!
//! | key | type | what |
//! |---|---|---|
//! | `meta` | hash | `definition`; `token` (the image that is read), `stored` (the first offset not in it), `log_time`; `fill`, `filled` (an image being filled: its token, its chunks so far) |
//! | `dead` | set | tokens of images to be removed |
//! | `<token>:groups` | set | the names of the image's groups |
//! | `<token>:<name>` | hash | a group of rows |
//!
//! A question names the groups it needs without looking anything up:
//!
//! | group | field | value |
//! |---|---|---|
//! | `C` | `c:<campaign>`, `p:<campaign>` | life of each campaign: counts, people |
//! | `L:<campaign>` | `c:<activity>`, `p:<activity>` | life of each activity |
//! | `M<months>:`, `W<monday>:`, `D<day>:`, `H<start>:<campaign>` | `c`, `p`, `m` | a month, week, day or hour of the campaign: counts, people, minutes |
//! | the same | `c:<activity>`, … | of each activity |
//! | `A:<activity>` | campaign | empty; an activity of that name is in the campaign |
//!
//! Names come last in keys and fields and need no escaping. A value is the row's protobuf bytes.

use std::sync::Arc;

use pipeline::definition::Definition;
use pipeline::row::{Facet, Period, RowKey};

/// The group of every campaign's life rows.
pub(super) const CAMPAIGNS: &str = "C";

/// The keys of one partition.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// The field of `meta` that names the image which is read.
    pub const TOKEN: &'static str = "token";
    /// The field of `meta` with the first offset that is not in that image.
    pub const STORED: &'static str = "stored";

    /// What every key begins with.
    pub(super) const OPENING: &str = "ff:{";
    /// What the key ends with that says how far a partition is stored.
    pub(super) const META: &str = "}:meta";

    /// The definition whose partition a `meta` key is of; `None` for every other key.
    pub(super) fn definition_of(key: &str) -> Option<&str> {
        let tag = key.strip_prefix(Self::OPENING)?.strip_suffix(Self::META)?;
        let (definition, partition) = tag.split_once(':')?;
        partition.parse::<u32>().ok().map(|_| definition)
    }

    /// The keys of a definition's partition.
    pub fn new(definition: &Definition, partition: u32) -> Self {
        Self::of(&definition.id(), partition)
    }

    pub(super) fn of(definition: &str, partition: u32) -> Self {
        Self {
            prefix: format!("ff:{{{definition}:{partition}}}:"),
        }
    }

    /// A hash: what is read, and how far it is.
    pub fn meta(&self) -> String {
        format!("{}meta", self.prefix)
    }

    /// A set: the tokens of images to be removed.
    pub fn dead(&self) -> String {
        format!("{}dead", self.prefix)
    }

    /// A set: the names of an image's groups.
    pub fn index(&self, token: &str) -> String {
        format!("{}{token}:groups", self.prefix)
    }

    /// A hash: a group of an image.
    pub fn group(&self, token: &str, name: &str) -> String {
        format!("{}{token}:{name}", self.prefix)
    }
}

/// Where a row lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) group: String,
    pub(super) field: String,
}

/// The place of a row.
pub(super) fn place(key: &RowKey) -> Place {
    let facet = facet_letter(key.facet);
    match (&key.activity, key.period) {
        (None, Period::Life) => Place {
            group: CAMPAIGNS.to_owned(),
            field: format!("{facet}:{}", key.campaign),
        },
        (None, period) => Place {
            group: period_group(period, &key.campaign),
            field: facet.to_owned(),
        },
        (Some(activity), period) => Place {
            group: period_group(period, &key.campaign),
            field: activity_field(key.facet, activity),
        },
    }
}

/// The row at a place; `None` for an index of activities and for what no version wrote.
pub(super) fn row_at(group: &str, field: &str) -> Option<RowKey> {
    let (facet, named) = match field.split_once(':') {
        Some((facet, name)) => (facet, Some(Arc::<str>::from(name))),
        None => (field, None),
    };
    let facet = facet_of(facet)?;
    if group == CAMPAIGNS {
        return Some(RowKey {
            campaign: named?,
            activity: None,
            period: Period::Life,
            facet,
        });
    }
    let (period, campaign) = group.split_once(':')?;
    Some(RowKey {
        campaign: Arc::from(campaign),
        activity: named,
        period: period_of(period)?,
        facet,
    })
}

/// The group of a campaign's rows of one period, its activities' included.
pub(super) fn period_group(period: Period, campaign: &str) -> String {
    match period {
        Period::Life => format!("L:{campaign}"),
        Period::Month(months) => format!("M{months}:{campaign}"),
        Period::Week(monday) => format!("W{monday}:{campaign}"),
        Period::Day(day) => format!("D{day}:{campaign}"),
        Period::Hour(start) => format!("H{start}:{campaign}"),
    }
}

/// The group that lists the campaigns with an activity of that name.
pub(super) fn activity_group(activity: &str) -> String {
    format!("A:{activity}")
}

/// The field of an activity's row in its campaign's group.
pub(super) fn activity_field(facet: Facet, activity: &str) -> String {
    format!("{}:{activity}", facet_letter(facet))
}

/// The field of a campaign's own row: among the campaigns for life, else in its group.
pub(super) const fn facet_letter(facet: Facet) -> &'static str {
    match facet {
        Facet::Counts => "c",
        Facet::People => "p",
        Facet::Minutes => "m",
    }
}

fn facet_of(letter: &str) -> Option<Facet> {
    [Facet::Counts, Facet::People, Facet::Minutes]
        .into_iter()
        .find(|facet| facet_letter(*facet) == letter)
}

fn period_of(text: &str) -> Option<Period> {
    let (letter, number) = text.split_at_checked(1)?;
    Some(match letter {
        "L" if number.is_empty() => Period::Life,
        "M" => Period::Month(number.parse().ok()?),
        "W" => Period::Week(number.parse().ok()?),
        "D" => Period::Day(number.parse().ok()?),
        "H" => Period::Hour(number.parse().ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::collections::BTreeMap;

    use super::*;

    /// Names made to collide if any separator were ambiguous.
    const NAMES: [&str; 12] = [
        "",
        ":",
        "c",
        "c:",
        "a:b",
        "}{",
        "C",
        "A:",
        "groups",
        "(none)",
        "추석 이벤트",
        "\u{0}\n\"\\*",
    ];

    #[test]
    fn every_row_has_a_place_of_its_own_and_is_found_by_it() {
        let periods = [
            Period::Life,
            Period::Month(660),
            Period::Week(20_000),
            Period::Day(20_000),
            Period::Hour(-3600),
            Period::Hour(1_700_000_000),
        ];
        let mut places = BTreeMap::new();
        for campaign in NAMES {
            for activity in std::iter::once(None).chain(NAMES.map(Some)) {
                for period in periods {
                    for facet in [Facet::Counts, Facet::People, Facet::Minutes] {
                        let key = RowKey {
                            campaign: Arc::from(campaign),
                            activity: activity.map(Arc::from),
                            period,
                            facet,
                        };
                        let place = place(&key);
                        assert_eq!(row_at(&place.group, &place.field), Some(key.clone()));
                        assert_eq!(places.insert(place, key), None, "two rows in one place");
                    }
                }
            }
        }
    }

    #[test]
    fn an_index_of_activities_is_no_group_of_rows() {
        for activity in NAMES {
            for campaign in NAMES {
                assert_eq!(row_at(&activity_group(activity), campaign), None);
                assert_eq!(row_at(&activity_group(activity), "c"), None);
            }
        }
    }

    #[test]
    fn no_group_has_the_name_of_an_images_index() {
        let keys = Keys::of("0123456789abcdef", 7);
        assert_eq!(keys.meta(), "ff:{0123456789abcdef:7}:meta");
        for campaign in NAMES {
            let group = keys.group("t", &period_group(Period::Life, campaign));
            assert_ne!(group, keys.index("t"));
        }
    }
}
