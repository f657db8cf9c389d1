//! Removing images that are no longer read: the old one after a flip, and what dead fills left.
//!
//! The function removes only what meta names neither as read nor as filled, so a sweep by a
//! process that has been replaced harms nothing.

use fred::types::Value;

use super::call::{Function, Reply};
use super::{Access, Store};
use crate::Error;

/// Groups that a call unlinks; Redis frees their memory on another thread.
const GROUPS_PER_CALL: i64 = 500;

impl Store {
    /// Sweeps in the background, one partition at a time; a reader leaves it to those who write.
    pub(super) fn sweep_later(&self, partition: u32) {
        if self.access == Access::Read {
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            let Ok(_turn) = store.shared.sweeping.acquire().await else {
                return;
            };
            if let Err(error) = store.sweep(partition).await {
                tracing::warn!(%error, partition, "old rows are still in Redis; the next fill or start removes them");
            }
        });
    }

    /// Removes every dead image of the partition.
    ///
    /// # Errors
    /// When Redis doesn't answer; what is left is removed another time.
    pub async fn sweep(&self, partition: u32) -> Result<(), Error> {
        let keys = self.keys(partition)?;
        let dead: Vec<String> = self.ask_of("SMEMBERS", &keys.dead(), &[]).await?;
        for token in dead {
            loop {
                let index = keys.index(&token);
                let some = [Value::Integer(GROUPS_PER_CALL)];
                let names: Vec<String> = self.ask_of("SRANDMEMBER", &index, &some).await?;
                let mut list = vec![keys.meta().into(), keys.dead().into(), index.into()];
                list.extend(names.iter().map(|name| keys.group(&token, name).into()));
                let args = vec![self.definition(), token.clone().into()];
                if !matches!(self.call(Function::Sweep, list, args).await?, Reply::Again) {
                    break;
                }
            }
        }
        Ok(())
    }
}
