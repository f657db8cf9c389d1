//! Every cell of the views by name, for another command on the same machine; no part of the public API.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router, extract};
use pipeline::definition::Definition;
use pipeline::row::{Facet, NamedCell, NamedCells};
use serde::{Deserialize, Serialize};
use views::{AsOf, AsOfKind, Stamp, Views};
use web::Problem;

use crate::problem::not_answered;

/// A dump as it goes over HTTP.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dump {
    /// The definition that the cells are of.
    pub definition: String,
    exact: bool,
    /// Partition, offset and log time of each.
    partitions: Vec<(u32, u64, i64)>,
    /// Campaign, activity, period, facet, cell, value.
    cells: Vec<(String, String, String, String, String, i64)>,
}

impl Dump {
    fn new(definition: String, as_of: &AsOf, cells: NamedCells) -> Self {
        let stamps = as_of.partitions.iter();
        Self {
            definition,
            exact: as_of.kind == AsOfKind::Exact,
            partitions: stamps
                .map(|stamp| (stamp.partition, stamp.offset, stamp.log_time))
                .collect(),
            cells: cells
                .into_iter()
                .map(|(name, value)| {
                    let (campaign, activity) = (name.campaign.as_ref(), name.activity.as_ref());
                    let facet = name.facet.to_owned();
                    let (campaign, activity) = (campaign.to_owned(), activity.to_owned());
                    (campaign, activity, name.period, facet, name.cell, value)
                })
                .collect(),
        }
    }

    /// What [`Views::dump`] gave; `None` when a facet is unknown here.
    pub fn into_parts(self) -> Option<(AsOf, NamedCells)> {
        let kind = if self.exact {
            AsOfKind::Exact
        } else {
            AsOfKind::AtLeast
        };
        let stamps = self.partitions.into_iter();
        let partitions = stamps.map(|(partition, offset, log_time)| Stamp {
            partition,
            offset,
            log_time,
        });
        let cells = self.cells.into_iter();
        let cells = cells.map(|(campaign, activity, period, facet, cell, value)| {
            let name = NamedCell {
                campaign: campaign.into(),
                activity: activity.into(),
                period,
                facet: facet_of(&facet)?,
                cell,
            };
            Some((name, value))
        });
        let as_of = AsOf {
            kind,
            partitions: partitions.collect(),
        };
        Some((as_of, cells.collect::<Option<_>>()?))
    }
}

fn facet_of(name: &str) -> Option<&'static str> {
    let facets = [Facet::Counts, Facet::People, Facet::Minutes].map(Facet::as_str);
    facets.into_iter().find(|facet| *facet == name)
}

#[derive(Clone)]
struct Source {
    views: Arc<dyn Views>,
    definition: Arc<str>,
}

/// Answers `path` with a [`Dump`] of `views`.
pub fn dump_router(path: &str, views: Arc<dyn Views>, definition: &Definition) -> Router {
    Router::new().route(path, get(dump)).with_state(Source {
        views,
        definition: definition.id().into(),
    })
}

async fn dump(extract::State(source): extract::State<Source>) -> Result<Json<Dump>, Problem> {
    let (as_of, cells) = source.views.dump().await.map_err(not_answered)?;
    Ok(Json(Dump::new(
        source.definition.to_string(),
        &as_of,
        cells,
    )))
}
