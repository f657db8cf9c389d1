//! Every cell by name, added up from the documents of one moment.
//!
//! The documents hold activities by hour; days, lives and campaigns are their sums. People are as
//! stored. Minutes are not held.

use std::sync::Arc;

use opensearch::http::Method;
use pipeline::row::{Facet, NamedCells, Period, Row, RowKey, add_row};
use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::CountSource;
use super::found::decode;
use super::http::{Content, Kind};
use super::people::{PEOPLE_FIELDS, period_of, row_of};
use super::subcell::SubCell;
use super::{Store, transient};
use crate::{AsOf, Error};

/// Documents in one page; OpenSearch gives at most 10,000.
const PAGE: u32 = 5_000;
/// How long the server keeps its place between two pages.
const KEEP: &str = "1m";

#[derive(Debug, Deserialize)]
struct Page {
    #[serde(rename = "_scroll_id")]
    scroll: String,
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Hits,
}

#[derive(Debug, Deserialize)]
struct Shards {
    failed: u32,
}

#[derive(Debug, Deserialize)]
struct Hits {
    hits: Vec<Hit>,
}

#[derive(Debug, Deserialize)]
struct Hit {
    #[serde(rename = "_source")]
    source: Value,
}

impl Store {
    /// Every cell, and what it is as of.
    pub(super) async fn dump_all(&self) -> Result<(AsOf, NamedCells), Error> {
        let mut cells = NamedCells::new();
        let mut checkpoints = Vec::new();
        let mut page = self.first_page().await?;
        while !page.hits.hits.is_empty() {
            for hit in page.hits.hits {
                match hit.source["doc"].as_str() {
                    Some("checkpoint") => checkpoints.push(decode(hit.source)?),
                    Some("people") => add_people(&mut cells, &hit.source)?,
                    _ => self.add_count(&mut cells, decode(hit.source)?)?,
                }
            }
            page = self.next_page(&page.scroll).await?;
        }
        self.end_pages(&page.scroll).await;
        Ok((self.as_of(checkpoints.into_iter())?, cells))
    }

    async fn first_page(&self) -> Result<Page, Error> {
        let path = format!("/{}/_search", self.names.index);
        let query = [("scroll", KEEP), ("allow_partial_search_results", "false")];
        let body = json!({"size": PAGE, "sort": ["_doc"]});
        let reply = self
            .http
            .send(
                Kind::Repeatable,
                Method::Post,
                &path,
                &query,
                Content::Json(body),
            )
            .await?;
        if reply.status == 404 {
            return Err(self.nothing_held());
        }
        whole(decode(reply.ok("begin a dump")?)?)
    }

    async fn next_page(&self, scroll: &str) -> Result<Page, Error> {
        let body = json!({"scroll": KEEP, "scroll_id": scroll});
        let path = "/_search/scroll";
        let reply = self
            .http
            // Sent twice, it would leave a page out.
            .send(Kind::Once, Method::Post, path, &[], Content::Json(body))
            .await?;
        if reply.status == 404 {
            return Err(transient(
                "it lost its place in a dump; begin the dump again",
            ));
        }
        whole(decode(reply.ok("go on with a dump")?)?)
    }

    /// Frees the server's place; it would do so itself after [`KEEP`].
    async fn end_pages(&self, scroll: &str) {
        let body = Content::Json(json!({"scroll_id": scroll}));
        if let Err(error) = self
            .http
            .send(
                Kind::Repeatable,
                Method::Delete,
                "/_search/scroll",
                &[],
                body,
            )
            .await
        {
            tracing::debug!(%error, "a dump's place was not freed; it is freed in a minute");
        }
    }

    /// Adds a document of counts at every grain it belongs to.
    fn add_count(&self, cells: &mut NamedCells, source: CountSource) -> Result<(), Error> {
        let hour = source
            .hour
            .parse::<jiff::Timestamp>()
            .map(|hour| hour.as_second());
        let (Ok(hour), Some(cell)) = (hour, SubCell::from_number(source.cell)) else {
            return Err(strange(&format!(
                "hour {:?}, cell {}",
                source.hour, source.cell
            )));
        };
        let row = Row::Counts(cell.row(source.count.or(source.amount).unwrap_or(0)));
        let day = Period::Day(self.calendar.day_of_hour(hour));
        let campaign: Arc<str> = Arc::from(source.campaign_id);
        for activity in [None, Some(Arc::from(source.activity_id))] {
            for period in [Period::Life, day, Period::Hour(hour)] {
                let (campaign, activity) = (campaign.clone(), activity.clone());
                let key = RowKey {
                    campaign,
                    activity,
                    period,
                    facet: Facet::Counts,
                };
                add_row(cells, &key, &row);
            }
        }
        Ok(())
    }
}

fn add_people(cells: &mut NamedCells, source: &Value) -> Result<(), Error> {
    let text = |field: &str| source[field].as_str();
    let period = period_of(text("period").unwrap_or_default(), text("period_start"));
    let (Some(campaign), Some(period)) = (text("campaign_id"), period) else {
        return Err(strange(&source.to_string()));
    };
    let key = RowKey {
        campaign: Arc::from(campaign),
        activity: text("activity_id").map(Arc::from),
        period,
        facet: Facet::People,
    };
    let members = PEOPLE_FIELDS.map(|field| source[field].as_i64().unwrap_or(0));
    add_row(cells, &key, &Row::People(row_of(members)));
    Ok(())
}

fn whole(page: Page) -> Result<Page, Error> {
    if page.shards.failed > 0 {
        let failed = page.shards.failed;
        return Err(transient(format!(
            "{failed} shards failed in a dump; begin it again"
        )));
    }
    Ok(page)
}

fn strange(what: &str) -> Error {
    Error::Fatal(format!(
        "OpenSearch holds a document this version can't name ({what}); every process of a \
         deployment must be of one version"
    ))
}
