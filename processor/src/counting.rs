//! What this process has folded, as counters. Each process counts its own share, from where a partition came to it: a sum
//! over processes is what was folded, however often a partition moved.

use ::metrics::counter;
use pipeline::rejection::Reason;
use pipeline::state::{State, Tally};

use crate::metrics::{DEAD_LETTERS, EVENTS, LIMITS_MET};

/// Counts one partition of this process.
pub(crate) struct Counting {
    partition: String,
    counted: Tally,
    limits_met: (u64, u64),
}

impl Counting {
    /// From this state on: what it was restored with was counted by another process, or by an earlier one.
    pub fn from(state: &State) -> Self {
        let counting = Self {
            partition: state.partition().to_string(),
            counted: state.tally().clone(),
            limits_met: state.limits_met(),
        };
        // A rate needs a first value.
        counting.add(state);
        counting
    }

    /// Adds what was folded since the last call.
    pub fn count(&mut self, state: &State) {
        if state.tally().consumed == self.counted.consumed {
            return;
        }
        self.add(state);
        self.counted = state.tally().clone();
        self.limits_met = state.limits_met();
    }

    fn add(&self, state: &State) {
        let (tally, before) = (state.tally(), &self.counted);
        let refused = tally.all_dead_lettered() - before.all_dead_lettered();
        let late = tally.late - before.late;
        for (outcome, new) in [
            ("applied", tally.applied - before.applied),
            ("duplicate", tally.duplicate - before.duplicate),
            ("late", late),
            ("dead_lettered", refused),
        ] {
            counter!(EVENTS, "partition" => self.partition.clone(), "outcome" => outcome)
                .increment(new);
        }
        let counts = tally.dead_lettered.iter().zip(before.dead_lettered);
        for (reason, (now, before)) in Reason::ALL.iter().zip(counts) {
            let new = match reason {
                Reason::Late => late,
                _ => now - before,
            };
            if new > 0 {
                counter!(DEAD_LETTERS, "partition" => self.partition.clone(), "reason" => reason.as_str())
                    .increment(new);
            }
        }
        let ((names, contributions), before) = (state.limits_met(), self.limits_met);
        for (limit, new) in [
            ("names", names - before.0),
            ("contributions", contributions - before.1),
        ] {
            counter!(LIMITS_MET, "partition" => self.partition.clone(), "limit" => limit)
                .increment(new);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use pipeline::definition::Definition;
    use pipeline::record::{Headers, Record};

    use super::*;

    fn state() -> State {
        let definition = Arc::new(Definition {
            hash_key: "00".repeat(16),
            ..Definition::default()
        });
        State::with_readers(definition, 3, &[]).unwrap()
    }

    /// Records that are refused, for they hold no event.
    fn fold(state: &mut State, count: u64) {
        let from = state.next_offset();
        for offset in from..from + count {
            let _ = state.apply(Record {
                offset,
                appended_at: 1,
                key: b"someone",
                value: &[0xff; 9],
                headers: Headers(&[]),
            });
        }
    }

    #[test]
    fn a_partition_that_comes_back_adds_only_what_was_folded_here() {
        let recorder = telemetry::metrics::recorder().unwrap();
        let _here = ::metrics::set_default_local_recorder(&recorder);
        let says = |name: &str, label: &str, value: u64| {
            let line = format!("{name}{{partition=\"3\",{label}}} {value}");
            let text = recorder.handle().render();
            assert!(
                text.lines().any(|of| of == line),
                "{line} is not in\n{text}"
            );
        };
        let mut state = state();
        fold(&mut state, 5);
        let mut here = Counting::from(&state);
        says(EVENTS, "outcome=\"dead_lettered\"", 0);
        fold(&mut state, 2);
        here.count(&state);
        here.count(&state);
        says(EVENTS, "outcome=\"dead_lettered\"", 2);
        // Another process has it for a while.
        fold(&mut state, 100);
        let mut here = Counting::from(&state);
        fold(&mut state, 1);
        here.count(&state);
        says(EVENTS, "outcome=\"dead_lettered\"", 3);
        says(DEAD_LETTERS, "reason=\"bad_bytes\"", 3);
    }
}
