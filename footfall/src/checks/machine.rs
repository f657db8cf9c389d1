//! Whether the machine has what the configuration lets Footfall use.

use super::Checks;
use crate::config::Config;

/// Beside the state a process needs memory for batches, images on their way to the stores, and checkpoints.
const STATE_SHARE: f64 = 0.8;

/// Checks the memory limit against the memory that this process may have.
pub(super) fn check(config: &Config) -> Checks {
    let mut checks = Checks::of("memory");
    let limit = config.processor.memory_mib;
    let Some(most) = available_mib() else {
        checks.ok(format!(
            "partitions pause at {limit} MiB of state; this machine doesn't say how much it has"
        ));
        return checks;
    };
    let sound = (most as f64 * STATE_SHARE) as u64;
    if limit > sound {
        checks.warning(format!(
            "processor.memory_mib is {limit}, and this process may have {most} MiB: it would be killed before its partitions pause; set processor.memory_mib to {sound} or less"
        ));
    } else {
        checks.ok(format!(
            "partitions pause at {limit} MiB of state; this process may have {most} MiB"
        ));
    }
    checks
}

/// What the machine has, or less where a control group allows less. Linux says both in files.
fn available_mib() -> Option<u64> {
    let total = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = total
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"))?
        .parse::<u64>()
        .ok()?
        >> 10;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    Some(group.map_or(total, |bytes| total.min(bytes >> 20)))
}
