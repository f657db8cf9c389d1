//! The 64-bit keyed hashes by which a state knows users and their events: no ids are kept.
//!
//! Among n ids any two share a hash with probability n² / 2^65. The key is the definition's and random,
//! so that nobody can choose ids that do. `footfall verify`, which knows ids whole, names those that did.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// The hash of the parts one after the other, under a key's two halves.
pub fn hash(key: (u64, u64), parts: &[&[u8]]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(key.0, key.1);
    for part in parts {
        hasher.write(part);
    }
    hasher.finish()
}

/// What stands for a user.
pub fn of_user(hash: impl Fn(&[&[u8]]) -> u64, user_id: &str) -> u64 {
    hash(&[user_id.as_bytes()])
}

/// What stands for an event of the user that `user` stands for.
pub fn of_event(hash: impl Fn(&[&[u8]]) -> u64, user: u64, event_id: &str) -> u64 {
    hash(&[&user.to_le_bytes(), event_id.as_bytes()])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use prost::Message;
    use schemas::v1::{Event, Kind};

    use super::*;
    use crate::definition::Definition;
    use crate::record::{Headers, Record};
    use crate::state::{Outcome, State};

    #[test]
    fn a_state_knows_users_and_events_by_these_hashes() {
        let definition = Definition {
            partitions: 1,
            hash_key: "00112233445566778899aabbccddeeff".to_owned(),
            ..Definition::default()
        };
        let key = definition.key().unwrap();
        let mut state = State::new(Arc::new(definition), 0).unwrap();
        let event = Event {
            event_id: "one".to_owned(),
            user_id: "u".to_owned(),
            kind: Kind::Visit as i32,
            occurred_at_ms: 1_773_100_800_000,
            ..Event::default()
        };
        let outcome = state.apply(Record {
            offset: 0,
            appended_at: event.occurred_at_ms,
            key: b"u",
            value: &event.encode_to_vec(),
            headers: Headers(&[]),
        });
        assert_eq!(outcome, Outcome::Applied);
        let hash = |parts: &[&[u8]]| hash(key, parts);
        let user = of_user(hash, "u");
        assert!(state.users.iter().map(|(known, _)| known).eq([user]));
        assert!(state.window.contains(of_event(hash, user, "one")));
    }
}
