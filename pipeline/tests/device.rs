//! Device classes, judged on cases of our own and on small samples of two public lists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pipeline::device::{
    Brand, Browser, Device, DeviceClass, Hints, MAX_USER_AGENT_BYTES, Os, classify,
};
use proptest::prelude::*;

const CASES: &str = include_str!("data/device-cases.tsv");
const INTOLI: &str = include_str!("data/device-intoli.tsv");
const WOOTHEE: &str = include_str!("data/device-woothee.tsv");

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| line.split('\t').collect())
}

fn mobile(hint: &str) -> Option<bool> {
    match hint {
        "?1" => Some(true),
        "?0" => Some(false),
        _ => None,
    }
}

#[test]
fn every_case_of_our_own_is_told_as_written() {
    let mut wrong = Vec::new();
    let mut judged = 0;
    for row in rows(CASES) {
        let [class, os, browser, brand, hint, platform, model, agent] = row[..] else {
            panic!("a case has eight columns: {row:?}");
        };
        let expected = Device {
            class: DeviceClass::parse(class).expect(class),
            os: Os::parse(os).expect(os),
            browser: Browser::parse(browser).expect(browser),
            brand: Brand::parse(brand).expect(brand),
        };
        let told = classify(
            agent,
            Hints {
                mobile: mobile(hint),
                platform,
                model,
            },
        );
        if told != expected {
            wrong.push(format!(
                "{agent} [{hint} {platform} {model}]\n  expected {expected:?}\n  told     {told:?}"
            ));
        }
        judged += 1;
    }
    assert!(judged > 100, "only {judged} cases were read");
    assert!(
        wrong.is_empty(),
        "{} of {judged} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn misses(list: &'static str) -> (Vec<String>, usize) {
    let mut wrong = Vec::new();
    let mut judged = 0;
    for row in rows(list) {
        let [expected, agent] = row[..] else {
            panic!("a row has two columns: {row:?}")
        };
        let told = classify(agent, Hints::default()).class;
        if !expected.split('|').any(|class| class == told.as_str()) {
            wrong.push(format!("{told} instead of {expected}: {agent}"));
        }
        judged += 1;
    }
    (wrong, judged)
}

#[test]
fn real_traffic_is_told_without_a_miss() {
    let (wrong, judged) = misses(INTOLI);
    assert!(judged > 40);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_woothee_sample_is_told_but_for_two_that_give_a_crawlers_address() {
    let (wrong, judged) = misses(WOOTHEE);
    assert!(judged > 20);
    assert_eq!(wrong.len(), 2, "{wrong:#?}");
    assert!(
        wrong.iter().all(|miss| miss.contains("+http")),
        "{wrong:#?}"
    );
}

#[test]
fn what_stands_beyond_the_limit_is_not_read() {
    let long = format!("Mozilla/5.0 {}", "x".repeat(MAX_USER_AGENT_BYTES));
    assert_eq!(
        classify(&format!("{long} Googlebot"), Hints::default()).class,
        DeviceClass::Other
    );
    assert_eq!(
        classify(&format!("Googlebot {long}"), Hints::default()).class,
        DeviceClass::Bot
    );
}

#[test]
fn every_label_and_number_leads_back_to_its_variant() {
    macro_rules! check {
        ($($kind:ty),+) => {$(
            for (index, variant) in <$kind>::ALL.into_iter().enumerate() {
                assert_eq!(variant as usize, index);
                assert_eq!(<$kind>::from_u8(variant as u8), Some(variant));
                assert_eq!(<$kind>::parse(variant.as_str()), Some(variant));
                assert_eq!(variant.to_string(), variant.as_str());
                let label = variant.as_str();
                assert!(label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{label}");
            }
            assert_eq!(<$kind>::from_u8(<$kind>::ALL.len() as u8), None);
            assert_eq!(<$kind>::parse("no such label"), None);
        )+};
    }
    check!(DeviceClass, Os, Browser, Brand);
}

/// Texts that look like User-Agents and hints more often than chance would make them.
fn agent() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        prop::sample::select(vec![
            "Mozilla/5.0 (",
            "Linux; Android 14; ",
            "SM-X910",
            "Build/",
            ")",
            "(",
            ";",
            "; wv",
            "Mobile",
            "Tablet",
            "TV",
            "iPad",
            "iPhone",
            "Macintosh",
            "bot",
            "http://",
            "Lenovo",
            "Lenovo ",
            "HUAWEI-",
            "compatible;",
            "\"",
            "ko-kr",
            "Android",
            "Adr ",
            "Chrome/126 ",
            "Safari/537.36",
            "é한",
            "\0",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_input_is_told_without_panic_and_always_alike(
        agent in agent(),
        mobile in any::<Option<bool>>(),
        platform in prop_oneof![any::<String>(), Just("\"Android\"".to_owned()), Just("iOS".to_owned())],
        model in agent(),
    ) {
        let hints = Hints { mobile, platform: &platform, model: &model };
        let told = classify(&agent, hints);
        prop_assert_eq!(told, classify(&agent, hints));
        prop_assert!(told.class != DeviceClass::Bot || told == Device::BOT);
    }

    #[test]
    fn an_iphone_is_mobile_and_ios_whatever_the_app_around_it(tail in "[A-Za-z0-9/. ]{0,40}") {
        let agent = format!("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 {tail}");
        let told = classify(&agent, Hints::default());
        prop_assume!(told.class != DeviceClass::Bot && told.class != DeviceClass::Other);
        prop_assert_eq!((told.class, told.os, told.brand), (DeviceClass::Mobile, Os::Ios, Brand::IPhone));
    }
}
