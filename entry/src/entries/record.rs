//! Acts as records of `footfall.entries`, checked as the fold checks them.

use log::NewRecord;
use pipeline::admission;
use pipeline::record::{Headers, Record};
use prost::Message;
use schemas::v1::EntryRecord;
use schemas::v1::entry_record::Act;
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
        let record = Record {
            offset: 0,
            appended_at: 0,
            key: activity.as_bytes(),
            value: &value,
            headers: Headers::default(),
        };
        admission::check(&record, partition, self.folds.partitions())
            .map_err(|rejection| Problem::new(problem::UNUSABLE, rejection.detail))?;
        Ok(NewRecord {
            partition: Some(partition),
            key: activity.as_bytes().to_vec(),
            value,
            headers,
        })
    }
}
