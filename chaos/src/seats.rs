//! Who was given a seat, and who the events say has entered: both logs, each folded by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::admission::{Admission, Decision, Outcome};
use pipeline::definition::Definition;
use pipeline::state::{self, State};
use prost::Message;
use schemas::headers;
use schemas::v1::Event;

use crate::topic::Topic;

/// How often, by activity and user.
pub type Counts = BTreeMap<(String, String), u64>;

/// What the two logs say differently, where every admission must count as entered once.
pub fn differences(entries: &Topic, events: &Topic, definition: &Arc<Definition>) -> Vec<String> {
    let (admitted, entered) = (admitted(entries), entered(events, definition));
    match admitted == entered {
        true => Vec::new(),
        false => vec![format!(
            "admitted are {admitted:?}, and entered {entered:?}"
        )],
    }
}

/// Who was given a seat.
pub fn admitted(entries: &Topic) -> Counts {
    let mut admitted = Counts::new();
    for partition in 0..entries.partitions() {
        let mut fold = Admission::new(partition, entries.partitions());
        entries.each(partition, 0, entries.end(partition), |record| {
            if let Outcome::Decided(decided) = fold.fold(&record)
                && decided.is_new
                && matches!(decided.decision, Decision::Admitted(_))
            {
                let whose = (decided.activity_id, decided.user_id);
                *admitted.entry(whose).or_default() += 1;
            }
        });
    }
    admitted
}

fn entered(events: &Topic, definition: &Arc<Definition>) -> Counts {
    let mut entered = Counts::new();
    for partition in 0..events.partitions() {
        let mut fold = State::new(definition.clone(), partition).unwrap();
        events.each(partition, 0, events.end(partition), |record| {
            let source = record.headers.get(headers::SOURCE).unwrap_or_default();
            let is_told = source.starts_with(b"admission:");
            let told = is_told.then(|| Event::decode(record.value).unwrap());
            if let (state::Outcome::Applied, Some(event)) = (fold.apply(record), told) {
                *entered
                    .entry((event.activity_id, event.user_id))
                    .or_default() += 1;
            }
        });
    }
    entered
}
