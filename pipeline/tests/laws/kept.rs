//! A checkpoint in memory: what a store of change sets must do, in a dozen lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::UserSegment;
use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use pipeline::freeze::{ChangeSet, Head, KeptRow, Restore};
use pipeline::state::State;

use crate::histories::PARTITION;

#[derive(Debug, Clone, Default)]
pub struct Kept {
    head: Option<Head>,
    names: Vec<(String, String)>,
    rows: BTreeMap<u64, KeptRow>,
    users: Vec<UserSegment>,
    window: Vec<(i64, Vec<u64>)>,
}

impl Kept {
    /// Adds what changed since the last change set.
    pub fn write(&mut self, change: ChangeSet) {
        self.names.extend(change.names);
        for row in change.rows {
            match row.value {
                Some(_) => self.rows.insert(row.id, row),
                None => self.rows.remove(&row.id),
            };
        }
        for segment in change.users {
            if segment.base {
                self.users.retain(|old| old.shard != segment.shard);
            }
            self.users.push(segment);
        }
        self.window.extend(change.window);
        self.window
            .retain(|(slot, _)| *slot >= change.head.slot - 1);
        self.head = Some(change.head);
    }

    /// The state as of the last change set.
    pub fn load(&self, definition: Arc<Definition>, readers: &[Reader]) -> State {
        let mut restore = Restore::new(definition, PARTITION, readers).unwrap();
        for (campaign, activity) in &self.names {
            restore.name(campaign.clone(), activity.clone());
        }
        for row in self.rows.values() {
            restore.row(row).unwrap();
        }
        for segment in &self.users {
            restore.users(segment).unwrap();
        }
        for (slot, ids) in &self.window {
            restore.ids(*slot, ids.clone());
        }
        match &self.head {
            Some(head) => restore.finish(head.clone()).unwrap(),
            None => restore.finish_empty(),
        }
    }

    pub fn digest(&self) -> Option<u64> {
        self.head.as_ref().map(|head| head.digest)
    }
}
