//! Whether the servers still are what they were when they were connected to.
//!
//! After a failover another server is primary, and its settings may be others. One that evicts is then told of: ending what
//! runs would take the views away, while rows are dropped only once its memory is full.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fred::prelude::{Client, EventInterface};
use metrics::gauge;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::Store;
use super::connect::primaries;
use super::info::Info;
use crate::metrics::EVICTS;
use crate::{Error, Finding};

/// Between two looks where nothing is made anew: settings change while a server runs, too. Longer than the silence
/// after which a connection is dropped, so that looking keeps none alive.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// Looks at the servers until it is dropped.
pub(super) struct Watch {
    found: Arc<Mutex<Option<Finding>>>,
    task: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Store {
    /// Begins to look at the servers, now and after each reconnection.
    pub(super) fn watch(&self, client: Client) {
        let found = Arc::new(Mutex::new(None));
        let task = tokio::spawn(look_for_ever(client, found.clone()));
        // A store is made once.
        let _ = self.shared.watch.set(Watch { found, task });
    }

    /// What was last found to be wrong with a primary; nothing is asked.
    pub fn finding(&self) -> Option<Finding> {
        let watch = self.shared.watch.get()?;
        let found = watch.found.lock();
        found.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn look_for_ever(client: Client, found: Arc<Mutex<Option<Finding>>>) {
    let mut reconnected = client.reconnect_rx();
    loop {
        match look(&client).await {
            Ok(finding) => {
                gauge!(EVICTS).set(u8::from(finding.is_some()));
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                if *found != finding {
                    tell(finding.as_ref());
                }
                *found = finding;
            }
            // Whoever calls hears why; the next look follows.
            Err(error) => tracing::debug!(%error, "Redis can't be looked at"),
        }
        let event = tokio::time::timeout(BETWEEN_LOOKS, reconnected.recv()).await;
        if matches!(event, Ok(Err(RecvError::Closed))) {
            return;
        }
    }
}

/// The first primary that evicts.
async fn look(client: &Client) -> Result<Option<Finding>, Error> {
    for primary in primaries(client) {
        let (name, info) = match primary {
            Some(server) => {
                let info = Info::of(&client.with_cluster_node(&server)).await?;
                (server.to_string(), info)
            }
            None => (String::new(), Info::of(client).await?),
        };
        if let Some(finding) = info.eviction(&name) {
            return Ok(Some(finding));
        }
    }
    Ok(None)
}

fn tell(finding: Option<&Finding>) {
    match finding {
        Some(finding) => tracing::error!("{}", finding.sentence),
        None => tracing::info!("no primary of Redis evicts any more"),
    }
}
