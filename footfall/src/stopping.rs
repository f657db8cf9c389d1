//! The wish that the process stops, also while it still starts.

use std::pin::Pin;

/// Completes when the process is asked to stop.
pub(crate) type Stopping = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Listens from now on, so that no signal is missed.
pub(crate) fn stop_requested() -> Stopping {
    let requested = telemetry::shutdown::requested();
    Box::pin(async move {
        match requested {
            Ok(requested) => requested.await,
            Err(error) => {
                tracing::error!(%error, "no signal handler; stop this process by kill -9");
                std::future::pending::<()>().await;
            }
        }
    })
}

/// What `starting` comes to; `None` where the process is asked to stop before that: it holds nothing yet that could be
/// lost, and whatever it waits for may be away for long.
pub(crate) async fn unless_stopped<T>(
    stopping: &mut Stopping,
    starting: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Option<T>> {
    tokio::select! {
        biased;
        () = stopping => {
            tracing::info!("asked to stop before it had started");
            Ok(None)
        }
        started = starting => started.map(Some),
    }
}
