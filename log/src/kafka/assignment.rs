//! The partitions that are ours, and the records of one poll. Decides which records are delivered.
//!
//! A record is delivered only if its partition is assigned and not halted and its offset is past the last
//! one delivered: what was fetched for an earlier assignment, or twice, is dropped.

use crate::{BatchBuilder, Delivery};

/// Bytes one poll delivers before it ends.
const POLL_BYTES: usize = 16 << 20;

#[derive(Default)]
pub(super) struct Assignment {
    /// By partition; `None` is not ours.
    slots: Vec<Option<Slot>>,
    /// In the batches being filled.
    bytes: usize,
}

struct Slot {
    next_offset: u64,
    paused: bool,
    halted: bool,
    filling: BatchBuilder,
}

impl Assignment {
    /// A partition is ours; its first record is at `start` or later.
    pub(super) fn assign(&mut self, partition: u32, start: u64) {
        let index = partition as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        self.slots[index] = Some(Slot {
            next_offset: start,
            paused: false,
            halted: false,
            filling: BatchBuilder::new(partition),
        });
    }

    /// A partition is no longer ours. Deliver what was taken before.
    pub(super) fn revoke(&mut self, partition: u32) {
        if let Some(slot) = self.slots.get_mut(partition as usize) {
            *slot = None;
        }
    }

    /// Nothing of the partition is delivered until it is assigned anew.
    pub(super) fn halt(&mut self, partition: u32) {
        if let Some(slot) = self.slot(partition) {
            slot.halted = true;
        }
    }

    /// Notes that a partition is paused, or not. Whether the client must be told.
    pub(super) fn pause(&mut self, partition: u32, paused: bool) -> bool {
        match self.slot(partition) {
            Some(slot) if !slot.halted && slot.paused != paused => {
                slot.paused = paused;
                true
            }
            _ => false,
        }
    }

    /// Where each partition that is delivered goes on.
    pub(super) fn active(&self) -> impl Iterator<Item = (u32, u64)> {
        (0..)
            .zip(&self.slots)
            .filter_map(|(partition, slot)| Some((partition, slot.as_ref()?)))
            .filter(|(_, slot)| !slot.halted)
            .map(|(partition, slot)| (partition, slot.next_offset))
    }

    /// The batch to copy a record into; `None` when the record must be dropped.
    pub(super) fn take(&mut self, partition: u32, offset: u64) -> Option<&mut BatchBuilder> {
        let slot = self.slot(partition)?;
        if slot.halted || offset < slot.next_offset {
            return None;
        }
        slot.next_offset = offset + 1;
        Some(&mut slot.filling)
    }

    /// Counts a record taken. Whether the poll must end: a batch, or all together, are full.
    pub(super) fn taken(&mut self, partition: u32, bytes: usize) -> bool {
        self.bytes += bytes;
        let full = self
            .slot(partition)
            .is_some_and(|slot| slot.filling.is_full());
        full || self.bytes >= POLL_BYTES
    }

    /// Moves the batches filled so far into `deliveries`.
    pub(super) fn deliver(&mut self, deliveries: &mut Vec<Delivery>) {
        for slot in self.slots.iter_mut().flatten() {
            if !slot.filling.is_empty() {
                deliveries.push(Delivery::Batch(slot.filling.take()));
            }
        }
        self.bytes = 0;
    }

    fn slot(&mut self, partition: u32) -> Option<&mut Slot> {
        self.slots.get_mut(partition as usize)?.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(assignment: &mut Assignment, partition: u32, offset: u64) {
        if let Some(batch) = assignment.take(partition, offset) {
            batch.push(offset, 0, b"", b"", |_| ());
        }
    }

    fn delivered(assignment: &mut Assignment) -> Vec<(u32, u64)> {
        let mut deliveries = Vec::new();
        assignment.deliver(&mut deliveries);
        deliveries
            .iter()
            .flat_map(|delivery| match delivery {
                Delivery::Batch(batch) => batch
                    .records()
                    .map(|record| (batch.partition, record.offset))
                    .collect(),
                _ => Vec::new(),
            })
            .collect()
    }

    #[test]
    fn records_of_a_revoked_partition_are_dropped() {
        let mut assignment = Assignment::default();
        assignment.assign(1, 0);
        assignment.assign(2, 0);
        offer(&mut assignment, 1, 0);
        assert_eq!(delivered(&mut assignment), [(1, 0)]);
        assignment.revoke(1);
        for partition in [0, 1, 2, 3] {
            offer(&mut assignment, partition, 1);
        }
        assert_eq!(delivered(&mut assignment), [(2, 1)]);
        assert_eq!(assignment.active().collect::<Vec<_>>(), [(2, 2)]);
    }

    #[test]
    fn offsets_must_rise_and_may_have_gaps() {
        let mut assignment = Assignment::default();
        assignment.assign(0, 5);
        for offset in [4, 5, 5, 9, 7, 10] {
            offer(&mut assignment, 0, offset);
        }
        assert_eq!(delivered(&mut assignment), [(0, 5), (0, 9), (0, 10)]);
    }

    #[test]
    fn an_assignment_anew_goes_back_to_its_own_start() {
        let mut assignment = Assignment::default();
        assignment.assign(0, 100);
        offer(&mut assignment, 0, 150);
        delivered(&mut assignment);
        assignment.revoke(0);
        assignment.assign(0, 120);
        offer(&mut assignment, 0, 119);
        offer(&mut assignment, 0, 120);
        assert_eq!(delivered(&mut assignment), [(0, 120)]);
    }

    #[test]
    fn a_halted_partition_can_not_be_resumed() {
        let mut assignment = Assignment::default();
        assignment.assign(0, 0);
        assignment.halt(0);
        assert!(!assignment.pause(0, false));
        offer(&mut assignment, 0, 0);
        assert_eq!(delivered(&mut assignment), []);
        assert_eq!(assignment.active().count(), 0);
    }

    #[test]
    fn the_client_is_told_of_a_pause_once() {
        let mut assignment = Assignment::default();
        assignment.assign(0, 0);
        let told = [true, true, false, false].map(|paused| assignment.pause(0, paused));
        assert_eq!(told, [true, false, true, false]);
        assert!(!assignment.pause(1, true), "not ours");
    }
}
