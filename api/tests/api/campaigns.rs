//! The list of campaigns, and a campaign with its activities.

use serde_json::{Value, json};
use views::{Question, Span};

use crate::support::{Recorder, answer, get, numbers, scope};

fn spring() -> std::sync::Arc<Recorder> {
    Recorder::of([Ok(answer([
        (scope("spring", None), numbers()),
        (scope("spring", Some("early-bird")), numbers()),
        (scope("spring", Some("raffle")), views::Numbers::default()),
    ]))])
}

/// The label and events of each share of a list.
fn events(shares: &Value) -> Vec<(String, u64)> {
    let shares = shares.as_array().unwrap().iter();
    shares
        .map(|share| {
            let label = share["label"].as_str().unwrap().to_owned();
            (label, share["events"].as_u64().unwrap())
        })
        .collect()
}

fn pairs(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    let expected = expected.iter();
    expected
        .map(|(label, n)| ((*label).to_owned(), *n))
        .collect()
}

#[tokio::test]
async fn every_campaign_is_listed_with_its_life_in_one_question() {
    let hot = Recorder::of([Ok(answer([
        (scope("(none)", None), views::Numbers::default()),
        (scope("spring", None), numbers()),
    ]))]);
    let (status, body) = get(&hot, "/v1/campaigns").await;
    assert_eq!(status, 200);
    assert_eq!(body["campaigns"][0]["campaign"], "(none)");
    assert_eq!(body["campaigns"][0]["totals"]["events"], 0);
    assert_eq!(body["campaigns"][1]["campaign"], "spring");
    assert_eq!(body["campaigns"][1]["totals"]["events"], 13);
    assert_eq!(body["campaigns"][1]["people"]["users"], 5);
    assert_eq!(hot.asked(), [Question::Campaigns]);
}

#[tokio::test]
async fn a_campaign_with_its_activities_is_one_question() {
    let hot = spring();
    let (status, body) = get(&hot, "/v1/campaigns/spring").await;
    assert_eq!(status, 200);
    assert_eq!(body["activities"].as_array().unwrap().len(), 2);
    assert_eq!(body["activities"][0]["activity"], "early-bird");
    assert_eq!(body["activities"][0]["totals"]["events"], 13);
    assert_eq!(body["activities"][1]["people"]["users"], 0);
    let question = Question::Campaign {
        campaign: "spring".to_owned(),
        span: Span::Life,
    };
    assert_eq!(hot.asked(), [question]);
}

#[tokio::test]
async fn a_thousand_activities_are_still_one_question() {
    let activities = (0..1000).map(|i| (scope("spring", Some(&format!("a{i:04}"))), numbers()));
    let hot = Recorder::of([Ok(answer(activities))]);
    let (_, body) = get(&hot, "/v1/campaigns/spring").await;
    assert_eq!(body["activities"].as_array().unwrap().len(), 1000);
    assert_eq!(hot.asked().len(), 1);
}

#[tokio::test]
async fn totals_amounts_and_funnel_leave_bots_out_and_list_them_apart() {
    let (_, body) = get(&spring(), "/v1/campaigns/spring").await;
    let by_kind = json!({"visit": 8, "click": 2, "enter": 1, "purchase": 1, "sign_up": 1});
    assert_eq!(body["totals"], json!({"events": 13, "by_kind": by_kind}));
    assert_eq!(
        body["amounts"],
        json!([{"currency": "KRW", "minor_units": 12_000}])
    );
    assert_eq!(body["bots"]["events"], 3);
    assert_eq!(body["bots"]["by_kind"]["visit"], 3);
    assert_eq!(
        body["funnel"]["events"],
        json!([
            {"step": "visit", "count": 8, "from_previous": null, "from_first": 1.0},
            {"step": "click", "count": 2, "from_previous": 0.25, "from_first": 0.25},
            {"step": "enter", "count": 1, "from_previous": 0.5, "from_first": 0.125},
            {"step": "purchase", "count": 1, "from_previous": 1.0, "from_first": 0.125},
        ])
    );
    assert_eq!(body["funnel"]["people"][1]["count"], 2);
    assert_eq!(body["funnel"]["people"][1]["from_previous"], 0.4);
}

#[tokio::test]
async fn devices_systems_browsers_and_brands_are_shares_of_events() {
    let (_, body) = get(&spring(), "/v1/campaigns/spring").await;
    let devices = [("mobile", 9), ("tablet", 1), ("desktop", 3), ("other", 0)];
    assert_eq!(events(&body["devices"]), pairs(&devices));
    assert_eq!(body["devices"][0]["share"], 0.692_308);
    let systems = [("ios", 8), ("windows", 3), ("android", 2)];
    assert_eq!(events(&body["os"]), pairs(&systems));
    let browsers = [("safari", 7), ("chrome", 2)];
    assert_eq!(events(&body["browsers"]), pairs(&browsers));
    assert_eq!(events(&body["brands"]), pairs(&[("iphone", 5)]));
    assert!(body.get("browsers_reason").is_none());
}

