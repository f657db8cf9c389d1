//! New and returning: by the local day of first_seen, whatever the order of the log.

use schemas::v1::Kind;

use crate::given::{GOOGLEBOT, IPHONE, Log, Sent, WINDOWS, sent, seoul, visit};

/// Morning of a day of March 2026 in Seoul.
fn day(user: &str, day: u8) -> Sent {
    visit(user, &format!("2026-03-{day:02}T09:00:00+09:00")).appended("2026-03-31T00:00:00+09:00")
}

fn sign_up(user: &str, day: u8) -> Sent {
    sent(
        Kind::SignUp,
        user,
        &format!("2026-03-{day:02}T10:00:00+09:00"),
    )
    .appended("2026-03-31T00:00:00+09:00")
}

#[test]
fn a_user_is_new_on_the_first_day_and_returning_afterwards() {
    let mut log = Log::new(&seoul());
    let evening = visit("u", "2026-03-10T23:00:00+09:00").appended("2026-03-31T00:00:00+09:00");
    log.apply([day("u", 10), evening, day("u", 11)]);
    assert_eq!(
        log.lines("(none) * day"),
        [
            "(none) * day:2026-03-10 counts brand.visit.other = 2",
            "(none) * day:2026-03-10 counts browser.visit.other = 2",
            "(none) * day:2026-03-10 counts visit.other.other.new = 2",
            "(none) * day:2026-03-10 people device.other = 1",
            "(none) * day:2026-03-10 people kind.visit = 1",
            "(none) * day:2026-03-10 people new = 1",
            "(none) * day:2026-03-10 people reached.visit = 1",
            "(none) * day:2026-03-10 people users = 1",
            "(none) * day:2026-03-11 counts brand.visit.other = 1",
            "(none) * day:2026-03-11 counts browser.visit.other = 1",
            "(none) * day:2026-03-11 counts visit.other.other.returning = 1",
            "(none) * day:2026-03-11 people device.other = 1",
            "(none) * day:2026-03-11 people kind.visit = 1",
            "(none) * day:2026-03-11 people reached.visit = 1",
            "(none) * day:2026-03-11 people returning = 1",
            "(none) * day:2026-03-11 people users = 1",
        ]
    );
    assert_eq!(log.cell("(none) * life people new"), 1);
    assert_eq!(log.cell("(none) * life people returning"), 0);
}

#[test]
fn an_older_event_that_arrives_later_moves_the_first_day_to_returning() {
    let mut log = Log::new(&seoul());
    let there = |sent: Sent| sent.to("c", "a").with(IPHONE);
    log.apply([there(day("u", 10)), there(day("u", 10).id("b"))]);
    assert_eq!(
        log.cell("c a day:2026-03-10 counts visit.mobile.ios.new"),
        2
    );
    assert_eq!(log.cell("c a day:2026-03-10 people new"), 1);
    // when an event of the day before comes in, of another campaign
    log.apply([day("u", 9).to("d", "b").with(WINDOWS)]);
    // then the tenth is a day of returning, in every row
    for scope in ["c a", "c *"] {
        for period in ["life", "day:2026-03-10", "hour:2026-03-10T00:00Z"] {
            let cell = format!("{scope} {period} counts visit.mobile.ios");
            assert_eq!(log.cell(&format!("{cell}.new")), 0, "{cell}");
            assert_eq!(log.cell(&format!("{cell}.returning")), 2, "{cell}");
        }
        // nor is the user new in c's week or life: first_seen's day was spent elsewhere
        for period in ["life", "month:2026-03", "week:2026-W11", "day:2026-03-10"] {
            let row = format!("{scope} {period} people");
            assert_eq!(log.cell(&format!("{row} new")), 0, "{row}");
            assert_eq!(log.cell(&format!("{row} returning")), 1, "{row}");
        }
    }
    assert_eq!(
        log.cell("d b day:2026-03-09 counts visit.desktop.windows.new"),
        1
    );
    assert_eq!(log.cell("d b life people new"), 1);
}

#[test]
fn an_older_event_of_the_same_day_moves_nothing() {
    let mut log = Log::new(&seoul());
    let early = visit("u", "2026-03-10T00:00:00+09:00").appended("2026-03-31T00:00:00+09:00");
    log.apply([day("u", 10), early]);
    assert_eq!(
        log.cell("(none) * day:2026-03-10 counts visit.other.other.new"),
        2
    );
}

