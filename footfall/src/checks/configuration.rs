//! Whether the configuration can be used at all.

use super::Checks;
use crate::config::Config;

/// Checks the configuration and completes its definition.
pub(super) fn check(config: &mut Config) -> Checks {
    let mut checks = Checks::of("configuration");
    for problem in config.problems(true) {
        checks.refused(problem);
    }
    if !checks.is_empty() {
        return checks;
    }
    if let Err(error) = config.complete() {
        checks.refused(error.to_string());
        return checks;
    }
    let log = if config.is_embedded() {
        format!("the embedded log in {}", config.data.display())
    } else {
        format!("Kafka at {}", config.log.brokers)
    };
    checks.ok(format!(
        "nothing in it keeps Footfall from working: {log}, definition {}",
        config.definition.id()
    ));
    for open in config.open_wires() {
        checks.warning(open);
    }
    checks
}
