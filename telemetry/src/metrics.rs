//! Metrics in the Prometheus text format, one recorder a process.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

/// Buckets of durations, seconds: from a millisecond to a quarter of an hour.
const SECONDS: [f64; 14] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 900.0,
];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// A recorder as [`install`] installs it, for a test that counts alone.
///
/// # Errors
/// When the buckets can't be used.
pub fn recorder() -> Result<PrometheusRecorder, BuildError> {
    Ok(PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .build_recorder())
}

/// Installs the recorder; once it is installed, calling again changes nothing.
///
/// # Errors
/// When another recorder was installed by someone else.
pub fn install() -> Result<(), BuildError> {
    if RECORDER.get().is_some() {
        return Ok(());
    }
    let recorder = recorder()?;
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)?;
    // Two threads at once: the second install above has failed already.
    let _ = RECORDER.set(handle);
    metrics::describe_gauge!("footfall_build_info", "1; the version is its label");
    metrics::gauge!("footfall_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(())
}

/// All metrics as text; empty before [`install`].
pub fn render() -> String {
    RECORDER.get().map_or_else(String::new, |handle| {
        handle.run_upkeep();
        handle.render()
    })
}