#[test]
fn a_sign_up_time_makes_later_days_returning() {
    let mut log = Log::new(&seoul());
    log.apply([day("u", 10)]);
    log.apply([sign_up("u", 12).signed_up("2026-03-09T23:59:59+09:00")]);
    assert_eq!(
        log.cell("(none) * life counts visit.other.other.returning"),
        1
    );
    assert_eq!(
        log.cell("(none) * life counts sign_up.other.other.returning"),
        1
    );
    assert_eq!(log.cell("(none) * life people new"), 0);
    assert_eq!(log.cell("(none) * life people returning"), 1);
    // An event on the day of the sign-up time is new.
    log.apply([day("u", 9)]);
    assert_eq!(
        log.cell("(none) * day:2026-03-09 counts visit.other.other.new"),
        1
    );
    assert_eq!(log.cell("(none) * life people new"), 1);
    assert_eq!(log.cell("(none) * life people returning"), 0);
}

#[test]
fn a_sign_up_without_a_time_is_an_event_like_others() {
    let mut log = Log::new(&seoul());
    log.apply([sign_up("u", 10), day("u", 10), day("u", 11)]);
    assert_eq!(log.cell("(none) * life counts sign_up.other.other.new"), 1);
    assert_eq!(log.cell("(none) * life counts visit.other.other.new"), 1);
    assert_eq!(
        log.cell("(none) * life counts visit.other.other.returning"),
        1
    );
}

#[test]
fn the_order_of_the_log_does_not_matter() {
    let history = [
        day("u", 12).to("c", "a"),
        day("u", 10).to("c", "b"),
        sign_up("u", 13).signed_up("2026-03-11T00:00:00+09:00"),
        day("u", 11).to("c", "a"),
        day("v", 11).to("c", "a").with(IPHONE),
    ];
    let in_order = |order: [usize; 5]| {
        let mut log = Log::new(&seoul());
        log.apply(order.map(|n| history[n].clone()));
        log.view()
    };
    let expected = in_order([0, 1, 2, 3, 4]);
    for order in [[4, 3, 2, 1, 0], [1, 3, 0, 2, 4], [2, 0, 4, 1, 3]] {
        assert_eq!(in_order(order), expected, "{order:?}");
    }
}

#[test]
fn a_late_event_has_no_say_in_first_seen() {
    let mut definition = seoul();
    definition.lateness_ms = Some(86_400_000);
    let mut log = Log::new(&definition);
    let now = |sent: Sent| sent.appended("2026-03-10T09:00:00+09:00");
    log.apply([now(day("u", 10))]);
    log.take(now(day("u", 1)));
    log.take(now(sign_up("u", 1)));
    assert_eq!(log.tallies().late, 2);
    assert_eq!(log.cell("(none) * life people new"), 1);
}

#[test]
fn a_bot_is_counted_apart_and_is_no_one() {
    let mut log = Log::new(&seoul());
    log.apply([
        day("bot", 10).with(GOOGLEBOT),
        sent(Kind::Purchase, "bot", "2026-03-10T09:00:00+09:00")
            .with(GOOGLEBOT)
            .paid(5, "KRW"),
    ]);
    assert_eq!(
        log.lines("(none) * life"),
        [
            "(none) * life counts purchase.bot.other.returning = 1",
            "(none) * life counts purchase.bot.other.returning.KRW = 5",
            "(none) * life counts visit.bot.other.returning = 1",
        ]
    );
    assert_eq!(log.lines("people"), [""; 0]);
}

#[test]
fn what_a_user_did_as_a_bot_does_not_move_first_seen() {
    let mut log = Log::new(&seoul());
    log.apply([
        day("u", 9).with(GOOGLEBOT),
        sign_up("u", 9)
            .with(GOOGLEBOT)
            .signed_up("2026-03-01T00:00:00+09:00"),
        day("u", 10),
        day("u", 10).id("as a bot").with(GOOGLEBOT),
    ]);
    assert_eq!(
        log.cell("(none) * day:2026-03-10 counts visit.other.other.new"),
        1
    );
    assert_eq!(
        log.cell("(none) * day:2026-03-10 counts visit.bot.other.returning"),
        1
    );
    assert_eq!(log.cell("(none) * life people new"), 1);
    assert_eq!(log.cell("(none) * life people kind.sign_up"), 0);
    assert_eq!(log.cell("(none) * day:2026-03-09 people users"), 0);
}
