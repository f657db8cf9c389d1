//! Which records are set aside, and for which reason.

use pipeline::rejection::Reason;
use processor::verify::Judgement::Applied;
use schemas::headers;
use schemas::partition::partition_of;
use schemas::v1::{Amount, ClientHints, Kind};

use crate::given::{Log, Sent, at, dead, sent, seoul, visit};

const NOON: &str = "2026-03-10T12:00:00+09:00";

fn noon() -> Sent {
    visit("u", NOON)
}

fn purchase() -> Sent {
    sent(Kind::Purchase, "u", NOON)
}

fn sign_up() -> Sent {
    sent(Kind::SignUp, "u", NOON)
}

fn hinted(platform: &str, model: &str) -> Sent {
    noon().change(|event| {
        event.client_hints = Some(ClientHints {
            mobile: None,
            platform: platform.to_owned(),
            model: model.to_owned(),
        });
    })
}

/// The judgement of one record in a log of its own.
#[track_caller]
fn judged(sent: Sent, expected: Option<Reason>) {
    let expected = expected.map_or(Applied, dead);
    assert_eq!(Log::new(&seoul()).take(sent), expected);
}

#[test]
fn an_empty_or_undecodable_value_is_bad_bytes() {
    judged(noon().value(""), Some(Reason::BadBytes));
    judged(noon().value([0xff, 0xff, 0xff]), Some(Reason::BadBytes));
    // Field 1, a string, that is not UTF-8.
    judged(noon().value([0x0a, 0x01, 0xff]), Some(Reason::BadBytes));
}

#[test]
fn a_value_over_16_kib_or_a_key_over_256_bytes_is_too_large() {
    let padded = |length: usize| {
        let mut value = prost::Message::encode_to_vec(&noon().event);
        // An unknown field: tag 100, length-delimited, of three length bytes.
        let rest = length - value.len() - 2 - 3;
        value.extend([0xa2, 0x06]);
        value.extend([
            rest as u8 | 0x80,
            (rest >> 7) as u8 | 0x80,
            (rest >> 14) as u8,
        ]);
        value.resize(length, 0);
        noon().value(value)
    };
    judged(padded(16_384), None);
    judged(padded(16_385), Some(Reason::TooLarge));
    judged(noon().key([b'k'; 257]), Some(Reason::TooLarge));
    judged(noon().key([b'k'; 256]), Some(Reason::Misrouted));
}

#[test]
fn an_unspecified_or_unknown_kind_is_unknown_kind() {
    for kind in [0, 6, -1, 256, 257] {
        judged(
            noon().change(|event| event.kind = kind),
            Some(Reason::UnknownKind),
        );
    }
}

#[test]
fn an_id_that_is_missing_too_long_reserved_or_unprintable_is_bad_id() {
    let bad = Some(Reason::BadId);
    let text = |length: usize| "x".repeat(length);
    judged(noon().id(""), bad);
    judged(noon().id(&text(128)), None);
    judged(noon().id(&text(129)), bad);
    judged(noon().id("a\nb"), bad);
    judged(noon().id("a\u{85}b"), bad);
    judged(visit("", NOON), bad);
    judged(visit(&text(256), NOON).id("one"), None);
    judged(visit(&text(257), NOON).id("one").key("x"), bad);
    judged(visit("a\u{7f}", NOON), bad);
    for named in [
        |sent: Sent, name: &str| sent.change(|event| event.campaign_id = name.to_owned()),
        |sent: Sent, name: &str| sent.change(|event| event.activity_id = name.to_owned()),
    ] {
        judged(named(noon(), &text(128)), None);
        judged(named(noon(), &text(129)), bad);
        judged(named(noon(), "tab\t"), bad);
        judged(named(noon(), "__other__"), bad);
        judged(named(noon(), "(none)"), None);
    }
    // Bytes are counted, not letters: 43 letters of three bytes are 129.
    judged(noon().id(&"가".repeat(42)), None);
    judged(noon().id(&"가".repeat(43)), bad);
    judged(noon().id("__other__"), None);
}

#[test]
fn a_long_user_agent_or_hint_is_bad_user_agent() {
    let bad = Some(Reason::BadUserAgent);
    judged(noon().with(&"x".repeat(2_048)), None);
    judged(noon().with(&"x".repeat(2_049)), bad);
    judged(hinted(&"x".repeat(64), &"x".repeat(64)), None);
    judged(hinted(&"x".repeat(65), ""), bad);
    judged(hinted("", &"x".repeat(65)), bad);
}

#[test]
fn a_time_that_is_absent_or_before_2005_is_bad_time_or_too_old() {
    let occurred = |ms: i64| noon().change(|event| event.occurred_at_ms = ms);
    judged(occurred(0), Some(Reason::BadTime));
    judged(occurred(-1), Some(Reason::TooOld));
    judged(occurred(1), Some(Reason::TooOld));
    judged(occurred(i64::MIN), Some(Reason::TooOld));
    judged(visit("u", "2004-12-31T23:59:59.999Z"), Some(Reason::TooOld));
    judged(visit("u", "2005-01-01T00:00:00Z"), None);
}

