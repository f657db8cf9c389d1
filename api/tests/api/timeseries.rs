//! A campaign's events along time.

use pipeline::cell::Kind;
use pipeline::device::{DeviceClass, Os};
use serde_json::{Value, json};
use views::{Answer, Counts, Question, Step};

use crate::support::{NOW_MS, Recorder, answer, cell, get};

const NOW: i64 = NOW_MS / 1000;
const HOUR: i64 = 3_600;

fn series(buckets: impl IntoIterator<Item = (i64, Counts)>) -> std::sync::Arc<Recorder> {
    Recorder::of([Ok(Answer {
        series: buckets.into_iter().collect(),
        ..answer([])
    })])
}

fn minute(visits: u64) -> Counts {
    let mut counts = Counts::default();
    counts.kinds.insert(Kind::Visit, visits);
    counts
}

fn hour(visits: u64, of_bots: u64) -> Counts {
    let mut counts = Counts::default();
    for (device, count) in [(DeviceClass::Mobile, visits), (DeviceClass::Bot, of_bots)] {
        let cell = cell(Kind::Visit, device, Os::Ios, false);
        counts.cells.insert(cell, count);
    }
    counts
}

fn asked(hot: &Recorder) -> (i64, i64, Step) {
    match hot.asked().as_slice() {
        [
            Question::Series {
                campaign,
                from,
                to,
                step,
            },
        ] if campaign == "spring" => (*from, *to, *step),
        other => panic!("asked {other:?}"),
    }
}

fn points(body: &Value) -> &Vec<Value> {
    body["points"].as_array().unwrap()
}

#[tokio::test]
async fn the_last_hour_of_minutes_is_sixty_points_with_zeros_between() {
    let hot = series([(NOW - 60, minute(7)), (NOW, minute(2))]);
    let (status, body) = get(&hot, "/v1/campaigns/spring/timeseries?step=minute").await;
    assert_eq!(status, 200);
    assert_eq!(asked(&hot), (NOW - 59 * 60, NOW + 60, Step::Minute));
    assert_eq!(points(&body).len(), 60);
    assert_eq!(points(&body)[57]["events"], 0);
    assert_eq!(points(&body)[58]["events"], 7);
    assert_eq!(points(&body)[59]["by_kind"]["visit"], 2);
    assert_eq!(points(&body)[59]["start"], "2026-11-22T14:00:00+09:00");
    assert_eq!(body["has_events"], true);
}

#[tokio::test]
async fn hours_are_the_default_and_leave_bots_out() {
    let hot = series([(NOW, hour(5, 4))]);
    let (_, body) = get(&hot, "/v1/campaigns/spring/timeseries").await;
    assert_eq!(asked(&hot), (NOW - 47 * HOUR, NOW + HOUR, Step::Hour));
    assert_eq!(points(&body).last().unwrap()["events"], 5);
}

#[tokio::test]
async fn hours_honour_filters() {
    for (query, events) in [
        ("bots=include", 9),
        ("device=bot", 4),
        ("device=mobile&os=ios", 5),
        ("os=android", 0),
    ] {
        let path = format!("/v1/campaigns/spring/timeseries?step=hour&{query}");
        let (_, body) = get(&series([(NOW, hour(5, 4))]), &path).await;
        assert_eq!(points(&body).last().unwrap()["events"], events, "{query}");
    }
}

#[tokio::test]
async fn days_are_local_and_the_last_is_counted() {
    let hot = series([]);
    let path = "/v1/campaigns/spring/timeseries?step=day&from=2026-11-20&to=2026-11-22";
    let (_, body) = get(&hot, path).await;
    // Midnight in Seoul is 15:00 of the day before in UTC; now is 14:00 there.
    let today = NOW - 14 * HOUR;
    assert_eq!(
        asked(&hot),
        (today - 48 * HOUR, today + 24 * HOUR, Step::Day)
    );
    let starts: Vec<&Value> = points(&body).iter().map(|point| &point["start"]).collect();
    assert_eq!(
        starts,
        [
            "2026-11-20T00:00:00+09:00",
            "2026-11-21T00:00:00+09:00",
            "2026-11-22T00:00:00+09:00"
        ]
    );
    assert_eq!(body["has_events"], json!(false));
}

#[tokio::test]
async fn instants_are_moved_out_to_whole_buckets() {
    let hot = series([]);
    let times = "from=2026-11-22T10:20:00%2B09:00&to=2026-11-22T03:00:01Z";
    let path = format!("/v1/campaigns/spring/timeseries?step=hour&{times}");
    let (_, body) = get(&hot, &path).await;
    assert_eq!(asked(&hot), (NOW - 4 * HOUR, NOW - HOUR, Step::Hour));
    assert_eq!(body["from"], "2026-11-22T10:00:00+09:00");
    assert_eq!(body["to"], "2026-11-22T13:00:00+09:00");
}

#[tokio::test]
async fn the_plus_of_an_offset_needs_no_escape() {
    let hot = series([]);
    let times = "from=2026-11-22T10:00:00+09:00&to=2026-11-22T11:00:00+09:00";
    let path = format!("/v1/campaigns/spring/timeseries?{times}");
    let (status, _) = get(&hot, &path).await;
    assert_eq!(status, 200);
    assert_eq!(asked(&hot), (NOW - 4 * HOUR, NOW - 3 * HOUR, Step::Hour));
}

#[tokio::test]
async fn numbers_that_are_not_kept_are_refused_without_a_question() {
    for (query, parameter) in [
        ("step=minute&device=mobile", "device"),
        ("step=minute&bots=include", "bots"),
        ("step=minute&store=history", "store"),
        ("step=minute&from=2026-11-20&to=2026-11-20", "from"),
    ] {
        let hot = series([]);
        let path = format!("/v1/campaigns/spring/timeseries?{query}");
        let (status, body) = get(&hot, &path).await;
        assert_eq!(status, 400, "{query}");
        assert_eq!(body["type"], "urn:footfall:problem:not-kept", "{query}");
        assert_eq!(body["parameter"], parameter, "{query}");
        assert_eq!(hot.asked(), [], "{query}");
    }
}
