//! Faults of a record, and what only looks like one.

use pipeline::definition::{NOT_AFTER_MS, NOT_BEFORE_MS};
use pipeline::record::Headers;
use prost::Message;
use schemas::headers;
use schemas::v1::{Amount, Event};

use crate::history::Sent;
use crate::random::Random;
use crate::writer::{DAY, HOUR, MINUTE, Writer};

/// Puts one or two faults into a record; its value.
pub fn put(writer: &mut Writer, mut event: Event, sent: &mut Sent) -> Vec<u8> {
    for _ in 0..1 + writer.random.below(2) {
        break_event(&mut writer.random, writer.clock, &mut event, sent);
    }
    let mut value = event.encode_to_vec();
    let random = &mut writer.random;
    match random.below(40) {
        0 => value.clear(),
        1 => value.truncate(random.below(value.len() as u64) as usize),
        2 => value[0] = 0xff,
        // A field of a later version: sound as long as the value is not too large.
        3 => pad(&mut value, random.pick(&[16_384, 16_385])),
        4 => value.resize(16_385, 0),
        _ => {}
    }
    value
}

/// Makes a value `length` bytes long with field 100, which no version has.
fn pad(value: &mut Vec<u8>, length: usize) {
    // Its tag takes two bytes, its length three.
    let rest = length.saturating_sub(value.len() + 5);
    value.extend([0xa2, 0x06]);
    value.extend([
        rest as u8 | 0x80,
        (rest >> 7) as u8 | 0x80,
        (rest >> 14) as u8,
    ]);
    value.resize(value.len() + rest, 0);
}

fn break_event(random: &mut Random, clock: i64, event: &mut Event, sent: &mut Sent) {
    let text = "x".repeat(random.pick(&[63, 64, 65, 127, 128, 129, 255, 256, 257, 2_048, 2_049]));
    let name = random
        .pick(&["__other__", "(none)", "a\tb", "a\u{9f}", " ", "*x", &text])
        .to_owned();
    match random.below(16) {
        0 => event.kind = random.pick(&[0, 6, -1, 261]),
        1 => event.event_id = random.pick(&[String::new(), name]),
        2 => {
            event.user_id = random.pick(&[String::new(), name]);
            sent.key = event.user_id.clone().into_bytes();
        }
        3 => event.campaign_id = name,
        4 => event.activity_id = name,
        5 => event.user_agent = text,
        6 => event.client_hints.get_or_insert_default().platform = text,
        7 => event.client_hints.get_or_insert_default().model = text,
        8 => {
            event.occurred_at_ms = random.pick(&[
                0,
                1,
                -1,
                NOT_BEFORE_MS - 1,
                NOT_BEFORE_MS,
                NOT_AFTER_MS - 1,
                NOT_AFTER_MS,
                i64::MIN,
                i64::MAX,
            ])
        }
        9 => {
            let ahead = [5 * MINUTE, 5 * MINUTE + 1, HOUR];
            let behind = [-HOUR, -HOUR - 1, -3 * DAY, -3 * DAY - 1];
            let off = random.pick(&[&ahead[..], &behind[..]].concat());
            event.occurred_at_ms = clock + off;
        }
        10 => {
            let near = event.occurred_at_ms;
            event.signed_up_at_ms = Some(random.pick(&[
                0,
                NOT_BEFORE_MS - 1,
                NOT_BEFORE_MS,
                near,
                near.saturating_add(1),
            ]));
        }
        11 => {
            event.amount = Some(Amount {
                minor_units: random.pick(&[-1, 0, 1, 1_000_000_000_001, i64::MIN]),
                currency: random.pick(&["", "krw", "KRWW", "K1W", "KRW"]).to_owned(),
            });
        }
        12 => sent.key = random.pick(&[Vec::new(), b"elsewhere".to_vec(), vec![b'k'; 257]]),
        13 => {
            event.user_id = "elsewhere".to_owned();
            sent.key = b"elsewhere".to_vec();
        }
        14 => sent.headers.clear(),
        _ => break_headers(random, sent),
    }
}

fn break_headers(random: &mut Random, sent: &mut Sent) {
    let name = random.pick(&[headers::SOURCE, headers::SEQUENCE, headers::REPLAY_OF]);
    let long = "s".repeat(129);
    let value = random.pick(&[
        "",
        "1",
        "-1",
        "+1",
        " 1",
        "007",
        "source-0",
        "0/1",
        "/1",
        "1/",
        "0/1/2",
        "0/+1",
        "a/b",
        "4294967296/0",
        "18446744073709551616",
        "18446744073709551615",
        &long,
    ]);
    let bytes = if random.chance(10) {
        &[0xff][..]
    } else {
        value.as_bytes()
    };
    Headers::push(&mut sent.headers, name, bytes);
}