#[test]
fn a_sign_up_time_is_for_sign_ups_and_not_after_the_event() {
    let bad = Some(Reason::BadTime);
    judged(sign_up().signed_up(NOON), None);
    judged(sign_up().signed_up("2005-01-01T00:00:00Z"), None);
    judged(sign_up().signed_up("2004-12-31T23:59:59.999Z"), bad);
    judged(sign_up().signed_up("2026-03-10T12:00:00.001+09:00"), bad);
    judged(
        sign_up().change(|event| event.signed_up_at_ms = Some(0)),
        bad,
    );
    judged(noon().signed_up(NOON), bad);
    judged(purchase().signed_up(NOON), bad);
}

#[test]
fn an_amount_is_for_purchases_and_not_negative_and_has_a_currency() {
    let bad = Some(Reason::BadAmount);
    judged(purchase().paid(1, "KRW"), None);
    judged(purchase().paid(0, "KRW"), None);
    judged(purchase().paid(1_000_000_000_000, "KRW"), None);
    judged(purchase().paid(1_000_000_000_001, "KRW"), bad);
    judged(purchase().paid(-1, "KRW"), bad);
    for code in ["", "krw", "KR", "KRWX", "K W", "KR1", "ＫＲＷ"] {
        judged(purchase().paid(1, code), bad);
    }
    judged(noon().paid(1, "KRW"), bad);
    judged(sign_up().paid(1, "KRW"), bad);
    judged(
        purchase().change(|event| event.amount = Some(Amount::default())),
        bad,
    );
}

#[test]
fn headers_that_cannot_be_read_or_are_half_a_pair_are_bad_header() {
    let bad = Some(Reason::BadHeader);
    judged(noon().source("s", 0), None);
    judged(noon().source("s", u64::MAX), None);
    judged(noon().source(&"s".repeat(128), 1), None);
    judged(noon().source(&"s".repeat(129), 1), bad);
    judged(noon().source("", 1), bad);
    judged(noon().header(headers::SOURCE, "s"), bad);
    judged(noon().header(headers::SEQUENCE, "1"), bad);
    judged(
        noon()
            .header(headers::SOURCE, [0xff])
            .header(headers::SEQUENCE, "1"),
        bad,
    );
    for sequence in [
        "",
        "-1",
        "+1",
        " 1",
        "1 ",
        "0x1",
        "1.0",
        "18446744073709551616",
    ] {
        judged(
            noon()
                .header(headers::SOURCE, "s")
                .header(headers::SEQUENCE, sequence),
            bad,
        );
    }
    judged(noon().replay_of("3/18446744073709551615"), None);
    for coordinates in [
        "",
        "3",
        "3/",
        "/3",
        "3/4/5",
        "a/3",
        "4294967296/1",
        "3/-1",
        "3 /4",
    ] {
        judged(noon().replay_of(coordinates), bad);
    }
    judged(noon().header("traceparent", [0xff]), None);
}

#[test]
fn enter_without_a_source_is_bad_header() {
    judged(sent(Kind::Enter, "u", NOON), Some(Reason::BadHeader));
    judged(
        sent(Kind::Enter, "u", NOON).replay_of("0/7"),
        Some(Reason::BadHeader),
    );
    judged(sent(Kind::Enter, "u", NOON).source("admission/1", 7), None);
}

#[test]
fn more_than_five_minutes_ahead_of_log_time_is_future_save_for_enter() {
    let appended = |sent: Sent| sent.appended(NOON);
    judged(appended(visit("u", "2026-03-10T12:05:00+09:00")), None);
    judged(
        appended(visit("u", "2026-03-10T12:05:00.001+09:00")),
        Some(Reason::Future),
    );
    judged(
        appended(sent(Kind::Enter, "u", "2026-03-10T13:00:00+09:00").source("admission/1", 1)),
        None,
    );
}

#[test]
fn from_2149_on_everything_is_future() {
    let last = "2148-12-31T23:59:59.999Z";
    let beyond = "2149-01-01T00:00:00Z";
    let enter = |instant| sent(Kind::Enter, "u", instant).source("admission/1", 1);
    judged(visit("u", last), None);
    judged(visit("u", beyond), Some(Reason::Future));
    judged(enter(last).appended(NOON), None);
    judged(enter(beyond).appended(NOON), Some(Reason::Future));
    judged(
        enter(last).change(|event| event.occurred_at_ms = i64::MAX),
        Some(Reason::Future),
    );
}

