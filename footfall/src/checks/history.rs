//! Whether OpenSearch can hold the history.

use std::collections::BTreeMap;

use views::Stamp;
use views::opensearch::Store;

use super::Checks;
use crate::config::Config;
use crate::set;

/// The definitions that OpenSearch holds, with their indices; and how far it holds the configuration's.
type Looked = (BTreeMap<String, String>, Vec<Option<Stamp>>);

/// Checks OpenSearch, and says what it holds.
pub(super) async fn check(config: &Config) -> (Checks, Option<Looked>) {
    let mut checks = Checks::of("opensearch");
    if config.opensearch.urls.is_empty() {
        if !config.is_embedded() {
            checks
                .warning("no history: no OpenSearch is named; set opensearch.urls (--opensearch)");
        }
        return (checks, None);
    }
    let looked = async {
        let store = set::look_at_opensearch(config)?;
        look(&store, &mut checks).await
    };
    match looked.await {
        Ok(held) => (checks, Some(held)),
        Err(error) => {
            checks.store_failed(&error);
            (checks, None)
        }
    }
}

async fn look(store: &Store, checks: &mut Checks) -> Result<Looked, views::Error> {
    let version = store.version().await?;
    checks.findings(store.findings().await?);
    checks.findings(store.full_disks().await?);
    if checks.is_empty() {
        checks.ok(format!(
            "OpenSearch {version} answers and can hold the index {}",
            store.index()
        ));
    }
    Ok((store.definitions().await?, store.stamps().await?))
}
