//! What a measurement is made on, and what a process has used of it. Linux only.

use std::fmt::Arguments;
use std::fs::read_to_string;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// The clock ticks in which Linux counts CPU time: 100 a second on every common machine.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds of this process so far, user and system, all threads.
pub fn cpu_seconds() -> f64 {
    let stat = read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may hold spaces; the fields behind it don't.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or(Vec::new(), |(_, rest)| rest.split_whitespace().collect());
    let ticks = |field: usize| -> f64 {
        fields
            .get(field)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// MiB of memory this process has resident now.
pub fn resident_mib() -> u64 {
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kib| kib / 1024)
}

/// The processor's model and how many of them there are.
pub fn describe() -> String {
    let info = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(':'))
        .map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} × {model}")
}

/// The load average of the last minute: what else the machine was doing.
pub fn load() -> String {
    let load = read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().next().unwrap_or("?").to_owned()
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// The results, for the reader of standard output.
pub fn print(text: &str) {
    // Nobody reads it where standard output is closed.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Progress, for whoever waits.
pub fn progress(text: Arguments<'_>) {
    // A closed standard error is nobody's loss.
    let _ = writeln!(std::io::stderr(), "{text}");
}