#[test]
fn log_time_is_the_greatest_append_time_so_far() {
    // given a record appended at noon
    let mut log = Log::new(&seoul());
    log.apply([noon()]);
    // when a later record's append time went back by an hour, and its event lies 5 minutes after noon
    let back = |instant| visit("u", instant).appended("2026-03-10T11:00:00+09:00");
    // then it is judged by noon
    log.apply([back("2026-03-10T12:05:00+09:00")]);
    assert_eq!(
        log.take(back("2026-03-10T12:05:00.001+09:00")),
        dead(Reason::Future)
    );
    // and a record's own append time counts for itself, also when it is set aside
    let bad = visit("", NOON).appended("2026-03-10T12:10:00+09:00");
    assert_eq!(log.take(bad), dead(Reason::BadId));
    log.apply([back("2026-03-10T12:15:00+09:00")]);
}

#[test]
fn a_key_that_is_not_the_user_id_or_belongs_elsewhere_is_misrouted() {
    let mut definition = seoul();
    definition.partitions = 12;
    let home = partition_of(b"u", 12);
    assert_eq!(Log::of_partition(&definition, home).take(noon()), Applied);
    let elsewhere = (home + 1) % 12;
    assert_eq!(
        Log::of_partition(&definition, elsewhere).take(noon()),
        dead(Reason::Misrouted)
    );
    judged(noon().key("v"), Some(Reason::Misrouted));
    judged(noon().key(""), Some(Reason::Misrouted));
}

/// Puts a fault into a record.
type Fault = fn(Sent) -> Sent;

/// One change for each fault, in the order of judgement. A record is given a fault and every later one.
#[test]
fn of_several_faults_the_first_in_order_names_the_reason() {
    let faults: [(Reason, Fault); 9] = [
        (Reason::TooLarge, |sent| {
            let value = [
                prost::Message::encode_to_vec(&sent.event),
                vec![0xff; 16_384],
            ]
            .concat();
            sent.value(value)
        }),
        (Reason::BadBytes, |sent| {
            let value = [prost::Message::encode_to_vec(&sent.event), vec![0xff]].concat();
            sent.value(value)
        }),
        (Reason::BadHeader, |sent| {
            sent.header(headers::SEQUENCE, "x")
        }),
        (Reason::UnknownKind, |sent| {
            sent.change(|event| event.kind = 9)
        }),
        (Reason::BadId, |sent| {
            sent.change(|event| event.event_id.clear())
        }),
        (Reason::BadUserAgent, |sent| sent.with(&"x".repeat(2_049))),
        (Reason::BadTime, |sent| {
            sent.change(|event| event.signed_up_at_ms = Some(1))
        }),
        (Reason::BadAmount, |sent| sent.paid(-1, "KRW")),
        (Reason::Future, |sent| {
            sent.appended("2026-03-10T11:00:00+09:00")
        }),
    ];
    for first in 0..faults.len() {
        let broken = faults[first..]
            .iter()
            .rev()
            .fold(noon().key("elsewhere"), |sent, (_, fault)| fault(sent));
        judged(broken, Some(faults[first].0));
    }
    // An Enter without source: after a bad amount, before misrouted; too old before a bad amount.
    let enter = || sent(Kind::Enter, "u", NOON).key("elsewhere");
    judged(enter(), Some(Reason::BadHeader));
    judged(enter().paid(1, "KRW"), Some(Reason::BadAmount));
    let old = |sent: Sent| sent.change(|event| event.occurred_at_ms = 1);
    judged(old(enter().paid(1, "KRW")), Some(Reason::TooOld));
    judged(
        old(noon().with(&"x".repeat(2_049))),
        Some(Reason::BadUserAgent),
    );
}

#[test]
fn what_is_set_aside_is_listed_and_counted_and_in_no_cell() {
    let mut log = Log::new(&seoul());
    log.apply([noon()]);
    let before = log.view();
    log.take(noon().value("?"));
    log.take(visit("", NOON));
    log.take(visit("", NOON));
    assert_eq!(log.view(), before);
    assert_eq!(
        log.oracle.dead_letters(),
        [
            (1, Reason::BadBytes),
            (2, Reason::BadId),
            (3, Reason::BadId)
        ]
    );
    let tallies = log.tallies();
    assert_eq!((tallies.consumed, tallies.applied), (4, 1));
    assert_eq!(
        tallies.dead_lettered.iter().collect::<Vec<_>>(),
        [(&Reason::BadBytes, &1), (&Reason::BadId, &2)]
    );
}

#[test]
fn records_are_taken_once_and_in_offset_order() {
    use pipeline::record::{Headers, Record};
    let mut log = Log::new(&seoul());
    let record = |offset| Record {
        offset,
        appended_at: at(NOON),
        key: b"",
        value: b"",
        headers: Headers::default(),
    };
    log.oracle.take(record(4)).expect("offsets may have gaps");
    log.oracle.take(record(9)).expect("offsets may have gaps");
    assert_eq!(log.oracle.next_offset(), 10);
    assert!(log.oracle.take(record(9)).is_err());
    assert!(log.oracle.take(record(8)).is_err());
    assert_eq!(log.tallies().consumed, 2);
}
