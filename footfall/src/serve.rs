//! `footfall api`: answers from Redis and OpenSearch, and the page.

use std::sync::Arc;

use anyhow::bail;
use views::Views;

use crate::config::Config;
use crate::set::{Stores, Use};
use crate::stopping::{stop_requested, unless_stopped};

/// Serves until it is asked to stop.
///
/// # Errors
/// When no store is named, one can't hold the views, or the address can't be bound. What a store
/// that is down can't answer is a problem of status 503 until it is back, and `/readyz` names it.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut stopping = stop_requested();
    let listener = web::Listener::open(&config.listener()).await?;
    let connecting = async { Ok(Stores::connect(&config, Use::Read).await?) };
    let Some(stores) = unless_stopped(&mut stopping, connecting).await? else {
        return Ok(());
    };
    let hot = stores.redis.clone().map(|store| store as Arc<dyn Views>);
    let history = stores
        .opensearch
        .clone()
        .map(|store| store as Arc<dyn Views>);
    let definition = Arc::new(config.definition.clone());
    let state = match (hot, history) {
        (Some(hot), Some(history)) => api::State::new(hot, definition)?.with_history(history),
        (Some(store), None) | (None, Some(store)) => api::State::new(store, definition)?,
        (None, None) => {
            bail!("`footfall api` reads from a store: name one with --redis or --opensearch")
        }
    };
    let state = state
        .with_readiness(Arc::new(move || stores.ready()))
        .with_metrics(Arc::new(telemetry::metrics::render))
        .with_guard(listener.guard());
    tracing::info!(listen = %listener.address()?, scheme = listener.scheme(), definition = config.definition.id(), "serving");
    listener.serve(api::router(state), stopping).await?;
    Ok(())
}
