//! `footfall entry`: the gateway, from HTTP to Kafka.

use std::sync::Arc;

use crate::checks;
use crate::config::Config;
use crate::process::stop_requested;
use crate::set::Log;

/// Serves until it is asked to stop.
///
/// # Errors
/// When a topic can lose acknowledged data, or the address can't be had.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let listener = web::Listener::open(&config.listener()).await?;
    let checked = config.clone();
    tokio::task::spawn_blocking(move || checks::topics(&checked).settle()).await??;
    let log = Log::open(&config)?;
    let gateway = entry::Gateway::new(log.producer(&config.topics().events)?)?
        .with_metrics(Arc::new(telemetry::metrics::render))
        .with_guard(listener.guard());
    let stopping = stop_requested();
    tracing::info!(listen = %listener.address()?, scheme = listener.scheme(), "taking events");
    listener.serve(entry::router(gateway), stopping).await?;
    Ok(())
}
