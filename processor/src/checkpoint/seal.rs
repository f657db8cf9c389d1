//! A hash over what the state digest doesn't cover: the head, the last record, letters to deliver.

use std::hash::Hasher;

use pipeline::rejection::DeadLetter;
use siphasher::sip::SipHasher13;

/// The seal of a checkpoint, kept with it. Letters are in the order of their offsets.
pub fn of(head: &str, last: Option<&str>, outbox: &[DeadLetter]) -> i64 {
    let mut hasher = SipHasher13::new();
    let mut put = |part: &[u8]| {
        hasher.write_u64(part.len() as u64);
        hasher.write(part);
    };
    put(head.as_bytes());
    put(last.unwrap_or_default().as_bytes());
    for letter in outbox {
        put(&letter.offset.to_le_bytes());
        put(&letter.appended_at.to_le_bytes());
        put(letter.rejection.reason.as_str().as_bytes());
        put(letter.rejection.detail.as_bytes());
        put(&letter.key);
        put(&letter.value);
        put(&letter.headers);
    }
    hasher.finish() as i64
}
