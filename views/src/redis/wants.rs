//! The groups that a question needs, by name, and the rows in what was read of them.

use std::collections::BTreeSet;

use fred::types::Value;
use pipeline::row::{Facet, Period, Row, RowKey};

use super::layout::{
    CAMPAIGNS, activity_field, activity_group, facet_letter, period_group, row_at,
};
use crate::{Error, Question, Step};

/// A group to be read.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pub(super) group: String,
    /// Its fields; none means all.
    pub(super) fields: Vec<String>,
}

/// The groups of any question but an activity's, which takes two looks.
pub(super) fn wants(question: &Question, periods: &[Period]) -> Vec<Want> {
    let all = |group: String| Want {
        group,
        fields: Vec::new(),
    };
    match question {
        Question::Campaigns => vec![all(CAMPAIGNS.to_owned())],
        Question::Campaign { campaign, .. } => {
            let mut wants = Vec::new();
            for period in periods {
                if *period == Period::Life {
                    let fields = [Facet::Counts, Facet::People];
                    wants.push(Want {
                        group: CAMPAIGNS.to_owned(),
                        fields: fields.map(|facet| activity_field(facet, campaign)).into(),
                    });
                }
                wants.push(all(period_group(*period, campaign)));
            }
            wants
        }
        Question::Series { campaign, step, .. } => {
            let facet = match step {
                Step::Minute => Facet::Minutes,
                Step::Hour | Step::Day => Facet::Counts,
            };
            let field = || vec![facet_letter(facet).to_owned()];
            let groups = periods.iter().map(|period| period_group(*period, campaign));
            groups
                .map(|group| Want {
                    group,
                    fields: field(),
                })
                .collect()
        }
        Question::Activity { activity, .. } => activity_wants(activity, periods, &BTreeSet::new()),
    }
}

/// The list of the activity's campaigns first, then its rows in each.
pub(super) fn activity_wants(
    activity: &str,
    periods: &[Period],
    campaigns: &BTreeSet<String>,
) -> Vec<Want> {
    let mut wants = vec![Want {
        group: activity_group(activity),
        fields: Vec::new(),
    }];
    for campaign in campaigns {
        for period in periods {
            let fields = [Facet::Counts, Facet::People];
            wants.push(Want {
                group: period_group(*period, campaign),
                fields: fields.map(|facet| activity_field(facet, activity)).into(),
            });
        }
    }
    wants
}

/// Adds a group's rows to `rows`.
pub(super) fn rows_of(
    want: &Want,
    values: Value,
    rows: &mut Vec<(RowKey, Row)>,
) -> Result<(), Error> {
    let Value::Array(values) = values else {
        return Ok(());
    };
    let mut add = |field: &str, value: &Value| {
        let (Some(key), Some(bytes)) = (row_at(&want.group, field), value.as_bytes()) else {
            return Ok(());
        };
        let row = Row::decode(key.facet, bytes).map_err(|error| {
            Error::Fatal(format!(
                "Redis holds a row of {:?} that can't be read ({error}); rebuild this definition's views",
                want.group
            ))
        })?;
        rows.push((key, row));
        Ok(())
    };
    if want.fields.is_empty() {
        for pair in values.chunks_exact(2) {
            if let Some(field) = pair[0].as_str() {
                add(&field, &pair[1])?;
            }
        }
    } else {
        for (field, value) in want.fields.iter().zip(&values) {
            add(field, value)?;
        }
    }
    Ok(())
}
