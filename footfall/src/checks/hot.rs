//! Whether Redis can hold the hot views.

use views::Stamp;
use views::redis::{self, Store};

use super::Checks;
use crate::config::Config;
use crate::set;

/// What Redis holds, as far as it says so.
#[derive(Default)]
pub(super) struct Held {
    /// The definitions.
    pub(super) definitions: Option<redis::Held>,
    /// How far it holds this one, a partition each.
    pub(super) stamps: Option<Vec<Option<Stamp>>>,
}

/// Checks Redis, and says what it holds.
pub(super) async fn check(config: &Config) -> (Checks, Held) {
    let mut checks = Checks::of("redis");
    let mut held = Held::default();
    if config.redis.url.is_empty() {
        if !config.is_embedded() {
            checks.warning("no hot views: no Redis is named; set redis.url (--redis)");
        }
        return (checks, held);
    }
    let looked = async {
        let store = set::look_at_redis(config).await?;
        look(&store, &mut checks).await?;
        held.stamps = Some(store.stamps().await?);
        Ok(store.definitions().await)
    };
    match looked.await {
        Ok(Ok(definitions)) => held.definitions = Some(definitions),
        // A process starts without knowing.
        Ok(Err(error)) => checks.unasked(format!("which definitions Redis holds: {error}")),
        Err(error) => checks.store_failed(&error),
    }
    (checks, held)
}

async fn look(store: &Store, checks: &mut Checks) -> Result<(), views::Error> {
    let version = store.version().await?;
    checks.findings(store.findings().await?);
    if checks.is_empty() {
        checks.ok(format!(
            "Redis {version} answers, keeps its rows and evicts none"
        ));
    }
    Ok(())
}
