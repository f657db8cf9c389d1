//! Structured logs on standard error.

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. `filter` is in the form of `RUST_LOG`, for example `info,views=debug`.
///
/// # Errors
/// When the filter can't be read, or logging was started before.
pub fn start(filter: &str, format: Format) -> Result<(), String> {
    let filter = read(filter)?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr);
    let started = match format {
        Format::Text => logs.try_init(),
        Format::Json => logs.json().try_init(),
    };
    started.map_err(|error| format!("logging can't be started: {error}"))
}

/// JSON lines as [`start`] writes them, into `to`: for a test that reads them.
///
/// # Errors
/// When the filter can't be read.
pub fn json_lines<W>(filter: &str, to: W) -> Result<impl tracing::Subscriber + Send + Sync, String>
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    Ok(tracing_subscriber::fmt()
        .with_env_filter(read(filter)?)
        .with_ansi(false)
        .with_writer(to)
        .json()
        .finish())
}

/// Whether `filter` can be read.
///
/// # Errors
/// The sentence that says why not.
pub fn check(filter: &str) -> Result<(), String> {
    read(filter).map(|_| ())
}

fn read(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(filter)
        .map_err(|error| format!("log filter {filter:?} can't be read: {error}"))
}
