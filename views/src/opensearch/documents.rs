//! Rows as documents.
//!
//! A document's id names its partition, row and sub-cell, its version is the offset of the last
//! record that changed the row, and it says the whole value: written late, twice or out of order
//! it makes nothing wrong. No document is ever deleted: what leaves the hot views stays here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pipeline::calendar::Calendar;
use pipeline::cell::Currency;
use pipeline::row::{FrozenRow, Period, Row, date_of};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::people;
use super::subcell::SubCell;
use crate::Error;

/// OpenSearch takes ids of at most 512 bytes.
const MAX_ID: usize = 512;

/// A document with what makes its writing safe to repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    /// Its `_id`.
    pub id: String,
    /// Its routing.
    pub partition: u32,
    /// Its external version: an offset + 1, so that it is at least 1.
    pub version: u64,
    /// The JSON object.
    pub source: String,
}

/// The source of a document of counts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CountSource {
    doc: String,
    partition: u32,
    /// The campaign.
    pub campaign_id: String,
    /// The activity.
    pub activity_id: String,
    /// The local hour's start, RFC 3339.
    pub hour: String,
    day: String,
    /// [`SubCell::number`].
    pub cell: u32,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_new_user: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    browser: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    /// Events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Money in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
}

/// Documents as OpenSearch shall hold them: by id, each with its version and its JSON.
pub type Documents = BTreeMap<String, (u64, String)>;

/// The documents of a partition's rows, but for its checkpoint. Of all rows of fold(log[0..n)) they are all that OpenSearch
/// holds at n: a counter that has become zero has a document that says so.
///
/// # Errors
/// [`Error::Fatal`] when a row holds what this version can't name.
pub fn documents_of(
    partition: u32,
    rows: &[FrozenRow],
    calendar: &Calendar,
) -> Result<Documents, Error> {
    let mut all = Documents::new();
    for row in rows {
        let documents = of_row(partition, row, calendar)?.into_iter();
        all.extend(documents.map(|document| (document.id, (document.version, document.source))));
    }
    Ok(all)
}

/// The documents of a row. Rows that other documents add up to have none, nor have minutes and
/// deletions.
///
/// # Errors
/// [`Error::Fatal`] when the row holds what this version can't name.
pub(super) fn of_row(
    partition: u32,
    frozen: &FrozenRow,
    calendar: &Calendar,
) -> Result<Vec<Document>, Error> {
    let unnamed = |what: String| {
        Error::Fatal(format!(
            "a row of campaign {:?} in {} holds {what}, which this version can't name; the \
             processor and this store must be of one version",
            frozen.key.campaign,
            frozen.key.period.name()
        ))
    };
    let version = frozen.changed_at + 1;
    match (&frozen.row, frozen.key.period, &frozen.key.activity) {
        (Some(Row::Counts(row)), Period::Hour(hour), Some(activity)) => {
            let hour = Hour::new(hour, calendar).ok_or_else(|| unnamed(format!("hour {hour}")))?;
            let place = Place {
                partition,
                campaign: &frozen.key.campaign,
                activity,
                hour,
            };
            let cells = SubCell::of(row).map_err(unnamed)?;
            Ok(cells
                .into_iter()
                .map(|(cell, value)| place.document(cell, value, version))
                .collect())
        }
        (Some(Row::People(row)), period, _) => {
            let document = people::document(partition, &frozen.key, row, version);
            let unknown = || unnamed(format!("people of {} or members", period.name()));
            Ok(vec![document.ok_or_else(unknown)?])
        }
        _ => Ok(Vec::new()),
    }
}

/// The document that says how far a partition's documents go at least.
pub(super) fn checkpoint(partition: u32, to: u64, log_time: i64) -> Document {
    let source = json!({
        "doc": "checkpoint",
        "partition": partition,
        "offset": to,
        "log_time": log_time,
    });
    Document {
        id: checkpoint_id(partition),
        partition,
        version: to + 1,
        source: source.to_string(),
    }
}

/// The id of a partition's checkpoint document.
pub(super) fn checkpoint_id(partition: u32) -> String {
    format!("checkpoint-{partition}")
}

/// A local hour, as number and texts.
struct Hour {
    start: i64,
    text: String,
    day: String,
}

impl Hour {
    fn new(start: i64, calendar: &Calendar) -> Option<Self> {
        Some(Self {
            start,
            text: Timestamp::from_second(start).ok()?.to_string(),
            day: date_of(calendar.day_of_hour(start)).to_string(),
        })
    }
}

struct Place<'a> {
    partition: u32,
    campaign: &'a str,
    activity: &'a str,
    hour: Hour,
}

impl Place<'_> {
    fn document(&self, sub_cell: SubCell, value: i64, version: u64) -> Document {
        let hour = self.hour.start;
        let cell = sub_cell.number();
        Document {
            id: id(
                self.partition,
                &format!("{hour}/{cell}"),
                self.campaign,
                Some(self.activity),
            ),
            partition: self.partition,
            version,
            source: to_text(&self.source(sub_cell, value)),
        }
    }

    fn source(&self, sub_cell: SubCell, value: i64) -> CountSource {
        let mut source = CountSource {
            doc: "count".to_owned(),
            partition: self.partition,
            campaign_id: self.campaign.to_owned(),
            activity_id: self.activity.to_owned(),
            hour: self.hour.text.clone(),
            day: self.hour.day.clone(),
            cell: sub_cell.number(),
            kind: String::new(),
            device: None,
            os: None,
            is_new_user: None,
            browser: None,
            brand: None,
            count: Some(value),
            amount: None,
            currency: None,
        };
        let mut cell_and_money = |cell: pipeline::cell::Cell, currency: Option<Currency>| {
            source.device = Some(cell.device.as_str().to_owned());
            source.os = Some(cell.os.as_str().to_owned());
            source.is_new_user = Some(cell.is_new);
            if let Some(currency) = currency {
                source.currency = Some(currency.code());
                source.amount = source.count.take();
            }
            cell.kind
        };
        let kind = match sub_cell {
            SubCell::Events(cell) => cell_and_money(cell, None),
            SubCell::Money(cell, currency) => cell_and_money(cell, Some(currency)),
            SubCell::Browser(kind, browser) => {
                source.doc = "browser".to_owned();
                source.browser = Some(browser.as_str().to_owned());
                kind
            }
            SubCell::Brand(kind, brand) => {
                source.doc = "brand".to_owned();
                source.brand = Some(brand.as_str().to_owned());
                kind
            }
        };
        source.kind = kind.as_str().to_owned();
        source
    }
}

