//! Makes a failing run short: leaves out steps as long as it still fails.

use crate::run::run;

/// The fewest steps found that still fail in the same place, of those that failed.
pub fn shrink(seed: u64, steps: Vec<u64>) -> Vec<u64> {
    let fails = |steps: &[u64]| {
        run(seed, steps, false)
            .err()
            .map(|broken| broken.place().to_owned())
    };
    let whole = fails(&steps);
    let mut left = steps;
    let mut size = left.len().div_ceil(2);
    while size > 0 {
        let mut start = 0;
        while start < left.len() {
            let end = left.len().min(start + size);
            let without: Vec<u64> = [&left[..start], &left[end..]].concat();
            if fails(&without) == whole {
                left = without;
            } else {
                start = end;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    left
}
