//! Rows of people as documents, and back.

use pipeline::cell::Kind;
use pipeline::row::{PEOPLE_DEVICES, Period, RowKey, date_of, day_of};
use schemas::v1::PeopleRow;
use serde::{Serialize, Serializer};

use super::documents::{self, Document};

/// Members of a row of people, in the order of [`members`].
pub(super) const PEOPLE_FIELDS: [&str; 16] = [
    "users",
    "new_users",
    "returning_users",
    "users_mobile",
    "users_tablet",
    "users_desktop",
    "users_other",
    "users_visit",
    "users_click",
    "users_enter",
    "users_purchase",
    "users_sign_up",
    "reached_visit",
    "reached_click",
    "reached_enter",
    "reached_purchase",
];

/// The source of a document of people.
#[derive(Serialize)]
struct PeopleSource<'a> {
    doc: &'static str,
    partition: u32,
    campaign_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_id: Option<&'a str>,
    scope: &'static str,
    period: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    period_start: Option<&'a str>,
    #[serde(flatten)]
    members: Members,
}

/// In the order of [`PEOPLE_FIELDS`].
struct Members([i64; PEOPLE_FIELDS.len()]);

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(PEOPLE_FIELDS.iter().zip(self.0))
    }
}

/// The document of a row of people; `None` when its period or a member has no name here.
pub(super) fn document(
    partition: u32,
    key: &RowKey,
    row: &PeopleRow,
    version: u64,
) -> Option<Document> {
    let (period, start) = period_fields(key.period)?;
    let activity = key.activity.as_deref();
    let source = PeopleSource {
        doc: "people",
        partition,
        campaign_id: &key.campaign,
        activity_id: activity,
        scope: activity.map_or("campaign", |_| "activity"),
        period,
        period_start: start.as_deref(),
        members: Members(members(row)?),
    };
    let place = format!("{period}/{}", start.as_deref().unwrap_or_default());
    Some(Document {
        id: documents::id(partition, &place, &key.campaign, activity),
        partition,
        version,
        source: documents::to_text(&source),
    })
}

/// A period of people as the fields `period` and `period_start`.
pub(super) fn period_fields(period: Period) -> Option<(&'static str, Option<String>)> {
    Some(match period {
        Period::Life => ("life", None),
        Period::Month(months) => (
            "month",
            Some(format!(
                "{:04}-{:02}-01",
                1970 + months / 12,
                months % 12 + 1
            )),
        ),
        Period::Week(monday) => ("week", Some(date_of(monday).to_string())),
        Period::Day(day) => ("day", Some(date_of(day).to_string())),
        Period::Hour(_) => return None,
    })
}

/// The period of those fields.
pub(super) fn period_of(period: &str, start: Option<&str>) -> Option<Period> {
    if period == "life" {
        return Some(Period::Life);
    }
    let date: jiff::civil::Date = start?.parse().ok()?;
    Some(match period {
        "month" => {
            let months = (date.year() - 1970) * 12 + i16::from(date.month()) - 1;
            Period::Month(u16::try_from(months).ok()?)
        }
        "week" => Period::Week(day_of(date)?),
        "day" => Period::Day(day_of(date)?),
        _ => return None,
    })
}

/// A row's members in the order of [`PEOPLE_FIELDS`]; `None` if it has more than those.
fn members(row: &PeopleRow) -> Option<[i64; PEOPLE_FIELDS.len()]> {
    let mut members = [0; PEOPLE_FIELDS.len()];
    members[..3].copy_from_slice(&[row.users, row.new_users, row.returning_users]);
    let (devices, rest) = members[3..].split_at_mut(PEOPLE_DEVICES.len());
    let (kinds, steps) = rest.split_at_mut(Kind::ALL.len());
    for (place, list) in [
        (devices, &row.by_device),
        (kinds, &row.by_kind),
        (steps, &row.reached),
    ] {
        place.get_mut(..list.len())?.copy_from_slice(list);
    }
    Some(members)
}

/// The row of members in the order of [`PEOPLE_FIELDS`].
pub(super) fn row_of(members: [i64; PEOPLE_FIELDS.len()]) -> PeopleRow {
    let (devices, rest) = members[3..].split_at(PEOPLE_DEVICES.len());
    let (kinds, steps) = rest.split_at(Kind::ALL.len());
    PeopleRow {
        users: members[0],
        new_users: members[1],
        returning_users: members[2],
        by_device: devices.to_vec(),
        by_kind: kinds.to_vec(),
        reached: steps.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use pipeline::row::Facet;
    use serde_json::Value;

    use super::*;

    fn written(period: Period, row: &PeopleRow) -> Option<Document> {
        let key = RowKey {
            campaign: "c".into(),
            activity: None,
            period,
            facet: Facet::People,
        };
        document(0, &key, row, 1)
    }

    #[test]
    fn people_come_back_from_their_document() {
        let row = row_of(std::array::from_fn(|place| place as i64 + 1));
        for period in [
            Period::Life,
            Period::Month(670),
            Period::Week(20_409),
            Period::Day(20_414),
        ] {
            let document = written(period, &row).unwrap();
            let source: Value = serde_json::from_str(&document.source).unwrap();
            let members = PEOPLE_FIELDS.map(|field| source[field].as_i64().unwrap());
            assert_eq!(row_of(members), row);
            let start = source["period_start"].as_str();
            assert_eq!(
                period_of(source["period"].as_str().unwrap(), start),
                Some(period)
            );
            assert_eq!(source["scope"], "campaign");
        }
    }

    #[test]
    fn a_row_with_unknown_members_or_of_an_hour_is_refused_and_not_cut() {
        let row = PeopleRow {
            by_kind: vec![1; 6],
            ..PeopleRow::default()
        };
        assert_eq!(written(Period::Life, &row), None);
        assert_eq!(written(Period::Hour(0), &PeopleRow::default()), None);
    }
}