/// `partition/place/length of the campaign/campaign/activity`: names hold any character, so the
/// length tells where the campaign ends; a whole campaign has no activity and no slash before it.
pub(super) fn id(partition: u32, place: &str, campaign: &str, activity: Option<&str>) -> String {
    let mut id = format!("{partition}/{place}/{}/{campaign}", campaign.len());
    if let Some(activity) = activity {
        id.push('/');
        id.push_str(activity);
    }
    if id.len() > MAX_ID {
        id = format!("{partition}/{}", hex::encode(Sha256::digest(id.as_bytes())));
    }
    id
}

/// The JSON of a source.
pub(super) fn to_text(source: &impl Serialize) -> String {
    // Strings and numbers always have a JSON form.
    serde_json::to_string(source).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use pipeline::definition::Definition;
    use pipeline::row::{Facet, RowKey};
    use schemas::v1::{CountsRow, MinutesRow};
    use serde_json::Value;

    use super::*;

    const HOUR: i64 = 1_763_820_000; // 2025-11-22T14:00:00Z, 23:00 in Seoul

    fn frozen(activity: Option<&str>, period: Period, row: Option<Row>) -> FrozenRow {
        let facet = match row {
            Some(Row::People(_)) => Facet::People,
            Some(Row::Minutes(_)) => Facet::Minutes,
            _ => Facet::Counts,
        };
        let key = RowKey {
            campaign: "c".into(),
            activity: activity.map(Arc::from),
            period,
            facet,
        };
        FrozenRow {
            key,
            changed_at: 41,
            row,
        }
    }

    fn documents(frozen: &FrozenRow) -> Vec<Document> {
        of_row(3, frozen, &Calendar::new(&Definition::default()).unwrap()).unwrap()
    }

    fn counts() -> Row {
        Row::Counts(CountsRow {
            cells: vec![4011],
            counts: vec![2],
            amount_cells: vec![4011],
            amount_currencies: vec![u32::from(Currency::parse("KRW").unwrap().number())],
            amount_minor_units: vec![1500],
            browser_cells: vec![401],
            browser_counts: vec![2],
            brand_cells: vec![],
            brand_counts: vec![],
        })
    }

    #[test]
    fn a_row_of_an_activitys_hour_gives_one_document_a_sub_cell() {
        let documents = documents(&frozen(Some("a"), Period::Hour(HOUR), Some(counts())));
        assert_eq!(documents.len(), 3);
        let ids: BTreeSet<&str> = documents.iter().map(|document| &*document.id).collect();
        assert_eq!(ids.len(), 3);
        for document in &documents {
            assert_eq!((document.partition, document.version), (3, 42));
        }
        let events: Value = serde_json::from_str(&documents[0].source).unwrap();
        assert_eq!(
            events,
            json!({
                "doc": "count", "partition": 3, "campaign_id": "c", "activity_id": "a",
                "hour": "2025-11-22T14:00:00Z", "day": "2025-11-22", "cell": 4011,
                "kind": "purchase", "device": "mobile", "os": "android", "is_new_user": true,
                "count": 2,
            })
        );
        let money: Value = serde_json::from_str(&documents[1].source).unwrap();
        assert_eq!(money["amount"], 1500);
        assert_eq!(money["currency"], "KRW");
        assert!(money["count"].is_null());
        let browser: Value = serde_json::from_str(&documents[2].source).unwrap();
        assert_eq!(
            (&browser["doc"], &browser["browser"]),
            (&json!("browser"), &json!("safari"))
        );
    }

    #[test]
    fn rows_that_others_add_up_to_minutes_and_deletions_give_no_documents() {
        for frozen in [
            frozen(None, Period::Hour(HOUR), Some(counts())),
            frozen(Some("a"), Period::Day(20_000), Some(counts())),
            frozen(Some("a"), Period::Life, Some(counts())),
            frozen(
                None,
                Period::Hour(HOUR),
                Some(Row::Minutes(MinutesRow::default())),
            ),
            frozen(Some("a"), Period::Hour(HOUR), None),
        ] {
            assert!(documents(&frozen).is_empty(), "{frozen:?}");
        }
    }

    #[test]
    fn different_rows_have_different_ids_whatever_their_names() {
        let ids = [
            id(1, "life/", "a", Some("b/c")),
            id(1, "life/", "a/b", Some("c")),
            id(1, "life/", "a/b/c", None),
            id(1, "life/", "a", None),
            id(1, "life/", "a", Some("")),
            id(11, "life/", "a", None),
            id(1, &"x".repeat(600), "a", None),
            id(1, &"x".repeat(600), "b", None),
        ];
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        assert!(ids.iter().all(|id| id.len() <= MAX_ID));
    }

    #[test]
    fn a_checkpoint_of_nothing_has_a_version_too() {
        assert_eq!(checkpoint(0, 0, 0).version, 1);
    }
}
