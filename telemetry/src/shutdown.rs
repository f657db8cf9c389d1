//! The wish to stop, by Ctrl-C or SIGTERM.

/// Returns when the process is asked to stop.
///
/// # Errors
/// When the operating system takes no signal handler.
pub async fn requested() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