#[tokio::test]
async fn new_and_returning_are_by_events_and_by_people() {
    let (_, body) = get(&spring(), "/v1/campaigns/spring").await;
    assert_eq!(
        body["visitors"]["events"],
        json!({"new": 8, "returning": 5})
    );
    assert_eq!(
        body["visitors"]["people"],
        json!({"new": 3, "returning": 2})
    );
    assert_eq!(
        body["people"]["by_device"],
        json!({"mobile": 3, "tablet": 1, "desktop": 2, "other": 0})
    );
    assert!(body.get("people_reason").is_none());
}

#[tokio::test]
async fn counts_honour_every_filter() {
    for (query, total) in [
        ("device=mobile", 9),
        ("os=ios", 8),
        ("is_new=true", 8),
        ("is_new=false", 5),
        ("device=mobile&os=ios&is_new=true", 7),
        ("bots=include", 16),
        ("device=bot", 3),
        ("bots=include&os=other", 3),
        ("os=other", 0),
    ] {
        let path = format!("/v1/campaigns/spring?{query}");
        let (status, body) = get(&spring(), &path).await;
        assert_eq!(status, 200, "{query}");
        assert_eq!(body["totals"]["events"], total, "{query}");
        let activity = &body["activities"][0]["totals"];
        assert_eq!(activity["events"], total, "{query}");
        let devices = events(&body["devices"]);
        let sum: u64 = devices.iter().map(|(_, n)| n).sum();
        assert_eq!(sum, total, "{query}");
    }
}

#[tokio::test]
async fn amounts_honour_the_filter() {
    let (_, body) = get(&spring(), "/v1/campaigns/spring?device=desktop").await;
    assert_eq!(body["amounts"], json!([]));
}

#[tokio::test]
async fn the_filter_is_told_back() {
    let (_, body) = get(&spring(), "/v1/campaigns/spring?device=mobile&is_new=false").await;
    let filter = json!({"device": "mobile", "os": null, "is_new": false, "bots": false});
    assert_eq!(body["filter"], filter);
}

#[tokio::test]
async fn under_a_filter_people_browsers_and_brands_are_null_with_a_reason() {
    for query in ["device=mobile", "os=ios", "is_new=true", "bots=include"] {
        let path = format!("/v1/campaigns/spring?{query}");
        let (_, body) = get(&spring(), &path).await;
        for (object, field) in [
            (&body, "people"),
            (&body["funnel"], "people"),
            (&body["visitors"], "people"),
            (&body["activities"][0], "people"),
            (&body["activities"][0]["funnel"], "people"),
            (&body, "browsers"),
            (&body, "brands"),
        ] {
            assert!(object[field].is_null(), "{field} under {query}");
            let reason = object[format!("{field}_reason")].as_str().unwrap();
            assert!(reason.contains("leave out device"), "{reason}");
        }
    }
}

#[tokio::test]
async fn days_become_the_span_that_is_asked_for() {
    let hot = spring();
    let path = "/v1/campaigns/spring?from=2026-11-16&to=2026-11-22";
    let (status, body) = get(&hot, path).await;
    assert_eq!(status, 200);
    assert_eq!(body["from"], "2026-11-16");
    assert_eq!(body["to"], "2026-11-22");
    assert_eq!(body["people"]["users"], 5);
    let day = |day| pipeline::row::day_of(jiff::civil::date(2026, 11, day)).unwrap();
    let question = Question::Campaign {
        campaign: "spring".to_owned(),
        span: Span::Days {
            from: day(16),
            to: day(22),
        },
    };
    assert_eq!(hot.asked(), [question]);
}

#[tokio::test]
async fn a_span_that_is_no_day_week_or_month_has_events_but_no_people() {
    let path = "/v1/campaigns/spring?from=2026-11-15&to=2026-11-20";
    let (status, body) = get(&spring(), path).await;
    assert_eq!(status, 200);
    assert_eq!(body["totals"]["events"], 13);
    assert!(body["people"].is_null());
    let reason = body["people_reason"].as_str().unwrap();
    assert!(reason.contains("ISO week"), "{reason}");
    assert!(body["browsers"].is_array());
}

#[tokio::test]
async fn days_without_events_are_zeros_and_a_life_without_is_unknown() {
    let nothing = || Recorder::of([Ok(answer([]))]);
    let path = "/v1/campaigns/nobody?from=2026-11-20&to=2026-11-20";
    let (status, body) = get(&nothing(), path).await;
    assert_eq!((status, &body["has_events"]), (200, &json!(false)));
    assert_eq!(body["totals"]["events"], 0);
    assert_eq!(body["people"]["users"], 0);
    assert_eq!(body["devices"][0]["share"], Value::Null);
    let (status, body) = get(&nothing(), "/v1/campaigns/nobody").await;
    assert_eq!(status, 404);
    assert_eq!(body["type"], "urn:footfall:problem:unknown-campaign");
    assert!(body["detail"].as_str().unwrap().contains("nobody"));
}

#[tokio::test]
async fn an_id_of_any_script_is_found() {
    let hot = Recorder::of([Ok(answer([(scope("가을 래플", None), numbers())]))]);
    let path = "/v1/campaigns/%EA%B0%80%EC%9D%84%20%EB%9E%98%ED%94%8C";
    let (status, body) = get(&hot, path).await;
    assert_eq!((status, &body["campaign"]), (200, &json!("가을 래플")));
    assert_eq!(body["totals"]["events"], 13);
}
