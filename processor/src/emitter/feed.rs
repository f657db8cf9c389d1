//! One partition's admissions on their way to the events topic.

use std::collections::VecDeque;
use std::time::Instant;

use log::{Batch, NewRecord};
use pipeline::admission::{Admission, Outcome};

use super::event;

/// The fold of a partition, and the events of it that are not acknowledged yet.
pub(super) struct Feed {
    admission: Admission,
    generation: u32,
    /// Whether the next record must be the last one folded.
    must_know: bool,
    /// Each with the offset of its admission, in their order.
    waiting: VecDeque<(u64, NewRecord)>,
    kept: u64,
    pub kept_at: Instant,
}

impl Feed {
    pub fn new(admission: Admission, generation: u32) -> Self {
        Self {
            generation,
            must_know: admission.last_offset().is_some(),
            waiting: VecDeque::new(),
            kept: admission.next_offset(),
            kept_at: Instant::now(),
            admission,
        }
    }

    /// Folds records; the event of each new admission waits.
    ///
    /// # Errors
    /// Why the log is another one than was folded.
    pub fn take(&mut self, batch: &Batch) -> Result<(), String> {
        for record in batch.records() {
            if std::mem::take(&mut self.must_know) && !self.admission.is_last(&record) {
                return Err(format!(
                    "the record at offset {} of the entries topic is not the one that was folded: the topic was made anew. Restore it; or, if it is meant, raise log.entries_generation",
                    record.offset
                ));
            }
            if let Outcome::Decided(decided) = self.admission.fold(&record)
                && let Some(event) = event::of(decided, self.generation)
            {
                self.waiting.push_back((record.offset, event));
            }
        }
        Ok(())
    }

    /// The first events that wait, at most so many.
    pub fn next(&self, most: usize) -> Vec<NewRecord> {
        let first = self.waiting.iter().take(most);
        first.map(|(_, event)| event.clone()).collect()
    }

    /// The first so many are acknowledged.
    pub fn acknowledged(&mut self, events: usize) {
        self.waiting.drain(..events);
    }

    /// The first offset of which not everything is acknowledged.
    pub fn position(&self) -> u64 {
        let first = self.waiting.front().map(|(offset, _)| *offset);
        first.unwrap_or_else(|| self.admission.next_offset())
    }

    /// The fold, where everything of it is acknowledged and not all of it is kept.
    pub fn to_keep(&self) -> Option<&Admission> {
        let is_due = self.waiting.is_empty() && self.kept != self.admission.next_offset();
        is_due.then_some(&self.admission)
    }

    /// What there is now is kept.
    pub fn is_kept(&mut self) {
        self.kept = self.admission.next_offset();
        self.kept_at = Instant::now();
    }
}
