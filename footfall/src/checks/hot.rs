//! Whether Redis can hold the hot views.

use views::Stamp;
use views::redis::{Held, Store};

use super::Checks;
use crate::config::Config;
use crate::set;

/// Checks Redis, and says which definitions it holds, and how far this one.
pub(super) async fn check(config: &Config) -> (Checks, Option<(Held, Vec<Option<Stamp>>)>) {
    let mut checks = Checks::of("redis");
    if config.redis.url.is_empty() {
        if !config.is_embedded() {
            checks.warning("no hot views: no Redis is named; set redis.url (--redis)");
        }
        return (checks, None);
    }
    let store = match set::look_at_redis(config).await {
        Ok(store) => store,
        Err(error) => {
            checks.store_failed(&error);
            return (checks, None);
        }
    };
    match look(&store, &mut checks).await {
        Ok(held) => (checks, Some(held)),
        Err(error) => {
            checks.store_failed(&error);
            (checks, None)
        }
    }
}

async fn look(
    store: &Store,
    checks: &mut Checks,
) -> Result<(Held, Vec<Option<Stamp>>), views::Error> {
    let version = store.version().await?;
    checks.findings(store.unsaved().await?.into_iter().collect());
    if checks.is_empty() {
        checks.ok(format!(
            "Redis {version} answers, keeps its rows and evicts none"
        ));
    }
    Ok((store.definitions().await?, store.stamps().await?))
}
