//! Acts as records of `footfall.entries`, checked as the fold checks them.

use axum::http::HeaderMap;
use log::NewRecord;
use pipeline::admission::{Admission, Outcome};
use pipeline::record::{Headers, Record};
use prost::Message;
use schemas::v1::entry_record::Act;
use schemas::v1::{ClientHints, EntryRecord};
use web::Problem;

use super::Entries;
use crate::problem;

impl Entries {
    /// The record of an act.
    ///
    /// # Errors
    /// When the fold would reject it.
    pub(super) fn record(
        &self,
        activity: &str,
        act: Act,
        headers: Vec<u8>,
    ) -> Result<NewRecord, Problem> {
        let partition = self.folds.partition_of(activity);
        let value = EntryRecord { act: Some(act) }.encode_to_vec();
        // A fold of nothing else makes the checks of every fold.
        let mut fold = Admission::new(partition, self.folds.partitions());
        let outcome = fold.fold(&Record {
            offset: 0,
            appended_at: 0,
            key: activity.as_bytes(),
            value: &value,
            headers: Headers::default(),
        });
        match outcome {
            Outcome::Rejected(rejection) => Err(Problem::new(problem::UNUSABLE, rejection.detail)),
            _ => Ok(NewRecord {
                partition: Some(partition),
                key: activity.as_bytes().to_vec(),
                value,
                headers,
            }),
        }
    }
}

/// The client hints as the client sent them.
pub(super) fn hints(headers: &HeaderMap) -> Option<ClientHints> {
    let get = |name: &str| headers.get(name)?.to_str().ok();
    let text = |name: &str| {
        let value = get(name)?.trim();
        Some(value.trim_matches('"').to_owned())
    };
    let mobile = get("sec-ch-ua-mobile").and_then(|value| match value.trim() {
        "?1" => Some(true),
        "?0" => Some(false),
        _ => None,
    });
    let (platform, model) = (text("sec-ch-ua-platform"), text("sec-ch-ua-model"));
    let is_there = mobile.is_some() || platform.is_some() || model.is_some();
    is_there.then(|| ClientHints {
        mobile,
        platform: platform.unwrap_or_default(),
        model: model.unwrap_or_default(),
    })
}
